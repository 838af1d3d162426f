#include <csignal>

#include <doctest/doctest.h>

#include "tests/integration/mysql/node.h"

using namespace cdb;
using namespace cdb::test;
using model::ThreadState;

namespace {

void require_ok(const Status& status) {
  REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
}

void make_table(const Node& node) {
  node.root(
      {"CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY AUTO_INCREMENT, n INT)"});
}

void insert(const Node& node, int count) {
  const auto connection = node.mysqld.connect("root", test_credentials().root.reveal());
  for (int i = 0; i < count; ++i)
    REQUIRE(connection->run("INSERT INTO shop.t (n) VALUES (1)").ok());
}

std::string rows(const Node& node) {
  return node.root_value("SELECT COUNT(*) FROM shop.t");
}

}  // namespace

TEST_CASE("a fresh server replicates, and says so") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    const auto primary = Node::with_accounts(line);
    const auto replica = Node::with_accounts(line);
    require_ok(primary->server.set_writable(soon()));
    make_table(*primary);
    insert(*primary, 3);
    require_ok(replica->server.replicate_from(primary->source(), soon()));
    require_ok(replica->server.wait_for_executed(primary->status().executed, soon()));
    CHECK(rows(*replica) == "3");
    const auto status = replica->status();
    CHECK(status.replication.source == primary->mysqld.endpoint());
    CHECK(status.replication.source_uuid == primary->status().server_uuid);
    CHECK(status.replication.receiver == ThreadState::On);
    CHECK(status.replication.applier == ThreadState::On);
    CHECK(status.replication.retrieved == primary->status().executed);
    CHECK(status.super_read_only);
    // Again is nothing.
    require_ok(replica->server.replicate_from(primary->source(), soon()));

    require_ok(replica->server.stop_receiver(soon()));
    require_ok(replica->server.stop_receiver(soon()));
    CHECK(replica->status().replication.receiver == ThreadState::Off);
    CHECK(replica->status().replication.applier == ThreadState::On);
    require_ok(replica->server.stop_applier(soon()));
    require_ok(replica->server.stop_applier(soon()));
    CHECK(replica->status().replication.applier == ThreadState::Off);
    require_ok(replica->server.start_applier(soon()));
    require_ok(replica->server.reset_replication(soon()));
    require_ok(replica->server.reset_replication(soon()));
    CHECK_FALSE(replica->status().replication.source.has_value());
    CHECK(replica->server.start_applier(soon()).error().code == Code::Precondition);
  }
}

TEST_CASE("a source that is away is tried until it comes") {
  const auto primary = Node::with_accounts(MysqlLine::V97);
  const auto replica = Node::with_accounts(MysqlLine::V97);
  primary->mysqld.kill();
  require_ok(replica->server.replicate_from(primary->source(), soon()));
  CHECK(replica->status().replication.receiver == ThreadState::Connecting);
  CHECK(replica->status().replication.applier == ThreadState::On);
  primary->mysqld.start();
  require_ok(replica->server.replicate_from(primary->source(), soon()));
  CHECK(
      replica->eventually([](const auto& s) { return s.replication.receiver == ThreadState::On; }));
}

TEST_CASE("a receiver that hangs in its attempt to connect is stopped") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    const auto primary = Node::with_accounts(line);
    const auto replica = Node::with_accounts(line);
    primary->mysqld.signal(SIGSTOP);  // the kernel accepts, nobody speaks
    require_ok(replica->server.replicate_from(primary->source(), soon()));
    CHECK(replica->status().replication.receiver == ThreadState::Connecting);
    // At most replica_net_timeout, 2 s here; a shorter deadline leaves it stopping.
    const Status cut =
        replica->server.stop_receiver(Deadline::after(std::chrono::milliseconds(500)));
    if (!cut.ok()) CHECK(cut.error().code == Code::OutcomeUnknown);
    require_ok(replica->server.stop_receiver(Deadline::after(std::chrono::seconds(5))));
    CHECK(replica->status().replication.receiver == ThreadState::Off);
    CHECK(replica->status().replication.applier == ThreadState::On);
    primary->mysqld.signal(SIGCONT);
  }
}

TEST_CASE("a change of source keeps what was received and not applied") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    const auto primary = Node::with_accounts(line);
    const auto other = Node::with_accounts(line);
    const auto replica = Node::with_accounts(line);
    require_ok(primary->server.set_writable(soon()));
    make_table(*primary);
    require_ok(replica->server.replicate_from(primary->source(), soon()));
    require_ok(replica->server.wait_for_executed(primary->status().executed, soon()));
    require_ok(replica->server.stop_applier(soon()));
    insert(*primary, 20);
    const auto all = primary->status().executed;
    REQUIRE(
        replica->eventually([&](const auto& s) { return s.replication.retrieved.contains(all); }));
    primary->mysqld.kill();
    // `other` knows none of it, so that only the relay log can have it.
    require_ok(replica->server.replicate_from(other->source(), soon()));
    require_ok(replica->server.wait_for_executed(all, soon()));
    CHECK(rows(*replica) == "20");
    CHECK(replica->status().replication.source == other->mysqld.endpoint());
  }
}

TEST_CASE("a source is not changed while a broken applier leaves received transactions") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    const auto primary = Node::with_accounts(line);
    const auto other = Node::with_accounts(line);
    const auto replica = Node::with_accounts(line);
    require_ok(primary->server.set_writable(soon()));
    make_table(*primary);
    require_ok(replica->server.replicate_from(primary->source(), soon()));
    require_ok(replica->server.wait_for_executed(primary->status().executed, soon()));
    require_ok(replica->server.set_writable(soon()));
    replica->root({"SET sql_log_bin = 0", "DROP TABLE shop.t"});
    insert(*primary, 3);
    const auto all = primary->status().executed;
    REQUIRE(replica->eventually([&](const auto& s) {
      return s.replication.retrieved.contains(all) && s.replication.applier == ThreadState::Off;
    }));
    const Status refused =
        replica->server.replicate_from(other->source(), Deadline::after(std::chrono::seconds(3)));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::Precondition);
    const auto status = replica->status();
    CHECK(status.replication.source == primary->mysqld.endpoint());
    CHECK(status.replication.retrieved.contains(all));
    CHECK_FALSE(status.replication.applier_error.empty());
    CHECK(replica->server.wait_for_executed(all, soon()).error().code == Code::Precondition);
    CHECK(replica->server.reset_replication(soon()).error().code == Code::Precondition);
    // The relay log is there: once its table is, it applies.
    replica->root(
        {"SET sql_log_bin = 0", "CREATE TABLE shop.t (id INT PRIMARY KEY AUTO_INCREMENT, n INT)"});
    require_ok(replica->server.replicate_from(other->source(), soon()));
    require_ok(replica->server.wait_for_executed(all, soon()));
    CHECK(rows(*replica) == "3");
  }
}

TEST_CASE("waiting for what nobody has ends at the deadline") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    const auto node = Node::with_accounts(line);
    const auto never = model::GtidSet::parse("11111111-1111-1111-1111-111111111111:1-5").value();
    const Instant before = BootTime::now();
    const Status waited =
        node->server.wait_for_executed(never, Deadline::after(std::chrono::milliseconds(2500)));
    REQUIRE_FALSE(waited.ok());
    CHECK(waited.error().code == Code::Deadline);
    CHECK(BootTime::now() - before < std::chrono::milliseconds(3200));
    CHECK(BootTime::now() - before > std::chrono::milliseconds(2400));
  }
}
