#include <doctest/doctest.h>

#include "tests/integration/mysql/node.h"

using namespace cdb;
using namespace cdb::test;

namespace {

constexpr int kAccessDeniedForSchema = 1044;
constexpr int kCommandDenied = 1142;
constexpr int kReadOnly = 1290;

// Everything that ensure_accounts could have touched, to compare before and after.
std::string fingerprint(const Node& node) {
  std::string all{};
  for (const char* query : {"SELECT * FROM mysql.user ORDER BY User, Host",
                            "SELECT * FROM mysql.db ORDER BY User, Host, Db", "SHOW DATABASES",
                            "SELECT @@GLOBAL.gtid_executed"})
    for (const auto& row : node.root({query}).rows)
      for (const auto& value : row)
        all += value.value_or("NULL") + "|";
  return all;
}

}  // namespace

TEST_CASE("a new data directory has a status before it has accounts") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    Node node(line);
    const auto status = node.server.status(soon());
    REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
    CHECK(status->version.major == (line == MysqlLine::V97 ? 9 : 5));
    CHECK(status->server_uuid.size() == 36);
    CHECK(status->executed.empty());
    CHECK(status->read_only);
    CHECK_FALSE(status->replication.source.has_value());
    CHECK(status->semisync.available == (line == MysqlLine::V97));
    // Nothing else works as root without a password.
    const Status refused = node.server.set_writable(soon());
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::Precondition);
  }
}

TEST_CASE("accounts are made outside the binary log and a second call changes nothing") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    const auto node = Node::with_accounts(line);
    CHECK(node->status().executed.empty());
    CHECK(node->status().super_read_only);
    CHECK(node->status().read_only);
    const std::string before = fingerprint(*node);
    const std::string binlog_before =
        node->root({line == MysqlLine::V97 ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS"})
            .text("Position");
    const Status again = node->server.ensure_accounts(test_credentials(), soon());
    REQUIRE_MESSAGE(again.ok(), (again.ok() ? "" : again.error().text()));
    CHECK(fingerprint(*node) == before);
    CHECK(node->root({line == MysqlLine::V97 ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS"})
              .text("Position") == binlog_before);
    // Nobody without a password is left.
    CHECK(node->root({"SELECT User, Host FROM mysql.user WHERE User = ''"}).rows.empty());
    CHECK_THROWS(node->mysqld.connect("root", ""));
    CHECK_THROWS(node->mysqld.connect("nobody", ""));
    CHECK(node->root({"SHOW DATABASES LIKE 'test'"}).rows.empty());
  }
}

TEST_CASE("accounts are repaired when their passwords or privileges are not right") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    const auto node = Node::with_accounts(line);
    node->root(
        {"SET sql_log_bin = 0", "SET GLOBAL read_only = OFF", "DROP USER app@'%'",
         "REVOKE REPLICATION SLAVE ON *.* FROM cdb_replication@'%'",
         line == MysqlLine::V97 ? "SET GLOBAL super_read_only = ON" : "SET GLOBAL read_only = ON"});
    model::Credentials changed = test_credentials();
    changed.agent = Secret("another'\\password");
    changed.root = Secret("root2");
    const Status repaired = node->server.ensure_accounts(changed, soon());
    REQUIRE_MESSAGE(repaired.ok(), (repaired.ok() ? "" : repaired.error().text()));
    node->known = changed.agent;
    CHECK(node->status().super_read_only);
    CHECK(node->app("SELECT 1").ok());
    const auto grants = node->mysqld.sql("root", "root2", {"SHOW GRANTS FOR cdb_replication@'%'"});
    CHECK(grants.rows[0][0]->find("REPLICATION SLAVE") != std::string::npos);
  }
}

TEST_CASE("accounts that were left half made are completed") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    Node node(line);
    // A run that died before it gave root its password.
    const char* create =
        line == MysqlLine::V97
            ? "CREATE USER cdb_agent@localhost IDENTIFIED BY 'agentAgent2'"
            : "GRANT USAGE ON *.* TO cdb_agent@localhost IDENTIFIED BY 'agentAgent2'";
    node.mysqld.sql(
        "root", "",
        {"SET sql_log_bin = 0", "SET GLOBAL read_only = OFF", create,
         "GRANT ALL PRIVILEGES ON *.* TO cdb_agent@localhost WITH GRANT OPTION",
         line == MysqlLine::V97 ? "SET GLOBAL super_read_only = ON" : "SET GLOBAL read_only = ON"});
    node.known = test_credentials().agent;
    const Status made = node.server.ensure_accounts(test_credentials(), soon());
    REQUIRE_MESSAGE(made.ok(), (made.ok() ? "" : made.error().text()));
    CHECK(node.root({"SELECT 1 FROM mysql.user WHERE User = '' OR (User = 'root' AND Host != "
                     "'localhost')"})
              .rows.empty());
    CHECK(node.status().super_read_only);
    CHECK(node.status().executed.empty());
    CHECK(node.app("SELECT 1").ok());
  }
}

TEST_CASE("an account of a person without a password is left alone once the accounts are made") {
  const auto node = Node::with_accounts(MysqlLine::V97);
  node->root({"SET sql_log_bin = 0", "SET GLOBAL super_read_only = OFF",
              "CREATE USER guest@'%' IDENTIFIED BY ''", "CREATE ROLE reader",
              "SET GLOBAL super_read_only = ON"});
  REQUIRE(node->server.ensure_accounts(test_credentials(), soon()).ok());
  CHECK(node->root({"SELECT 1 FROM mysql.user WHERE User IN ('guest', 'reader')"}).rows.size() ==
        2);
}

TEST_CASE("incomplete credentials and unknown passwords are refused") {
  const auto node = Node::with_accounts(MysqlLine::V97);
  model::Credentials partial = test_credentials();
  partial.app = Secret{};
  CHECK(node->server.ensure_accounts(partial, soon()).error().code == Code::Invalid);
  model::Credentials foreign{
      .root = Secret("a"), .agent = Secret("b"), .replication = Secret("c"), .app = Secret("d")};
  node->known = Secret("b");
  const Status refused = node->server.ensure_accounts(foreign, soon());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::Precondition);
  CHECK_FALSE(refused.error().hint.empty());
}

TEST_CASE("the application writes its data and never the system's") {
  for (const MysqlLine line : {MysqlLine::V97, MysqlLine::V56}) {
    // Without it triggers and functions need SUPER as long as there is a binary log.
    const auto node = Node::with_accounts(line, {"--log-bin-trust-function-creators=ON"});
    // Read-only first.
    auto answer = node->app("CREATE DATABASE shop");
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error->number == kReadOnly);
    REQUIRE(node->server.set_writable(soon()).ok());
    const auto marked = node->server.write_marker({1, 1}, soon());
    REQUIRE(marked.ok());
    for (const char* allowed :
         {"CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)",
          "INSERT INTO shop.t VALUES (1)", "CREATE VIEW shop.v AS SELECT * FROM shop.t",
          "UPDATE shop.t SET id = 2", "DELETE FROM shop.t", "ALTER TABLE shop.t ADD c INT",
          "CREATE TRIGGER shop.g BEFORE INSERT ON shop.t FOR EACH ROW SET NEW.c = 1",
          "CREATE PROCEDURE shop.p() SELECT 1", "CALL shop.p()", "DROP TABLE shop.t",
          "SELECT epoch FROM cdb_meta.marker"}) {
      answer = node->app(allowed);
      CHECK_MESSAGE(answer.ok(),
                    (std::string(allowed) + (answer.ok() ? "" : ": " + answer.error->text)));
    }
    for (const char* forbidden :
         {"UPDATE mysql.user SET Host = 'x'",
          "INSERT INTO mysql.db (Host, Db, User) VALUES ('%', "
          "'mysql', 'app')",
          "DELETE FROM mysql.tables_priv", "DROP TABLE mysql.user",
          "CREATE TABLE mysql.mine (id INT)", "UPDATE cdb_meta.marker SET epoch = 9",
          "DROP DATABASE cdb_meta", "SET GLOBAL read_only = ON", "SET SESSION sql_log_bin = 0",
          "SET PASSWORD FOR root@localhost = 'x'", "CREATE USER eve@'%'",
          "GRANT SELECT ON *.* TO cdb_replication@'%'", "SHUTDOWN"}) {
      answer = node->app(forbidden);
      CHECK_MESSAGE(!answer.ok(), std::string(forbidden));
      if (!answer.ok()) {
        INFO(answer.error->text);
        CHECK_FALSE(answer.error->connection_lost());
      }
    }
    answer = node->app("SELECT authentication_string FROM mysql.user");
    REQUIRE_FALSE(answer.ok());
    CHECK(
        (answer.error->number == kCommandDenied || answer.error->number == kAccessDeniedForSchema));
  }
}
