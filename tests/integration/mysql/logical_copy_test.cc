// A whole server copied row by row, as a new replica of a version without clone is made. Both
// lines: the statements are the same, though 9.7 would clone.
#include <atomic>
#include <csignal>
#include <future>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/core/copy_statements.h"
#include "agent/core/statements.h"
#include "lib/base/text.h"
#include "tests/integration/mysql/node.h"

using namespace cdb;
using namespace cdb::test;
using model::ThreadState;

namespace {

void require_ok(const Status& status) {
  REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
}

bool go_on(const std::string&) {
  return true;
}

std::unique_ptr<Node> open_source(MysqlLine line) {
  auto source = Node::with_accounts(line, {"--event-scheduler=ON"});
  require_ok(source->server.set_writable(soon()));
  if (line == MysqlLine::V97) {
    // What a server without clone grants by itself.
    source->root({"SET SESSION sql_log_bin = OFF",
                  "GRANT SELECT, RELOAD, PROCESS, SHOW DATABASES, SHOW VIEW, TRIGGER, EVENT, "
                  "SHOW_ROUTINE ON *.* TO cdb_replication@'%'"});
  }
  return source;
}

// Values that a careless copy changes.
void make_difficult_data(const Node& source, MysqlLine line) {
  source.root(
      {"SET NAMES utf8",
       "SET sql_mode = ''",
       "SET time_zone = '+03:00'",
       "CREATE DATABASE `sh``op` CHARACTER SET latin1 COLLATE latin1_german1_ci",
       "USE `sh``op`",
       "CREATE TABLE types (id INT UNSIGNED ZEROFILL PRIMARY KEY AUTO_INCREMENT, ti TINYINT, b "
       "BIGINT UNSIGNED, d DECIMAL(30,10), f FLOAT, g DOUBLE, bits BIT(13), bits64 BIT(64), y "
       "YEAR, "
       "da DATE, ti2 TIME, dt DATETIME, ts TIMESTAMP NULL, c CHAR(5), v VARCHAR(50), bin "
       "BINARY(4), vb VARBINARY(20), bl LONGBLOB, tx LONGTEXT, e ENUM('a','b','\xc3\xa9'), s "
       "SET('x','y','z'), u2 VARCHAR(20) CHARACTER SET ucs2, u8 VARCHAR(20) CHARACTER SET utf8, u4 "
       "VARCHAR(20) CHARACTER SET utf8mb4, p POINT, KEY (v)) ENGINE=InnoDB COMMENT='na\xc3\xafve'",
       "INSERT INTO types VALUES (NULL, -128, 18446744073709551615, -1234567890.0123456789, "
       "0.1, 1.7976931348623157e308, b'1010101010101', b'1111', 1999, '2020-02-29', '-838:59:59', "
       "'2020-02-29 23:59:59', '2020-02-29 23:59:59', 'a', '\xc3\xbc\\\\''\"', 'ab', "
       "0x0001275C0A0D1A, 0x00FF80275C, 'line\\nline\\ttab', '\xc3\xa9', 'x,z', '\xc3\xbc', "
       "'\xe2\x82\xac', 0xF09F9880, ST_PointFromText('POINT(1.5 -2.25)'))",
       "INSERT INTO types (ti, f, g, da, dt, v, e) VALUES (NULL, 16777217, 2.5e-308, '0000-00-00', "
       "'2020-00-31 00:00:00', '', '')",
       "INSERT INTO types (f, g, tx) VALUES (3.4e38, -0.1, REPEAT('long ', 80000))",
       "INSERT INTO types (v) SELECT CONCAT(v, id) FROM types",
       "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
       "INSERT INTO types (id, v) VALUES (0, 'zero')",
       "SET sql_mode = ''",
       "CREATE TABLE parent (id INT PRIMARY KEY, t INT) ENGINE=InnoDB",
       "CREATE TABLE achild (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON "
       "DELETE CASCADE) ENGINE=InnoDB",
       "INSERT INTO parent VALUES (1, 1)",
       "INSERT INTO achild VALUES (5, 1)",
       "CREATE TABLE old_engine (id INT PRIMARY KEY, c VARCHAR(10)) ENGINE=MyISAM",
       "INSERT INTO old_engine VALUES (1, 'x')",
       "CREATE TABLE empty_one (id INT)",
       "CREATE TABLE log (n INT) ENGINE=InnoDB",
       "CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n * 2",
       "SET GLOBAL log_bin_trust_function_creators = ON",
       "CREATE FUNCTION roll() RETURNS DOUBLE RETURN RAND()",
       "CREATE PROCEDURE greet() BEGIN SELECT '\xc3\xbc'; END",
       "CREATE VIEW b_view AS SELECT * FROM achild",
       "CREATE VIEW a_view AS SELECT id, twice(p) AS t FROM b_view",
       "CREATE TABLE gone (n INT)",
       "CREATE VIEW broken AS SELECT * FROM gone",
       "DROP TABLE gone",
       "CREATE TRIGGER ins BEFORE INSERT ON parent FOR EACH ROW INSERT INTO log VALUES (NEW.id)",
       "CREATE EVENT tick ON SCHEDULE EVERY 1 DAY DO INSERT INTO log VALUES (-1)",
       "CREATE EVENT asleep ON SCHEDULE EVERY 1 DAY DISABLE DO INSERT INTO log VALUES (-1)",
       "CREATE DATABASE plain",
       "CREATE TABLE plain.many (id INT PRIMARY KEY, v VARCHAR(200))"});
  for (int i = 0; i < 20; ++i) {
    std::string rows;
    for (int n = 0; n < 1000; ++n)
      rows += fmt::format("{}({}, REPEAT('v{}', 30))", n == 0 ? "" : ",", i * 1000 + n, n);
    source.root({"INSERT INTO plain.many VALUES " + rows});
  }
  source.root({"CREATE USER reader@'10.%' IDENTIFIED BY 'secret1'",
               "GRANT SELECT ON plain.* TO reader@'10.%'",
               "GRANT INSERT (id), SELECT ON `sh``op`.parent TO reader@'10.%'",
               "GRANT EXECUTE ON PROCEDURE `sh``op`.greet TO reader@'10.%'",
               "CREATE USER local@localhost IDENTIFIED BY 'secret2'",
               "GRANT PROCESS ON *.* TO local@localhost WITH GRANT OPTION"});
  if (line == MysqlLine::V97)
    source.root(
        {"CREATE TABLE plain.new_types (id INT PRIMARY KEY, j JSON, twice INT AS (id * 2) "
         "STORED, virt INT AS (id + 1), def INT DEFAULT (1 + 1), unseen INT INVISIBLE)",
         "INSERT INTO plain.new_types (id, j, unseen) VALUES (1, "
         "'{\"\xc3\xa9\": [1, 2.5, null, \"\\\\\"\"]}', 7)",
         "CREATE ROLE clerk", "GRANT clerk TO reader@'10.%'",
         "GRANT BACKUP_ADMIN ON *.* TO clerk"});
}

// As text, the same on both.
std::string of_both(const Node& a, const Node& b, const std::string& query) {
  const auto text = [&](const Node& node) {
    std::string all;
    for (const auto& row : node.root({"SET NAMES utf8mb4", query}).rows) {
      for (const auto& value : row)
        all += value.value_or("NULL") + "|";
      all += "\n";
    }
    return all;
  };
  std::string here = text(a);
  CAPTURE(query);
  CHECK(here == text(b));
  return here;
}

// From 8.0 on a character set that is the table's own is shown once it was written out.
std::string plainly(std::string create) {
  const std::string own = " CHARACTER SET latin1 COLLATE latin1";
  for (size_t at = create.find(own); at != std::string::npos; at = create.find(own, at))
    create.erase(at, std::string(" CHARACTER SET latin1").size());
  return create;
}

void check_same(const Node& source, const Node& copy) {
  const std::string own = "NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')";
  of_both(source, copy, "SHOW DATABASES");
  const auto tables = source.root(
      {"SELECT table_schema, table_name FROM information_schema.tables WHERE table_type "
       "= 'BASE TABLE' AND table_schema " +
       own});
  CHECK(tables.rows.size() >= 7);
  for (const auto& row : tables.rows) {
    const std::string name = agent::quoted_name(*row[0], *row[1]);
    of_both(source, copy, "CHECKSUM TABLE " + name);
    const std::string create = "SHOW CREATE TABLE " + name;
    CHECK(plainly(source.root({create}).text("Create Table")) ==
          plainly(copy.root({create}).text("Create Table")));
  }
  of_both(
      source, copy,
      "SELECT routine_schema, routine_name, routine_type, routine_definition, sql_mode, definer, "
      "character_set_client FROM information_schema.routines WHERE routine_schema " +
          own + " ORDER BY 1, 2");
  of_both(source, copy,
          "SELECT table_schema, table_name, view_definition, definer FROM information_schema.views "
          "WHERE table_name <> 'broken' AND table_schema " +
              own + " ORDER BY 1, 2");
  of_both(source, copy,
          "SELECT trigger_name, action_statement, definer, sql_mode FROM "
          "information_schema.triggers WHERE trigger_schema " +
              own);
  of_both(source, copy, "SELECT user, host FROM mysql.user ORDER BY 1, 2");
  of_both(source, copy, "SHOW GRANTS FOR reader@'10.%'");
  of_both(source, copy, "SHOW GRANTS FOR local@localhost");
}

}  // namespace

TEST_CASE("a copy is the same in everything, and goes on from where it was taken") {
  for (const MysqlLine line : {MysqlLine::V56, MysqlLine::V97}) {
    CAPTURE(static_cast<int>(line));
    const auto source = open_source(line);
    make_difficult_data(*source, line);
    // What a replica from the binary logs would need is gone.
    source->root({"FLUSH BINARY LOGS", "FLUSH BINARY LOGS"});
    const auto logs = source->root({"SHOW BINARY LOGS"});
    source->root({"PURGE BINARY LOGS TO '" + logs.rows.back()[0].value_or("") + "'"});
    REQUIRE_FALSE(source->status().purged.empty());

    const auto copy = Node::with_accounts(line);
    std::atomic<bool> stop{false};
    auto writer = std::async(std::launch::async, [&] {
      for (int id = 100'000; !stop; ++id) {
        const auto answer =
            source->app("INSERT INTO plain.many VALUES (" + std::to_string(id) + ", 'meanwhile')");
        if (!answer.ok()) return answer.error->text;
        const auto other =
            source->app("INSERT INTO `sh``op`.old_engine VALUES (" + std::to_string(id) + ", 'y')");
        if (!other.ok()) return other.error->text;
      }
      return std::string();
    });
    const Status copied = copy->server.copy_from(source->source(), go_on, soon());
    stop = true;
    CHECK(writer.get().empty());
    require_ok(copied);
    copy->mysqld.signal(SIGTERM);
    copy->mysqld.wait_exit();
    copy->mysqld.start();
    const auto begun = copy->status();
    CHECK(begun.super_read_only);
    CHECK_FALSE(begun.executed.empty());
    CHECK(begun.executed.of_source(begun.server_uuid).empty());
    require_ok(copy->server.replicate_from(source->source(), soon()));
    require_ok(copy->server.wait_for_executed(source->status().executed, soon()));
    CHECK(copy->status().executed == source->status().executed);
    check_same(*source, *copy);
    // Events sleep on a replica, and a trigger that was copied has not fired.
    CHECK(copy->root_value("SELECT status FROM information_schema.events WHERE event_name = 'tick'")
              .find("SIDE_DISABLED") != std::string::npos);
    CHECK(copy->root_value("SELECT COUNT(*) FROM `sh``op`.log WHERE n > 0") == "0");
    const auto reader = copy->mysqld.connect("local", "secret2");
    CHECK(reader->run("SHOW PROCESSLIST").ok());
  }
}

TEST_CASE("a copy is not begun behind a long statement, and one that is given up says so") {
  const auto source = open_source(MysqlLine::V56);
  source->root(
      {"CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(9000))"});
  for (int i = 0; i < 30; ++i)
    source->root({fmt::format("INSERT INTO shop.t VALUES ({}, REPEAT('x', 9000))", i)});
  const auto copy = Node::with_accounts(MysqlLine::V56);
  auto slow = std::async(std::launch::async, [&] {
    return source->mysqld.connect("root", test_credentials().root.reveal())
        ->run("SELECT SLEEP(8) FROM shop.t LIMIT 1");
  });
  REQUIRE(source->eventually([&](const auto&) {
    return source->root_value(
               "SELECT COUNT(*) FROM information_schema.processlist WHERE time > 2 "
               "AND info LIKE 'SELECT SLEEP%'") == "1";
  }));
  const Status behind =
      copy->server.copy_from(source->source(), go_on, Deadline::after(std::chrono::seconds(2)));
  REQUIRE_FALSE(behind.ok());
  CHECK(behind.error().code == Code::Unavailable);
  CHECK(behind.error().message.find("has been running") != std::string::npos);
  // And nobody waits behind us.
  CHECK(source->app("INSERT INTO shop.t VALUES (1000, '')").ok());
  CHECK(slow.get().ok());
  require_ok(copy->server.copy_from(source->source(), go_on, soon()));
}

TEST_CASE("servers of different series are not copied") {
  const auto source = open_source(MysqlLine::V97);
  const auto copy = Node::with_accounts(MysqlLine::V56);
  const Status refused = copy->server.copy_from(source->source(), go_on, soon());
  CHECK(refused.error().code == Code::Precondition);
}
