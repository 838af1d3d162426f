#include "agent/adapters/mysql_session.h"

#include <algorithm>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "lib/base/sync.h"

namespace cdb::agent {
namespace {

using std::chrono::seconds;

// Client and server error numbers that mean something to us.
constexpr int kTooManyConnections = 1040;
constexpr int kHostBlocked = 1129;
constexpr int kShutdownInProgress = 1053;
constexpr int kAccessDenied = 1045;
constexpr int kSyntaxError = 1064;
constexpr int kLockWaitTimeout = 1205;
constexpr int kQueryInterrupted = 1317;
constexpr int kConnectError = 2002;
constexpr int kConnectHostError = 2003;

seconds whole_seconds(Duration duration) {
  return std::max(seconds(1), std::chrono::ceil<seconds>(duration));
}

// What is kept back of a deadline for killing and for looking at what became of it.
Duration reserve(Deadline deadline) {
  return std::min<Duration>(deadline.left() / 5, std::chrono::milliseconds(200));
}

// Calls an action with a second connection at the given moment, unless told before that there is no
// need any more.
class Watch {
 public:
  using Act = std::function<void(MysqlConnection&)>;

  Watch(const MysqlLogin& login, Deadline when, Act act)
      : thread_([this, login, when, act = std::move(act)](const std::stop_token& stop) {
          if (ended_.wait(stop, when, [](const bool& ended) { return ended; }) ||
              stop.stop_requested())
            return;
          fired_.with([](bool& fired) { fired = true; });
          const auto second = MysqlConnection::open(login, seconds(1), seconds(1));
          // Where no second connection can be had the read timeout ends the wait.
          if (second.connection) act(*second.connection);
        }) {}

  // Returns whether it fired. Waits for the action to be over.
  bool end() {
    ended_.with([](bool& ended) { ended = true; });
    if (thread_.joinable()) thread_.join();
    return fired_.read([](const bool& fired) { return fired; });
  }

 private:
  Sync<bool> ended_{false};
  Sync<bool> fired_{false};
  std::jthread thread_;
};

}  // namespace

void pause(Duration duration, Deadline deadline) {
  Sync<bool> never(false);
  (void)never.wait({}, deadline.sooner_of(duration), [](const bool& value) { return value; });
}

Error to_error(const SqlError& error, std::string_view what) {
  const std::string text = fmt::format("{}: {} (error {})", what, error.text, error.number);
  if (error.connection_lost() || error.number == kConnectError ||
      error.number == kConnectHostError || error.number == kShutdownInProgress)
    return unavailable(text);
  if (error.number == kTooManyConnections)
    return unavailable(text, "the connection kept for administration is taken too: end a session");
  if (error.number == kHostBlocked) return unavailable(text);
  if (error.number == kAccessDenied)
    return precondition(text, "the accounts of this server are not those of the cluster");
  if (error.number == kLockWaitTimeout || error.number == kQueryInterrupted)
    return deadline_exceeded(text);
  return precondition(text);
}

MysqlSession::Opened MysqlSession::open(const MysqlLogin& login, Deadline deadline) {
  std::unique_ptr<MysqlSession> session(new MysqlSession());
  session->login_ = login;
  session->timeout_ = whole_seconds(deadline.left());
  while (true) {
    auto opened = MysqlConnection::open(login, session->timeout_, session->timeout_);
    if (opened.connection) {
      session->connection_ = std::move(opened.connection);
      break;
    }
    // The slot kept for administration may still be held by the session that we have just closed.
    if (opened.error->number != kTooManyConnections ||
        deadline.left() < std::chrono::milliseconds(20))
      return {.error = std::move(opened.error), .session = nullptr};
    pause(std::chrono::milliseconds(10), deadline);
  }
  // Literals are written with backslashes, so the mode that forbids them must be off; no statement
  // of ours may wait for a lock (a year, by default) once nobody waits for it any more.
  SqlAnswer answer =
      session->raw(fmt::format("SET SESSION sql_mode = '', lock_wait_timeout = {0}, "
                               "innodb_lock_wait_timeout = {0}, wait_timeout = 28800",
                               session->timeout_.count()));
  if (answer.ok()) answer = session->raw("SELECT VERSION() AS version, CONNECTION_ID() AS id");
  if (!answer.ok()) return {.error = std::move(answer.error), .session = nullptr};
  session->id_ = answer.rows.text("id");
  const auto version = model::MysqlVersion::parse(answer.rows.text("version"));
  if (!version)
    return {.error = SqlError{.number = 1, .text = version.error().message}, .session = nullptr};
  session->version_ = *version;
  answer = session->raw(fmt::format("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('{}', '{}')",
                                    session->words(Phrase::SemisyncSourceEnabled),
                                    session->words(Phrase::SemisyncReplicaEnabled)));
  if (!answer.ok()) return {.error = std::move(answer.error), .session = nullptr};
  session->semisync_ = answer.rows.rows.size() == 2;
  return {.error = std::nullopt, .session = std::move(session)};
}

SqlAnswer MysqlSession::raw(const std::string& statement) {
  SqlAnswer answer = connection_->run(statement);
  if (!answer.ok() && answer.error->connection_lost()) broken_ = true;
  return answer;
}

Result<SqlRows> MysqlSession::read(const std::string& statement, Deadline deadline) {
  SqlAnswer answer = raw(statement);
  if (answer.ok()) return std::move(answer.rows);
  const std::string_view what = std::string_view(statement).substr(0, 60);
  if (broken_ && deadline.passed())
    return deadline_exceeded(fmt::format("{}: no answer in time", what));
  return to_error(*answer.error, what);
}

MysqlSession::Change MysqlSession::try_change(
    const std::string& statement, Deadline deadline,
    const std::function<void(MysqlConnection&)>& halfway) {
  const std::string kill = "KILL " + id_;
  Watch watch(login_, Deadline::at(deadline.when() - reserve(deadline)),
              [&kill](MysqlConnection& second) { (void)second.run(kill); });
  std::optional<Watch> early{};
  if (halfway) early.emplace(login_, Deadline::after(deadline.left() / 2), halfway);
  Change change{.answer = raw(statement), .killed = false};
  if (early) (void)early->end();
  change.killed = watch.end();
  if (change.killed) broken_ = true;  // the KILL may have come after the statement's end
  return change;
}

Status MysqlSession::change(const std::string& statement, Deadline deadline) {
  // Never the whole statement: it may hold a password.
  const std::string what(statement.substr(0, std::min<size_t>(statement.find('\''), 60)));
  if (deadline.passed()) return deadline_exceeded(what + ": the deadline passed before it began");
  const Change change = try_change(statement, deadline);
  if (change.answer.ok()) return {};
  // What the server quotes of a statement that it cannot parse may hold a password as well.
  if (change.answer.error->number == kSyntaxError)
    return internal(what + ": the server does not know this statement");
  if (!change.answer.error->connection_lost()) return to_error(*change.answer.error, what);
  const bool gone = end_remains(deadline);
  return outcome_unknown(fmt::format(
      "{}: {}{}", what, change.killed ? "killed at the deadline" : "the answer was lost",
      gone ? "" : ", its session is still there"));
}

bool MysqlSession::end_remains(Deadline deadline) {
  broken_ = true;
  const auto second = MysqlConnection::open(login_, seconds(1), seconds(1));
  if (!second.connection) return false;
  (void)second.connection->run("KILL " + id_);
  while (true) {
    const SqlAnswer answer = second.connection->run("SHOW PROCESSLIST");
    if (!answer.ok()) return false;
    bool there = false;
    for (size_t row = 0; row < answer.rows.rows.size(); ++row)
      there = there || answer.rows.text("Id", row) == id_;
    if (!there) return true;
    if (deadline.passed()) return false;
    pause(std::chrono::milliseconds(5), deadline);
  }
}

bool MysqlSession::alive() {
  return !broken_ && raw("DO 0").ok();
}

bool MysqlSession::fits(Deadline deadline, seconds slack) const {
  const seconds needed = whole_seconds(deadline.left());
  return timeout_ >= needed && timeout_ <= needed + slack;
}

}  // namespace cdb::agent
