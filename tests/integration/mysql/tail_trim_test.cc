// The unacknowledged end of a real primary's binary log, cut off while mysqld is down.
#include <csignal>
#include <future>

#include <doctest/doctest.h>

#include "agent/adapters/binlog_tail.h"
#include "agent/adapters/server_log.h"
#include "lib/base/atomic_file.h"
#include "tests/integration/mysql/node.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

using namespace cdb;
using namespace cdb::test;
using agent::BinlogTailFiles;
using agent::ClusterTransactions;
using agent::TailPlan;
using cdb::testing::eventually;
using model::GtidSet;
using std::chrono::seconds;

namespace {

namespace fs = std::filesystem;
constexpr model::MysqlVersion k97{9, 7, 4};

void require_ok(const Status& status) {
  REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
}

// A client that commits on a connection of its own; its answer, or the end of the server.
std::future<agent::SqlAnswer> commit(const Node& node, const std::string& statement) {
  return std::async(std::launch::async, [&node, statement] {
    return node.mysqld.connect("root", test_credentials().root.reveal())->run(statement);
  });
}

// A primary with an acker, both with some data; then the acker goes and becomes the primary of the
// next epoch, while the old one has clients that write.
struct Cluster {
  std::unique_ptr<Node> old_primary{Node::with_accounts(
      MysqlLine::V97, {"--log-error-verbosity=3", "--rpl-semi-sync-source-timeout=4294967295"})};
  std::unique_ptr<Node> successor{Node::with_accounts(MysqlLine::V97)};
  std::vector<std::future<agent::SqlAnswer>> waiting{};
  cdb::testing::TempDir directory{};
  ClusterTransactions known{};
  std::string old_uuid{};

  Cluster() {
    require_ok(old_primary->server.set_writable(soon()));
    require_ok(successor->server.replicate_from(old_primary->source(true), soon()));
    require_ok(old_primary->server.set_acks_required(1, soon()));
    REQUIRE(old_primary->eventually(
        [](const auto& status) { return status.semisync.connected_ackers == 1; }));
    old_primary->root({"CREATE DATABASE shop",
                       "CREATE TABLE shop.t (id INT PRIMARY KEY AUTO_INCREMENT, n INT)",
                       "CREATE TABLE shop.other (id INT PRIMARY KEY, c VARCHAR(20))",
                       "INSERT INTO shop.other VALUES (1, 'a'), (2, 'b')",
                       "INSERT INTO shop.t (n) VALUES (1), (2), (3)"});
    old_uuid = old_primary->status().server_uuid;
  }

  // These all hang: nobody acknowledges.
  void write_unacknowledged(const std::vector<std::string>& statements) {
    require_ok(successor->server.wait_for_executed(old_primary->status().executed, soon()));
    require_ok(successor->server.stop_receiver(soon()));
    const ClusterTransactions before{old_primary->status().executed, {}};
    for (const std::string& statement : statements) {
      waiting.push_back(commit(*old_primary, statement));
      // Only the first of them counts as a waiting session; the others queue behind it.
      REQUIRE(eventually(
          [&] {
            const auto plan = files().find(k97, before);
            return plan && plan->transactions == waiting.size();
          },
          seconds(60)));
    }
  }

  void fail_over() {
    old_primary->mysqld.kill();
    for (auto& client : waiting)
      CHECK_FALSE(client.get().ok());  // nobody was told OK
    require_ok(successor->server.reset_replication(soon()));
    known.base = successor->status().executed;
    known.source_uuid = successor->status().server_uuid;
    require_ok(successor->server.set_writable(soon()));
    successor->root({"INSERT INTO shop.other VALUES (77, 'of the new primary')"});
  }

  BinlogTailFiles files() {
    return {old_primary->mysqld.data_directory(), directory / "archive", {{"log_bin", "binlog"}}};
  }

  TailPlan trim() {
    const auto plan = files().find(k97, known);
    REQUIRE_MESSAGE(plan.ok(), (plan.ok() ? "" : plan.error().text()));
    REQUIRE_MESSAGE(plan->kind == TailPlan::Kind::Cut, plan->why);
    const auto kept = files().keep(*plan, "tail");
    REQUIRE(kept.ok());
    const fs::path log = old_primary->mysqld.data_directory() / plan->file;
    CHECK(fs::file_size(*kept / log.filename()) == fs::file_size(log));
    require_ok(files().cut(*plan));
    require_ok(files().cut(*plan));
    CHECK(fs::file_size(log) == plan->offset);
    return *plan;
  }

  std::string of_both(const std::string& query) {
    const std::string here = old_primary->root_value(query);
    CHECK(successor->root_value(query) == here);
    return here;
  }

  void rejoin() {
    require_ok(old_primary->server.replicate_from(successor->source(true), soon()));
    require_ok(old_primary->server.wait_for_executed(successor->status().executed, soon()));
    CHECK(old_primary->status().executed == successor->status().executed);
    of_both(
        "SELECT GROUP_CONCAT(table_name, ':', column_name, ':', column_type ORDER BY "
        "table_name, ordinal_position) FROM information_schema.columns WHERE table_schema = "
        "'shop'");
    of_both("SELECT GROUP_CONCAT(user, '@', host ORDER BY user) FROM mysql.user");
    const auto tables =
        successor->root({"SELECT table_name FROM information_schema.tables WHERE "
                         "table_schema = 'shop'"});
    for (const auto& row : tables.rows) {
      const std::string check = "CHECKSUM TABLE shop." + row[0].value_or("");
      CHECK(old_primary->root({check}).text("Checksum") ==
            successor->root({check}).text("Checksum"));
    }
  }
};

}  // namespace

TEST_CASE("what nobody acknowledged is rolled back once it is cut off, statement by statement") {
  const std::vector<std::vector<std::string>> tails{
      {"INSERT INTO shop.t (n) VALUES (4)", "UPDATE shop.other SET c = 'x' WHERE id = 1",
       "DELETE FROM shop.other WHERE id = 2"},
      {"INSERT INTO shop.t (n) VALUES (5)", "CREATE TABLE shop.made (id INT PRIMARY KEY)"},
      {"DROP TABLE shop.other"},
      {"INSERT INTO shop.other VALUES (9, 'z')",
       "ALTER TABLE shop.t ADD COLUMN more INT, ALGORITHM=INPLACE"},
      {"ALTER TABLE shop.t MODIFY n BIGINT, ALGORITHM=COPY"},
      {"INSERT INTO shop.t (n) VALUES (6)", "CREATE USER somebody@'%' IDENTIFIED BY 'x'"}};
  for (const auto& statements : tails) {
    CAPTURE(statements.back());
    Cluster cluster;
    cluster.write_unacknowledged(statements);
    cluster.fail_over();
    const TailPlan plan = cluster.trim();
    CHECK(plan.transactions == statements.size());
    CHECK(plan.gtids.of_source(cluster.old_uuid) == plan.gtids);
    cluster.old_primary->mysqld.start();
    const auto status = cluster.old_primary->status();
    CHECK(cluster.known.missing_of(status.executed).empty());
    CHECK(status.server_uuid != cluster.old_uuid);
    CHECK(status.super_read_only);
    const std::string log =
        read_file(cluster.old_primary->mysqld.data_directory().parent_path() / "mysqld.log")
            .value();
    CHECK(agent::rolled_back_transactions(log) == statements.size());
    cluster.rejoin();
  }
}

TEST_CASE("a primary killed under load is trimmed to what the new primary has") {
  Cluster cluster;
  std::atomic<bool> stop{false};
  std::vector<std::future<void>> writers;
  std::atomic<int> acknowledged{0};
  for (int i = 0; i < 8; ++i) {
    writers.push_back(std::async(std::launch::async, [&] {
      const auto connection =
          cluster.old_primary->mysqld.connect("root", test_credentials().root.reveal());
      while (!stop && connection->run("INSERT INTO shop.t (n) VALUES (8)").ok())
        ++acknowledged;
    }));
  }
  REQUIRE(eventually([&] { return acknowledged > 50; }, seconds(60)));
  require_ok(cluster.successor->server.stop_receiver(soon()));
  REQUIRE(eventually(
      [&] {
        return cluster.old_primary->root_value(
                   "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE "
                   "'INSERT%'") == "8";
      },
      seconds(60)));
  stop = true;
  cluster.old_primary->mysqld.kill();
  for (auto& writer : writers)
    writer.get();
  require_ok(cluster.successor->server.wait_for_executed(
      cluster.successor->status().replication.retrieved, soon()));
  cluster.fail_over();
  CHECK(std::stoi(cluster.successor->root_value("SELECT COUNT(*) FROM shop.t")) >=
        acknowledged + 3);
  const TailPlan plan = cluster.trim();
  CHECK(plan.transactions >= 1);
  cluster.old_primary->mysqld.start();
  CHECK(cluster.known.missing_of(cluster.old_primary->status().executed).empty());
  cluster.rejoin();
}

TEST_CASE("a tail that a restart in place has committed is told, and left") {
  Cluster cluster;
  cluster.write_unacknowledged({"INSERT INTO shop.t (n) VALUES (4)"});
  cluster.fail_over();
  cluster.old_primary->mysqld.start();
  CHECK(cluster.known.missing_of(cluster.old_primary->status().executed).count() == 1);
  cluster.old_primary->mysqld.kill();
  const auto plan = cluster.files().find(k97, cluster.known);
  REQUIRE(plan.ok());
  CHECK(plan->kind == TailPlan::Kind::Leave);
  CHECK(plan->why.find("earlier binary log") != std::string::npos);
}

TEST_CASE("a transaction that was committed before it was cut off is seen after the start") {
  Cluster cluster;
  require_ok(cluster.successor->server.stop_receiver(soon()));
  require_ok(cluster.old_primary->server.set_acks_required(0, soon()));
  cluster.old_primary->root({"INSERT INTO shop.t (n) VALUES (4)", "DROP TABLE shop.other",
                             "CREATE TABLE shop.other (id INT PRIMARY KEY, c VARCHAR(20))"});
  cluster.old_primary->mysqld.kill();
  require_ok(cluster.successor->server.reset_replication(soon()));
  cluster.known = {cluster.successor->status().executed, cluster.successor->status().server_uuid};
  CHECK(cluster.trim().transactions == 3);
  cluster.old_primary->mysqld.start();
  CHECK(cluster.known.missing_of(cluster.old_primary->status().executed).count() == 3);
}

TEST_CASE("a server that was shut down, and one of 5.6, keep their tails") {
  const auto old = Node::with_accounts(MysqlLine::V56);
  require_ok(old->server.set_writable(soon()));
  old->root({"CREATE DATABASE shop"});
  old->mysqld.kill();
  BinlogTailFiles files(old->mysqld.data_directory(), old->mysqld.data_directory() / "x",
                        {{"log_bin", "binlog"}});
  const auto plan = files.find({5, 6, 24}, {});
  REQUIRE(plan.ok());
  CHECK(plan->kind == TailPlan::Kind::Leave);
  CHECK(plan->gtids.count() == 1);

  const auto gentle = Node::with_accounts(MysqlLine::V97);
  require_ok(gentle->server.set_writable(soon()));
  gentle->root({"CREATE DATABASE shop"});
  gentle->mysqld.signal(SIGTERM);
  gentle->mysqld.wait_exit();
  BinlogTailFiles others(gentle->mysqld.data_directory(), gentle->mysqld.data_directory() / "x",
                         {{"log_bin", "binlog"}});
  const auto left = others.find(k97, {});
  REQUIRE(left.ok());
  CHECK(left->kind == TailPlan::Kind::Leave);
  CHECK(left->why.find("shut down") != std::string::npos);
}
