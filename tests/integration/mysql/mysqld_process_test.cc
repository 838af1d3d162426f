#include "agent/adapters/mysqld_process.h"

#include <csignal>
#include <fstream>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/sync.h"
#include "tests/integration/mysql/mysqld_node.h"
#include "tests/support/eventually.h"

namespace cdb::agent {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using cdb::testing::eventually;
using testing::kBothSeries;
using testing::MysqldNode;
using testing::Series;

Deadline soon() {
  return Deadline::after(1min);
}

process::Identity started(MysqldProcess& agent) {
  const auto identity = agent.start();
  if (!identity) FAIL(identity.error().text());
  return *identity;
}

struct Exit {
  Sync<int> calls{};
  std::function<void()> callback() {
    return [this] { calls.with([](int& n) { ++n; }); };
  }
  bool within(Duration longest) {
    return calls.wait(std::stop_source().get_token(), Deadline::after(longest),
                      [](int n) { return n == 1; });
  }
};

}  // namespace

TEST_CASE("a data directory is made by the real server, once") {
  for (const Series series : kBothSeries) {
    INFO("series " << to_string(series));
    const MysqldNode node(series);
    const auto agent = node.agent();
    CHECK(agent->version()->str().rfind(to_string(series), 0) == 0);
    CHECK_FALSE(agent->initialised());
    CHECK(agent->start().error().code == Code::Precondition);
    const Status made = agent->initialise(Deadline::after(2min));
    if (!made) FAIL(made.error().text());
    CHECK(agent->initialised());
    CHECK(agent->initialise(soon()).error().code == Code::Conflict);
    CHECK_FALSE(fs::exists(node.config().data_dir / "auto.cnf"));
    CHECK_FALSE(fs::exists(node.path("data.making")));
  }
}

TEST_CASE("a started server answers, is adopted by the next agent, and its kill is noticed") {
  for (const Series series : kBothSeries) {
    INFO("series " << to_string(series));
    const MysqldNode node(series);
    node.give_data();
    const auto first = node.agent();
    CHECK_FALSE(first->running());
    const process::Identity identity = started(*first);
    REQUIRE(node.answers(soon()));
    CHECK(first->running() == identity);
    CHECK(first->start().error().code == Code::Conflict);

    const auto next = node.agent();
    CHECK(next->running() == identity);
    CHECK(next->start().error().code == Code::Conflict);
    CHECK(next->initialise(soon()).error().code == Code::Precondition);
    CHECK(next->archive_and_wipe("x").error().code == Code::Precondition);
    Exit exit;
    next->on_exit(exit.callback());
    Exit other;
    first->on_exit(other.callback());
    REQUIRE(first->kill(soon()).ok());
    CHECK_FALSE(process::alive(identity));
    CHECK(exit.within(2s));
    CHECK(other.within(2s));
    CHECK_FALSE(next->running());
    CHECK_FALSE(first->running());
    CHECK(first->kill(soon()).ok());
    CHECK(first->stop(soon()).ok());

    Exit late;
    next->on_exit(late.callback());
    CHECK(late.within(2s));
  }
}

TEST_CASE(
    "a server that was killed runs no more at once, and the next start waits until it is gone") {
  const MysqldNode node(Series::V97);
  node.give_data();
  const auto agent = node.agent();
  const process::Identity before = started(*agent);
  REQUIRE(node.answers(soon()));
  Exit exit;
  agent->on_exit(exit.callback());
  REQUIRE(process::send_signal(before, SIGKILL).ok());
  CHECK_FALSE(agent->running());
  CHECK(exit.within(2s));
  // As if the dead server's pid had gone to another process.
  std::ofstream(node.config().socket.string() + ".lock") << ::getpid() << "\n";
  const process::Identity after = started(*agent);
  CHECK_FALSE(process::alive(before));
  CHECK_FALSE(before == after);
  CHECK(node.answers(soon()));
}

TEST_CASE("a stopped server has shut down cleanly and starts again") {
  for (const Series series : kBothSeries) {
    INFO("series " << to_string(series));
    const MysqldNode node(series);
    node.give_data();
    const auto agent = node.agent();
    const process::Identity before = started(*agent);
    REQUIRE(node.answers(soon()));
    REQUIRE(agent->stop(soon()).ok());
    CHECK(read_file(node.config().error_log)->find("hutdown complete") != std::string::npos);
    const process::Identity after = started(*agent);
    CHECK_FALSE(before == after);
    CHECK(node.answers(soon()));
  }
}

TEST_CASE("a server that does not stop in time is killed") {
  const MysqldNode node(Series::V56);
  node.give_data();
  const auto agent = node.agent();
  const process::Identity identity = started(*agent);
  REQUIRE(node.answers(soon()));
  REQUIRE(process::send_signal(identity, SIGSTOP).ok());
  CHECK(agent->stop(Deadline::after(200ms)).ok());
  CHECK_FALSE(process::alive(identity));
}

TEST_CASE("the server outlives its agent, with the agent's whole process group") {
  for (const Series series : kBothSeries) {
    INFO("series " << to_string(series));
    const MysqldNode node(series);
    node.give_data();
    const pid_t agent = ::fork();
    REQUIRE(agent >= 0);
    if (agent == 0) {
      ::setpgid(0, 0);
      if (!node.agent()->start()) ::_exit(1);
      ::kill(0, SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(agent, &status, 0) == agent);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(node.answers(soon()));
    const auto adopted = node.agent()->running();
    REQUIRE(adopted.has_value());
    CHECK(process::read_identity(node.config().pid_file).value() == *adopted);

    // Without the record, or with another's, it is found by its command line.
    fs::remove(node.config().pid_file);
    CHECK(node.agent()->running() == adopted);
    CHECK(process::read_identity(node.config().pid_file).value() == *adopted);
    std::ofstream(node.config().pid_file) << "{\"pid\":";
    CHECK(node.agent()->running() == adopted);
  }
}

TEST_CASE("a server that dies of its configuration says why in its last lines") {
  for (const Series series : kBothSeries) {
    INFO("series " << to_string(series));
    const MysqldNode node(series);
    node.give_data();
    const auto agent = node.agent();
    std::ofstream(node.config().error_log) << "2020-01-01 00:00:00 1 [ERROR] of long ago\n";
    node.configure("no_such_setting=1");
    Exit exit;
    started(*agent);
    agent->on_exit(exit.callback());
    CHECK(exit.within(30s));
    REQUIRE(eventually([&] { return !agent->running(); }));
    const std::string words = agent->last_log_lines(5);
    INFO(words);
    CHECK(words.find("unknown variable 'no_such_setting=1'") != std::string::npos);
    CHECK(words.find("long ago") == std::string::npos);
    CHECK(node.agent()->last_log_lines(50).find("long ago") != std::string::npos);
  }
}

TEST_CASE("a wipe keeps the real binary logs, and a new server can be made in its place") {
  for (const Series series : kBothSeries) {
    INFO("series " << to_string(series));
    const MysqldNode node(series);
    node.give_data();
    const auto agent = node.agent();
    started(*agent);
    REQUIRE(node.answers(soon()));
    REQUIRE(agent->stop(soon()).ok());
    const std::string log = read_file(node.config().data_dir / "binlog.000001").value();
    const auto where = agent->archive_and_wipe("before-seed");
    REQUIRE(where.ok());
    CHECK(read_file(*where / "binlog.000001").value() == log);
    CHECK(fs::exists(*where / "binlog.index"));
    CHECK_FALSE(fs::exists(*where / "ibdata1"));
    CHECK_FALSE(agent->initialised());
    CHECK(agent->initialise(Deadline::after(2min)).ok());
    started(*agent);
    CHECK(node.answers(soon()));
  }
}

}  // namespace cdb::agent
