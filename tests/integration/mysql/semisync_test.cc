#include <future>

#include <doctest/doctest.h>

#include "tests/integration/mysql/node.h"

using namespace cdb;
using namespace cdb::test;
using model::ThreadState;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

void require_ok(const Status& status) {
  REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
}

// A client that commits on a connection of its own.
std::future<agent::SqlAnswer> commit(const Node& node, int id) {
  return std::async(std::launch::async, [&node, id] {
    return node.mysqld.connect("app", test_credentials().app.reveal())
        ->run("INSERT INTO shop.t VALUES (" + std::to_string(id) + ")");
  });
}

bool done(const std::future<agent::SqlAnswer>& answer, milliseconds within) {
  return answer.wait_for(within) == std::future_status::ready;
}

std::unique_ptr<Node> open_primary() {
  auto primary = Node::with_accounts(MysqlLine::V97);
  require_ok(primary->server.set_writable(soon()));
  primary->root({"CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)"});
  return primary;
}

}  // namespace

TEST_CASE("a commit waits while nobody acknowledges and is released when an acker attaches") {
  const auto primary = open_primary();
  const auto replica = Node::with_accounts(MysqlLine::V97);
  require_ok(primary->server.set_acks_required(1, soon()));
  auto client = commit(*primary, 1);
  REQUIRE(primary->eventually([](const auto& s) { return s.semisync.waiting_sessions == 1; }));
  CHECK_FALSE(done(client, milliseconds(300)));
  const auto status = primary->status();
  CHECK(status.semisync.source_enabled);
  CHECK(status.semisync.acks_required == 1);
  CHECK(status.semisync.connected_ackers == 0);

  require_ok(replica->server.replicate_from(primary->source(true), soon()));
  REQUIRE(done(client, seconds(10)));
  CHECK(client.get().ok());
  CHECK(replica->status().semisync.replica_acking);
  CHECK(primary->status().semisync.connected_ackers == 1);
  CHECK(primary->status().semisync.waiting_sessions == 0);
}

TEST_CASE("an acker that stopped its receiver acknowledges nothing more") {
  const auto primary = open_primary();
  const auto replica = Node::with_accounts(MysqlLine::V97);
  require_ok(primary->server.set_acks_required(1, soon()));
  require_ok(replica->server.replicate_from(primary->source(true), soon()));
  REQUIRE(primary->server.write_marker({1, 1}, soon()).ok());
  require_ok(replica->server.stop_receiver(soon()));
  CHECK_FALSE(replica->status().semisync.replica_enabled);
  CHECK_FALSE(replica->status().semisync.replica_acking);
  auto client = commit(*primary, 1);
  CHECK_FALSE(done(client, milliseconds(500)));
  // A plain replica has it and does not release it.
  require_ok(replica->server.replicate_from(primary->source(false), soon()));
  CHECK_FALSE(done(client, milliseconds(500)));
  CHECK_FALSE(replica->status().semisync.replica_acking);
  // As an acker it never acknowledges what it already has: the next write does.
  require_ok(replica->server.replicate_from(primary->source(true), soon()));
  const auto marker = primary->server.write_marker({1, 2}, soon());
  REQUIRE(marker.ok());
  CHECK(done(client, seconds(5)));
  require_ok(replica->server.wait_for_executed(*marker, soon()));
}

TEST_CASE("raising the acknowledgements binds those who wait, and zero lets them go") {
  const auto primary = open_primary();
  const auto replica = Node::with_accounts(MysqlLine::V97);
  require_ok(primary->server.set_acks_required(1, soon()));
  auto client = commit(*primary, 1);
  REQUIRE(primary->eventually([](const auto& s) { return s.semisync.waiting_sessions == 1; }));
  require_ok(primary->server.set_acks_required(2, soon()));
  require_ok(replica->server.replicate_from(primary->source(true), soon()));
  CHECK_FALSE(done(client, milliseconds(500)));
  require_ok(primary->server.set_acks_required(1, soon()));
  CHECK(done(client, seconds(5)));
  require_ok(replica->server.stop_receiver(soon()));
  auto next = commit(*primary, 2);
  CHECK_FALSE(done(next, milliseconds(300)));
  require_ok(primary->server.set_acks_required(0, soon()));
  CHECK(done(next, seconds(5)));
  CHECK(primary->status().semisync.acks_required == 0);
}

TEST_CASE("read-only meets the deadline while commits wait, and undoes itself") {
  const auto primary = open_primary();
  const auto replica = Node::with_accounts(MysqlLine::V97);
  require_ok(primary->server.set_acks_required(1, soon()));
  auto client = commit(*primary, 1);
  REQUIRE(primary->eventually([](const auto& s) { return s.semisync.waiting_sessions == 1; }));
  const Instant before = BootTime::now();
  const Status cut = primary->server.set_read_only(Deadline::after(milliseconds(1500)));
  const Duration took = BootTime::now() - before;
  REQUIRE_FALSE(cut.ok());
  CHECK(cut.error().code == Code::Deadline);
  CHECK(took < milliseconds(2000));
  CHECK_FALSE(primary->status().super_read_only);
  CHECK_FALSE(primary->status().read_only);
  // Its client was cut off halfway, and not told that it had committed.
  REQUIRE(done(client, milliseconds(100)));
  CHECK(client.get().error->connection_lost());
  CHECK(primary->status().semisync.waiting_sessions == 1);

  const Status marker = [&]() -> Status {
    const auto written = primary->server.write_marker({1, 1}, Deadline::after(seconds(1)));
    return written.ok() ? Status{} : Status{written.error()};
  }();
  REQUIRE_FALSE(marker.ok());
  CHECK(marker.error().code == Code::OutcomeUnknown);

  require_ok(replica->server.replicate_from(primary->source(true), soon()));
  CHECK(primary->eventually([](const auto& s) { return s.semisync.waiting_sessions == 0; }));
  CHECK(primary->root_value("SELECT COUNT(*) FROM shop.t") == "1");
  require_ok(primary->server.set_read_only(soon()));
  CHECK(primary->status().super_read_only);
  CHECK(commit(*primary, 2).get().error->number == 1290);
}

TEST_CASE("an acker is promoted with everything that was acknowledged") {
  const auto old = open_primary();
  const auto heir = Node::with_accounts(MysqlLine::V97);
  const auto other = Node::with_accounts(MysqlLine::V97);
  require_ok(old->server.set_acks_required(1, soon()));
  require_ok(heir->server.replicate_from(old->source(true), soon()));
  require_ok(other->server.replicate_from(old->source(true), soon()));
  for (int id = 1; id <= 20; ++id)
    CHECK(commit(*old, id).get().ok());
  old->mysqld.kill();

  require_ok(heir->server.stop_receiver(soon()));
  require_ok(other->server.stop_receiver(soon()));
  // The better of the two, as an election would choose it.
  const auto heirs = heir->status();
  const auto others = other->status();
  const bool heir_is_better = (heirs.executed + heirs.replication.retrieved)
                                  .contains(others.executed + others.replication.retrieved);
  Node& next = heir_is_better ? *heir : *other;
  Node& rest = heir_is_better ? *other : *heir;
  const auto retrieved = next.status().replication.retrieved;
  require_ok(next.server.wait_for_executed(retrieved, soon()));
  require_ok(next.server.stop_applier(soon()));
  require_ok(next.server.reset_replication(soon()));
  require_ok(next.server.set_acks_required(1, soon()));
  require_ok(next.server.set_writable(soon()));
  require_ok(rest.server.replicate_from(next.source(true), soon()));
  const auto marker = next.server.write_marker({2, 1}, soon());
  REQUIRE(marker.ok());
  require_ok(rest.server.wait_for_executed(*marker, soon()));
  CHECK(next.root_value("SELECT COUNT(*) FROM shop.t") == "20");
  CHECK(rest.root_value("SELECT COUNT(*) FROM shop.t") == "20");
  CHECK(rest.status().executed == next.status().executed);
}

TEST_CASE("what was acknowledged under load survives the primary's death") {
  const auto old = open_primary();
  const auto heir = Node::with_accounts(MysqlLine::V97);
  require_ok(old->server.set_acks_required(1, soon()));
  require_ok(heir->server.replicate_from(old->source(true), soon()));
  constexpr int kWriters = 4;
  std::vector<std::future<std::vector<int>>> writers{};
  for (int writer = 0; writer < kWriters; ++writer)
    writers.push_back(std::async(std::launch::async, [&old, writer] {
      std::vector<int> acknowledged{};
      const auto connection = old->mysqld.connect("app", test_credentials().app.reveal());
      for (int id = writer;; id += kWriters) {
        if (!connection->run("INSERT INTO shop.t VALUES (" + std::to_string(id) + ")").ok())
          return acknowledged;
        acknowledged.push_back(id);
      }
    }));
  const auto before = old->status().executed.count();
  REQUIRE(old->eventually([&](const auto& s) { return s.executed.count() > before + 200; }));
  require_ok(heir->server.stop_applier(soon()));  // so that there is a backlog
  const auto later = old->status().executed.count();
  REQUIRE(old->eventually([&](const auto& s) { return s.executed.count() > later + 200; }));
  old->mysqld.kill();
  size_t acknowledged = 0;
  std::string ids = "-1";
  for (auto& writer : writers)
    for (const int id : writer.get()) {
      ids += "," + std::to_string(id);
      ++acknowledged;
    }
  REQUIRE(acknowledged > 400);

  require_ok(heir->server.stop_receiver(soon()));
  CHECK(heir->server.reset_replication(soon()).error().code == Code::Precondition);
  require_ok(heir->server.start_applier(soon()));
  require_ok(heir->server.wait_for_executed(heir->status().replication.retrieved, soon()));
  require_ok(heir->server.reset_replication(soon()));
  CHECK(heir->root_value("SELECT COUNT(*) FROM shop.t WHERE id IN (" + ids + ")") ==
        std::to_string(acknowledged));
}

TEST_CASE("killed clients whose commits wait lose their connections and nothing else") {
  const auto primary = open_primary();
  const auto replica = Node::with_accounts(MysqlLine::V97);
  require_ok(primary->server.set_acks_required(1, soon()));
  auto client = commit(*primary, 1);
  REQUIRE(primary->eventually([](const auto& s) { return s.semisync.waiting_sessions == 1; }));
  require_ok(primary->server.kill_client_sessions(Deadline::after(seconds(2))));
  REQUIRE(done(client, seconds(2)));
  CHECK(client.get().error->connection_lost());
  CHECK(primary->status().semisync.waiting_sessions == 1);
  require_ok(replica->server.replicate_from(primary->source(true), soon()));
  CHECK(primary->eventually([](const auto& s) { return s.semisync.waiting_sessions == 0; }));
  CHECK(primary->root_value("SELECT COUNT(*) FROM shop.t") == "1");
}

TEST_CASE("a server without the plugins says so") {
  const auto node = Node::with_accounts(MysqlLine::V97, {"--plugin-load=mysql_clone.so"});
  const auto other = Node::with_accounts(MysqlLine::V97);
  CHECK_FALSE(node->status().semisync.available);
  CHECK(node->server.set_acks_required(1, soon()).error().code == Code::Precondition);
  CHECK(node->server.replicate_from(other->source(true), soon()).error().code ==
        Code::Precondition);
  CHECK_FALSE(node->status().replication.source.has_value());
  require_ok(node->server.set_acks_required(0, soon()));
  require_ok(node->server.replicate_from(other->source(false), soon()));
  require_ok(node->server.stop_receiver(soon()));
}

TEST_CASE("the source side refuses where the applier runs, and where it cannot be lossless") {
  const auto primary = open_primary();
  const auto replica = Node::with_accounts(MysqlLine::V97);
  require_ok(replica->server.replicate_from(primary->source(), soon()));
  CHECK(replica->server.set_acks_required(1, soon()).error().code == Code::Precondition);
  require_ok(primary->server.set_acks_required(1, soon()));
  CHECK(primary->server.replicate_from(replica->source(), soon()).error().code ==
        Code::Precondition);
  const auto old = Node::with_accounts(MysqlLine::V56);
  CHECK(old->server.set_acks_required(1, soon()).error().code == Code::Precondition);
  require_ok(old->server.set_acks_required(0, soon()));
  CHECK(old->server.replicate_from(primary->source(true), soon()).error().code ==
        Code::Precondition);
}
