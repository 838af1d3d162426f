#include "agent/adapters/connector_mysql_server.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "agent/adapters/logical_copy.h"
#include "agent/adapters/mysql_accounts.h"
#include "agent/adapters/replica_verbs.h"
#include "agent/adapters/variables.h"
#include "agent/core/grants.h"
#include "agent/core/statements.h"

namespace cdb::agent {
namespace {

using model::GtidSet;
using std::chrono::milliseconds;

constexpr int kAccessDenied = 1045;
constexpr int kAccessDeniedNoPassword = 1698;
constexpr int kUnknownDatabase = 1049;
constexpr int kUnknownTable = 1146;
constexpr int kCloneShutdown = 3707;

// The sessions of everyone but the agent and replication. One that was killed and waits for
// acknowledgements has lost its client and stays until it has them: it counts no more.
std::vector<std::string> client_sessions(const SqlRows& processes) {
  static constexpr std::array<std::string_view, 4> kSpared{
      model::kAgentUser, model::kReplicationUser, "system user", "event_scheduler"};
  std::vector<std::string> ids{};
  for (size_t row = 0; row < processes.rows.size(); ++row) {
    const std::string command = processes.text("Command", row);
    if (std::find(kSpared.begin(), kSpared.end(), processes.text("User", row)) == kSpared.end() &&
        command != "Killed" && command != "Daemon" && !command.starts_with("Binlog Dump"))
      ids.push_back(processes.text("Id", row));
  }
  return ids;
}

bool refused(const SqlError& error) {
  return error.number == kAccessDenied || error.number == kAccessDeniedNoPassword;
}

}  // namespace

ConnectorMysqlServer::ConnectorMysqlServer(std::function<MysqlAccess()> access)
    : access_(std::move(access)) {}

ConnectorMysqlServer::~ConnectorMysqlServer() = default;

Result<MysqlSession*> ConnectorMysqlServer::connect(const std::vector<MysqlLogin>& logins,
                                                    Deadline deadline) {
  session_.reset();  // before the next is opened: it may hold the only slot
  std::optional<SqlError> error{};
  for (const MysqlLogin& login : logins) {
    if (deadline.passed())
      return deadline_exceeded(fmt::format("mysqld at {}: no connection in time", login.socket));
    auto opened = MysqlSession::open(login, deadline);
    if (opened.session) {
      session_ = std::move(opened.session);
      return session_.get();
    }
    // The first refusal speaks of the account that should work.
    if (!error || !refused(*opened.error)) error = std::move(opened.error);
    if (!refused(*error)) break;
  }
  if (!error) return precondition("mysqld: no account to log in with is known yet");
  if (error->connection_lost() && deadline.passed())
    return deadline_exceeded(fmt::format("mysqld at {}: no answer in time", logins.front().socket));
  return to_error(*error, fmt::format("mysqld at {}", logins.front().socket));
}

Result<MysqlSession*> ConnectorMysqlServer::session(Deadline deadline, Fallback fallback,
                                                    std::chrono::seconds slack) {
  const MysqlAccess access = access_();
  std::vector<MysqlLogin> logins{};
  if (!access.agent_password.empty())
    logins.push_back(
        {.socket = access.socket, .user = model::kAgentUser, .password = access.agent_password});
  if (fallback == Fallback::Root)
    logins.push_back({.socket = access.socket, .user = "root", .password = Secret{}});
  const auto is_ours = [&](const MysqlLogin& login) {
    return login.socket == session_->login().socket && login.user == session_->login().user &&
           login.password == session_->login().password;
  };
  if (session_ && std::any_of(logins.begin(), logins.end(), is_ours) &&
      session_->fits(deadline, slack) && session_->alive())
    return session_.get();
  return connect(logins, deadline);
}

Result<model::ServerStatus> ConnectorMysqlServer::status(Deadline deadline) {
  // A frozen server shows here first: no slack.
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session,
                       this->session(deadline, Fallback::Root, std::chrono::seconds(0)));
  ReplicaVerbs verbs(*session, deadline);
  CDB_ASSIGN_OR_RETURN(model::ServerStatus status, verbs.server());
  CDB_ASSIGN_OR_RETURN(ReplicaState replica, verbs.replica());
  status.replication = std::move(replica.status);
  return status;
}

Status ConnectorMysqlServer::ensure_accounts(const model::Credentials& credentials,
                                             Deadline deadline) {
  const MysqlAccess access = access_();
  CDB_ASSIGN_OR_RETURN(
      MysqlSession* const session,
      connect(administrator_logins(access.socket, access.agent_password, credentials), deadline));
  const Status done = cdb::agent::ensure_accounts(*session, credentials, deadline);
  // The next call logs in afresh, as whom it should.
  session_.reset();
  return done;
}

Status ConnectorMysqlServer::replicate_from(const ReplicationSource& source, Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  return ReplicaVerbs(*session, deadline).replicate_from(source);
}

Status ConnectorMysqlServer::stop_receiver(Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  return ReplicaVerbs(*session, deadline).stop_receiver();
}

Status ConnectorMysqlServer::start_applier(Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  return ReplicaVerbs(*session, deadline).start_applier();
}

Status ConnectorMysqlServer::stop_applier(Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  return ReplicaVerbs(*session, deadline).stop_applier();
}

Status ConnectorMysqlServer::wait_for_executed(const GtidSet& set, Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  return ReplicaVerbs(*session, deadline).wait_for_executed(set);
}

Status ConnectorMysqlServer::reset_replication(Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  return ReplicaVerbs(*session, deadline).reset();
}

// The order keeps every commit at the stricter of what was and what will be: what a commit waits
// for is set before it waits at all, and nothing is switched off on the way. Setting
// wait_no_replica also makes a source wait again that had given up before.
Status ConnectorMysqlServer::set_acks_required(int acks, Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  const auto set = [&](Phrase variable, const std::string& value) {
    return session->change(fmt::format("SET GLOBAL {} = {}", session->words(variable), value),
                           deadline);
  };
  if (acks <= 0) {
    if (!session->has_semisync()) return {};
    return set(Phrase::SemisyncSourceEnabled, "OFF");
  }
  if (!session->version().has_lossless_semisync())
    return precondition(fmt::format("MySQL {} acknowledges after the commit: it cannot be lossless",
                                    session->version().str()));
  if (!session->has_semisync())
    return precondition("semi-sync: its plugins are not loaded",
                        "plugin_load_add must name them in my.cnf");
  ReplicaVerbs verbs(*session, deadline);
  CDB_ASSIGN_OR_RETURN(const ReplicaState replica, verbs.replica());
  if (replica.status.applier != model::ThreadState::Off)
    return precondition("semi-sync's source side would hang the applier, which runs");
  CDB_TRY(set(Phrase::SemisyncSourceTimeout, std::string(kLongestSemisyncTimeout)));
  CDB_TRY(set(Phrase::SemisyncSourceWaitPoint, "'AFTER_SYNC'"));
  CDB_TRY(set(Phrase::SemisyncSourceWaitCount, std::to_string(acks)));
  CDB_TRY(set(Phrase::SemisyncSourceWaitNoReplica, "ON"));
  CDB_TRY(set(Phrase::SemisyncSourceEnabled, "ON"));
  CDB_ASSIGN_OR_RETURN(const model::ServerStatus status, verbs.server());
  CDB_ASSIGN_OR_RETURN(const SqlRows waits,
                       session->read(fmt::format("SHOW GLOBAL STATUS LIKE '{}'",
                                                 session->words(Phrase::SemisyncSourceStatus)),
                                     deadline));
  if (!status.semisync.source_enabled || status.semisync.acks_required != acks ||
      !is_on(named_value(waits, session->words(Phrase::SemisyncSourceStatus))))
    return internal(fmt::format("semi-sync did not take {} acknowledgements", acks));
  return {};
}

Status ConnectorMysqlServer::set_writable(Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  CDB_TRY(session->change(std::string(session->words(Phrase::SetWritable)), deadline));
  CDB_ASSIGN_OR_RETURN(const model::ServerStatus status, ReplicaVerbs(*session, deadline).server());
  if (status.read_only || status.super_read_only)
    return internal("the server is still read-only after it was opened");
  return {};
}

// Waits for statements that write and commits that wait for acknowledgements. While it waits the
// variable already reads 1, and a killed SET puts it back: so it counts only once the statement has
// returned. Clients that have kept it waiting for half the time are killed; what they are doing is
// rolled back, or commits if it has come that far.
Status ConnectorMysqlServer::set_read_only(Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession * session, this->session(deadline));
  CDB_ASSIGN_OR_RETURN(model::ServerStatus status, ReplicaVerbs(*session, deadline).server());
  if (status.read_only && status.super_read_only) return {};
  const auto kill_clients = [](MysqlConnection& second) {
    for (const std::string& id : client_sessions(second.run("SHOW PROCESSLIST").rows))
      (void)second.run("KILL " + id);
  };
  const auto change =
      session->try_change(std::string(session->words(Phrase::SetReadOnly)), deadline, kill_clients);
  if (change.answer.ok()) {
    CDB_ASSIGN_OR_RETURN(session, this->session(deadline));
    CDB_ASSIGN_OR_RETURN(status, ReplicaVerbs(*session, deadline).server());
    if (status.read_only && status.super_read_only) return {};
    return internal("the server is writable after it was made read-only");
  }
  if (!change.answer.error->connection_lost())
    return to_error(*change.answer.error, session->words(Phrase::SetReadOnly));
  const Error unknown = outcome_unknown(
      "commits still wait, and whether the server is read-only is "
      "not known");
  if (!session->end_remains(deadline)) return unknown;
  const auto again = this->session(Deadline::after(std::chrono::seconds(1)));
  if (!again) return unknown;
  const auto now = ReplicaVerbs(**again, Deadline::after(std::chrono::seconds(1))).server();
  if (!now || now->super_read_only) return unknown;
  return deadline_exceeded("commits still wait for acknowledgements: the server stays writable");
}

Status ConnectorMysqlServer::kill_client_sessions(Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  while (true) {
    CDB_ASSIGN_OR_RETURN(const SqlRows rows, session->read("SHOW PROCESSLIST", deadline));
    const std::vector<std::string> clients = client_sessions(rows);
    if (clients.empty()) return {};
    for (const std::string& id : clients) {
      // Sent without a guard, as it waits for nothing: there may be thousands.
      const auto killed = session->read("KILL " + id, deadline);
      if (deadline.passed())
        return deadline_exceeded(fmt::format("{} client sessions are still there", clients.size()));
      if (!killed && killed.error().code != Code::Precondition) return killed.error();
    }
    pause(milliseconds(5), deadline);
  }
}

// The row's own GTID cannot be asked for through this connector; what is executed after the commit
// contains it, and everything that stands before it in the binary log.
Result<GtidSet> ConnectorMysqlServer::write_marker(model::RecordVersion version,
                                                   Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  CDB_ASSIGN_OR_RETURN(const model::ServerStatus before, ReplicaVerbs(*session, deadline).server());
  if (before.read_only)  // our own account could write all the same before 5.7.8
    return precondition("marker: the server is read-only");
  // The count makes each write a change: a row that stays the same is not written to the log.
  const std::string write = fmt::format(
      "INSERT INTO {0}.marker (id, epoch, version, writes) VALUES (1, {1}, {2}, 1) ON DUPLICATE "
      "KEY "
      "UPDATE epoch = {1}, version = {2}, writes = writes + 1",
      kMetaSchema, version.epoch, version.version);
  auto written = session->try_change(write, deadline);
  if (!written.answer.ok() && (written.answer.error->number == kUnknownDatabase ||
                               written.answer.error->number == kUnknownTable)) {
    CDB_TRY(
        session->change(fmt::format("CREATE DATABASE IF NOT EXISTS {}", kMetaSchema), deadline));
    CDB_TRY(session->change(
        fmt::format(
            "CREATE TABLE IF NOT EXISTS {}.marker (id TINYINT UNSIGNED NOT NULL PRIMARY KEY, "
            "epoch BIGINT UNSIGNED NOT NULL, version BIGINT UNSIGNED NOT NULL, writes BIGINT "
            "UNSIGNED NOT NULL) ENGINE = InnoDB",
            kMetaSchema),
        deadline));
    written = session->try_change(write, deadline);
  }
  if (!written.answer.ok()) {
    if (!written.answer.error->connection_lost()) return to_error(*written.answer.error, "marker");
    (void)session->end_remains(Deadline::after(milliseconds(50)));
    return outcome_unknown("the marker row was not acknowledged in time");
  }
  CDB_ASSIGN_OR_RETURN(MysqlSession* const reader, this->session(deadline));
  CDB_ASSIGN_OR_RETURN(const model::ServerStatus status, ReplicaVerbs(*reader, deadline).server());
  return status.executed;
}

Status ConnectorMysqlServer::set_variable(const std::string& name, const std::string& value,
                                          Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  return set_global_variable(*session, name, value, deadline);
}

Result<std::map<std::string, std::string>> ConnectorMysqlServer::variables(
    const std::vector<std::string>& names, Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  return read_global_variables(*session, names, deadline);
}

// The copy replaces the accounts too: by those of the donor, which are the same ones.
Status ConnectorMysqlServer::clone_from(const ReplicationSource& donor, Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  if (!session->version().has_clone())
    return precondition(fmt::format("MySQL {} cannot clone", session->version().str()));
  CDB_TRY(session->change(
      fmt::format("SET GLOBAL clone_valid_donor_list = {}", quoted(donor.endpoint.str())),
      deadline));
  const auto change =
      session->try_change(fmt::format("CLONE INSTANCE FROM {}@{}:{} IDENTIFIED BY {}",
                                      quoted(model::kReplicationUser), quoted(donor.endpoint.host),
                                      donor.endpoint.port, quoted(donor.password.reveal())),
                          deadline);
  // Nobody restarts this server but us, so it ends with the data in place: by saying so, or by
  // being gone before it could.
  if (change.answer.ok() || change.answer.error->number == kCloneShutdown) return {};
  if (change.killed) {
    (void)session->end_remains(deadline);
    return outcome_unknown("the clone was not complete at the deadline");
  }
  if (change.answer.error->connection_lost()) return {};
  return to_error(*change.answer.error, "clone from " + donor.endpoint.str());
}

Status ConnectorMysqlServer::copy_from(const ReplicationSource& donor,
                                       const std::function<bool(const std::string&)>& progress,
                                       Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(MysqlSession* const session, this->session(deadline));
  CDB_TRY(ReplicaVerbs(*session, deadline).reset());
  const Status copied = copy_everything(donor, session->login(), progress, deadline);
  session_.reset();  // its login may be another from here on
  return copied;
}

}  // namespace cdb::agent
