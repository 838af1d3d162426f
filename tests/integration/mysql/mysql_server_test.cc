#include <csignal>
#include <future>

#include <doctest/doctest.h>

#include "tests/integration/mysql/node.h"

using namespace cdb;
using namespace cdb::test;

TEST_CASE("a marker's set contains the marker and is in the binary log") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    const auto node = Node::with_accounts(line);
    const auto refused = node->server.write_marker({3, 4}, soon());
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::Precondition);
    REQUIRE(node->server.set_writable(soon()).ok());
    const auto first = node->server.write_marker({3, 4}, soon());
    REQUIRE_MESSAGE(first.ok(), (first.ok() ? "" : first.error().text()));
    CHECK(first->contains(node->status().executed));
    const auto second = node->server.write_marker({3, 4}, soon());
    REQUIRE(second.ok());
    CHECK(second->count() == first->count() + 1);
    CHECK(node->root_value("SELECT CONCAT(epoch, '/', version) FROM cdb_meta.marker") == "3/4");
  }
}

TEST_CASE("a server that is not there is unavailable") {
  agent::ConnectorMysqlServer server([] {
    return agent::MysqlAccess{.socket = "/nonexistent/mysqld.sock", .agent_password = {}};
  });
  const auto status = server.status(soon());
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == Code::Unavailable);
}

TEST_CASE("a frozen server costs a call its deadline and no more than a second over it") {
  const auto node = Node::with_accounts(MysqlLine::V97);
  (void)node->status();
  node->mysqld.signal(SIGSTOP);
  const Instant before = BootTime::now();
  const auto status = node->server.status(Deadline::after(std::chrono::milliseconds(700)));
  const Duration took = BootTime::now() - before;
  node->mysqld.signal(SIGCONT);
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == Code::Deadline);
  CHECK(took < std::chrono::milliseconds(2200));
  CHECK(node->server.status(soon()).ok());
}

TEST_CASE("a restarted server is found again") {
  const auto node = Node::with_accounts(MysqlLine::V97);
  (void)node->status();
  node->mysqld.kill();
  const auto down = node->server.status(soon());
  REQUIRE_FALSE(down.ok());
  CHECK(down.error().code == Code::Unavailable);
  node->mysqld.start();
  CHECK(node->server.status(soon()).ok());
}

TEST_CASE("client sessions are killed and ours are not") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    const auto node = Node::with_accounts(line);
    const auto client = node->mysqld.connect("app", test_credentials().app.reveal());
    const auto person = node->mysqld.connect("root", test_credentials().root.reveal());
    const auto exporter = node->mysqld.connect("cdb_agent", test_credentials().agent.reveal());
    const Status killed = node->server.kill_client_sessions(soon());
    REQUIRE_MESSAGE(killed.ok(), (killed.ok() ? "" : killed.error().text()));
    CHECK_FALSE(client->run("SELECT 1").ok());
    CHECK_FALSE(person->run("SELECT 1").ok());
    CHECK(exporter->run("SELECT 1").ok());
  }
}

TEST_CASE("read-only does not wait for long statements and held locks for ever") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    const auto node = Node::with_accounts(line);
    REQUIRE(node->server.set_writable(soon()).ok());
    node->root({"CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)",
                "INSERT INTO shop.t VALUES (1)"});
    const auto holder = node->mysqld.connect("app", test_credentials().app.reveal());
    REQUIRE(holder->run("LOCK TABLES shop.t WRITE").ok());
    REQUIRE(node->server.set_read_only(Deadline::after(std::chrono::seconds(3))).ok());
    CHECK(node->status().super_read_only);
    CHECK_FALSE(holder->run("SELECT 1").ok());

    REQUIRE(node->server.set_writable(soon()).ok());
    auto writer = std::async(std::launch::async, [&node] {
      return node->app("UPDATE shop.t SET id = 2 WHERE SLEEP(60) = 0");
    });
    const Deadline seen = soon();
    while (node->root({"SHOW PROCESSLIST"}).rows.size() < 3 && !seen.passed())
      agent::pause(std::chrono::milliseconds(10), seen);
    const Status closed = node->server.set_read_only(Deadline::after(std::chrono::seconds(3)));
    REQUIRE_MESSAGE(closed.ok(), (closed.ok() ? "" : closed.error().text()));
    CHECK_FALSE(writer.get().ok());
    CHECK(node->root_value("SELECT id FROM shop.t") == "1");
    CHECK(node->server.set_read_only(soon()).ok());
  }
}

TEST_CASE("a server whose connections are all taken still answers its agent") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    const auto node = Node::with_accounts(line, {"--max-connections=2"});
    const auto first = node->mysqld.connect("app", test_credentials().app.reveal());
    const auto second = node->mysqld.connect("app", test_credentials().app.reveal());
    CHECK(node->server.status(soon()).ok());
    CHECK(node->server.status(Deadline::after(std::chrono::seconds(3))).ok());
    CHECK(node->server.kill_client_sessions(soon()).ok());
  }
}

TEST_CASE("a variable is set, read back, and put back when the server adjusts it") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    const auto node = Node::with_accounts(line);
    const auto value = [&](const std::string& name) {
      return node->server.variables({name}, soon()).value()[name];
    };
    const auto set = [&](const char* name, const char* to) {
      return node->server.set_variable(name, to, soon());
    };
    CHECK(set("max_connections", "77").ok());
    CHECK(value("max_connections") == "77");
    CHECK(set("long_query_time", "2.5").ok());
    CHECK(set("sort_buffer_size", "1M").ok());
    CHECK(value("sort_buffer_size") == "1048576");
    CHECK(set("slow_query_log", "on").ok());
    CHECK(value("slow_query_log") == "ON");
    CHECK(set("sql_mode", "NO_ENGINE_SUBSTITUTION,STRICT_TRANS_TABLES").ok());
    CHECK(set("sql_mode", "").ok());
    CHECK(value("sql_mode").empty());
    CHECK(set("binlog_format", "ROW").ok());

    const Status clamped = set("max_connections", "999999999");
    REQUIRE_FALSE(clamped.ok());
    CHECK(clamped.error().code == Code::Precondition);
    CHECK(clamped.error().message.find("Truncated incorrect") != std::string::npos);
    CHECK(value("max_connections") == "77");
    for (const auto& [name, to] : std::vector<std::pair<const char*, const char*>>{
             {"no_such_variable", "1"}, {"datadir", "/tmp"}, {"max_connections", "many"}}) {
      const Status refused = set(name, to);
      REQUIRE_FALSE(refused.ok());
      CHECK(refused.error().code == Code::Precondition);
    }
    CHECK(node->server.set_variable("a; DROP", "1", soon()).error().code == Code::Invalid);
    const auto all = node->server.variables({"max_connections", "unheard_of", "read_only"}, soon());
    REQUIRE(all.ok());
    CHECK(all->size() == 2);
    CHECK(all->at("read_only") == "ON");
  }
}

TEST_CASE("a clone has the donor's data and accounts once it was started again") {
  const auto donor = Node::with_accounts(MysqlLine::V97);
  REQUIRE(donor->server.set_writable(soon()).ok());
  donor->root({"CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)",
               "INSERT INTO shop.t VALUES (1), (2)"});
  const auto copy = Node::with_accounts(MysqlLine::V97);
  const Status cloned =
      copy->server.clone_from(donor->source(), Deadline::after(std::chrono::seconds(120)));
  REQUIRE_MESSAGE(cloned.ok(), (cloned.ok() ? "" : cloned.error().text()));
  copy->mysqld.wait_exit();
  copy->mysqld.start();
  CHECK(copy->root_value("SELECT COUNT(*) FROM shop.t") == "2");
  CHECK(copy->status().executed == donor->status().executed);
  CHECK(copy->status().server_uuid != donor->status().server_uuid);

  const auto old = Node::with_accounts(MysqlLine::V56);
  const Status cannot = old->server.clone_from(donor->source(), soon());
  REQUIRE_FALSE(cannot.ok());
  CHECK(cannot.error().code == Code::Precondition);
  // A donor that is not there leaves the recipient as it was.
  agent::ReplicationSource nobody = donor->source();
  donor->mysqld.kill();
  const Status refused = copy->server.clone_from(nobody, soon());
  CHECK_FALSE(refused.ok());
  CHECK(copy->root_value("SELECT COUNT(*) FROM shop.t") == "2");
}
