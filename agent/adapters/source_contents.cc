#include "agent/adapters/source_contents.h"

#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "agent/adapters/mysql_session.h"
#include "agent/adapters/status_rows.h"
#include "agent/core/statements.h"
#include "lib/base/backoff.h"
#include "lib/base/text.h"

namespace cdb::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kLockWaitTimeout = 1205;
// A slow disk here must not end a session there.
constexpr seconds kSilence{3600};
// Nothing that runs for so long is in the way of a lock that is wanted for milliseconds.
constexpr int kShortStatement = 1;
constexpr const char* kNotSystem =
    "NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys', 'ndbinfo')";

Result<SqlRows> run_on(MysqlConnection& connection, const std::string& statement) {
  SqlAnswer answer = connection.run(statement);
  if (answer.error) return to_error(*answer.error, "the source");
  return std::move(answer.rows);
}

Result<std::unique_ptr<MysqlConnection>> connect(const ReplicationSource& at) {
  auto opened = MysqlConnection::open({.socket = {},
                                       .host = at.endpoint.host,
                                       .port = at.endpoint.port,
                                       .user = model::kReplicationUser,
                                       .password = at.password},
                                      seconds(10), kSilence);
  if (opened.error) return to_error(*opened.error, "the source " + at.endpoint.str());
  // Values and texts come as the bytes that are stored, whatever their character sets.
  for (const std::string& statement :
       {std::string("SET NAMES utf8, character_set_results = NULL"),
        std::string("SET SESSION time_zone = '+00:00', sql_mode = '', sql_quote_show_create = ON"),
        fmt::format(
            "SET SESSION wait_timeout = {0}, net_write_timeout = {0}, lock_wait_timeout = {1}",
            kSilence.count(), kShortStatement),
        std::string("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")}) {
    CDB_TRY(run_on(*opened.connection, statement));
  }
  return std::move(opened.connection);
}

// "uuid:1-5" as the server prints it.
Result<model::GtidSet> gtid_executed(MysqlConnection& connection) {
  CDB_ASSIGN_OR_RETURN(const SqlRows rows,
                       run_on(connection, "SELECT @@GLOBAL.gtid_executed AS executed"));
  return model::GtidSet::parse(rows.text("executed"));
}

}  // namespace

bool same_definitions(const SourceContents& a, const SourceContents& b) {
  return a.schemas == b.schemas && a.tables == b.tables && a.routines == b.routines &&
         a.views == b.views && a.triggers == b.triggers && a.events == b.events &&
         a.accounts == b.accounts;
}

Result<std::unique_ptr<Source>> Source::open(const ReplicationSource& at) {
  CDB_ASSIGN_OR_RETURN(auto reader, connect(at));
  CDB_ASSIGN_OR_RETURN(auto snapshot, connect(at));
  std::unique_ptr<Source> source(new Source(std::move(reader), std::move(snapshot)));
  CDB_ASSIGN_OR_RETURN(const SqlRows rows, source->read("SELECT VERSION() AS version"));
  CDB_ASSIGN_OR_RETURN(source->version_, model::MysqlVersion::parse(rows.text("version")));
  CDB_ASSIGN_OR_RETURN(const SqlRows session,
                       run_on(*source->snapshot_, "SELECT CONNECTION_ID() AS id"));
  source->snapshot_id_ = session.text("id");
  return source;
}

Result<SqlRows> Source::read(const std::string& statement) {
  return run_on(*reader_, statement);
}

Result<SourceContents> Source::contents() {
  SourceContents contents;
  CDB_ASSIGN_OR_RETURN(
      const SqlRows schemas,
      read(fmt::format("SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE "
                       "SCHEMA_NAME {} ORDER BY SCHEMA_NAME",
                       kNotSystem)));
  for (size_t i = 0; i < schemas.rows.size(); ++i) {
    const std::string name = schemas.text("name", i);
    CDB_ASSIGN_OR_RETURN(const SqlRows create, read("SHOW CREATE DATABASE " + quoted_name(name)));
    contents.schemas[name] = create.text("Create Database");
  }
  CDB_TRY(read_tables(contents));
  CDB_TRY(read_system_tables(contents));
  CDB_TRY(read_programs(contents));
  return contents;
}

Status Source::read_tables(SourceContents& contents) {
  CDB_ASSIGN_OR_RETURN(
      const SqlRows columns,
      read(fmt::format(
          "SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, COLUMN_NAME AS c, DATA_TYPE AS d, "
          "EXTRA AS e FROM information_schema.COLUMNS WHERE TABLE_SCHEMA {} "
          "ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION",
          kNotSystem)));
  std::map<std::pair<std::string, std::string>, std::vector<CopyColumn>> by_table;
  for (const SqlRow& row : columns.rows) {
    if (const auto column =
            copy_column(row[2].value_or(""), row[3].value_or(""), row[4].value_or("")))
      by_table[{row[0].value_or(""), row[1].value_or("")}].push_back(*column);
  }
  CDB_ASSIGN_OR_RETURN(
      const SqlRows tables,
      read(fmt::format("SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, ENGINE AS e, DATA_LENGTH AS b "
                       "FROM "
                       "information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA "
                       "{} ORDER BY TABLE_SCHEMA, TABLE_NAME",
                       kNotSystem)));
  for (size_t i = 0; i < tables.rows.size(); ++i) {
    SourceTable table{.schema = tables.text("s", i),
                      .name = tables.text("t", i),
                      .engine = tables.text("e", i),
                      .bytes = std::strtoull(tables.text("b", i).c_str(), nullptr, 10)};
    CDB_ASSIGN_OR_RETURN(const SqlRows create,
                         read("SHOW CREATE TABLE " + quoted_name(table.schema, table.name)));
    table.create = create.text("Create Table");
    table.columns = by_table[{table.schema, table.name}];
    contents.tables.push_back(std::move(table));
  }
  return {};
}

Status Source::read_system_tables(SourceContents& contents) {
  for (const SystemTable& system : copied_system_tables()) {
    const std::string name(system.name);
    CDB_ASSIGN_OR_RETURN(
        const SqlRows columns,
        read(fmt::format(
            "SELECT COLUMN_NAME, DATA_TYPE, EXTRA FROM information_schema.COLUMNS WHERE "
            "TABLE_SCHEMA = 'mysql' AND TABLE_NAME = {} ORDER BY ORDINAL_POSITION",
            quoted(name))));
    if (columns.rows.empty()) continue;
    SourceTable table{.schema = "mysql", .name = name};
    for (const SqlRow& row : columns.rows) {
      if (auto column = copy_column(row[0].value_or(""), row[1].value_or(""), row[2].value_or("")))
        table.columns.push_back(std::move(*column));
    }
    if (system.user_column.empty()) {
      contents.tables.push_back(std::move(table));
      continue;
    }
    CDB_ASSIGN_OR_RETURN(SqlRows rows,
                         read(select_rows("mysql", name, table.columns) + rows_of_others(system) +
                              fmt::format(" ORDER BY {}, {}", quoted_name(system.user_column),
                                          quoted_name(system.host_column))));
    contents.accounts[name] = {std::move(table.columns), std::move(rows.rows)};
  }
  return {};
}

Result<SourceProgram> Source::program(const std::string& kind, const std::string& schema,
                                      const std::string& name, const std::string& create_column) {
  CDB_ASSIGN_OR_RETURN(const SqlRows rows,
                       read("SHOW CREATE " + kind + " " + quoted_name(schema, name)));
  const auto create = rows.value(create_column);
  if (!create)
    return precondition("the source does not show " + to_lower(kind) + " " + schema + "." + name);
  return SourceProgram{.schema = schema,
                       .name = name,
                       .create = *create,
                       .client_charset = rows.text("character_set_client"),
                       .collation = rows.text("collation_connection"),
                       .sql_mode = rows.text("sql_mode"),
                       .time_zone = rows.text("time_zone")};
}

Status Source::read_programs(SourceContents& contents) {
  struct Listing {
    std::string list;
    std::vector<SourceProgram>& into;
  };
  const auto all = [&](const std::string& columns, const std::string& table,
                       const std::string& schema, const std::string& rest) {
    return fmt::format("SELECT {} FROM information_schema.{} WHERE {} {} {}", columns, table,
                       schema, kNotSystem, rest);
  };
  const Listing listings[] = {
      {all("ROUTINE_SCHEMA AS s, ROUTINE_NAME AS n, ROUTINE_TYPE AS kind, '' AS status", "ROUTINES",
           "ROUTINE_SCHEMA", "ORDER BY 1, 3, 2"),
       contents.routines},
      {all("TABLE_SCHEMA AS s, TABLE_NAME AS n, 'VIEW' AS kind, '' AS status", "VIEWS",
           "TABLE_SCHEMA", "ORDER BY 1, 2"),
       contents.views},
      // In the order in which they fire.
      {all("TRIGGER_SCHEMA AS s, TRIGGER_NAME AS n, 'TRIGGER' AS kind, '' AS status", "TRIGGERS",
           "TRIGGER_SCHEMA", "ORDER BY 1, EVENT_OBJECT_TABLE, ACTION_TIMING, ACTION_ORDER, 2"),
       contents.triggers},
      {all("EVENT_SCHEMA AS s, EVENT_NAME AS n, 'EVENT' AS kind, STATUS AS status", "EVENTS",
           "EVENT_SCHEMA", "ORDER BY 1, 2"),
       contents.events}};
  for (const Listing& listing : listings) {
    CDB_ASSIGN_OR_RETURN(const SqlRows rows, read(listing.list));
    for (size_t i = 0; i < rows.rows.size(); ++i) {
      const std::string kind = rows.text("kind", i);
      const std::string column = kind == "TRIGGER" ? "SQL Original Statement" : "Create " + kind;
      CDB_ASSIGN_OR_RETURN(SourceProgram made,
                           program(kind, rows.text("s", i), rows.text("n", i), column));
      made.enabled = rows.text("status", i) == "ENABLED";
      listing.into.push_back(std::move(made));
    }
  }
  return {};
}

// A lock on all tables waits for what runs, and everybody else then waits behind the lock, for
// reads too, even when the lock itself has been given up.
Status Source::wait_for_short_statements(Deadline deadline) {
  Backoff backoff(milliseconds(100), seconds(2));
  while (true) {
    CDB_ASSIGN_OR_RETURN(
        const SqlRows rows,
        read(fmt::format("SELECT MAX(TIME) AS longest FROM information_schema.PROCESSLIST WHERE "
                         "COMMAND IN ('Query', 'Execute') AND USER <> 'system user' AND ID <> "
                         "CONNECTION_ID() AND TIME > {}",
                         kShortStatement)));
    const auto longest = rows.value("longest");
    if (!longest) return {};
    if (deadline.passed())
      return unavailable(fmt::format(
          "a statement has been running on the source for {} s: a lock would wait for it, and all "
          "others for the lock",
          *longest));
    pause(backoff.next(), deadline);
  }
}

Result<model::GtidSet> Source::begin_snapshot(Deadline deadline,
                                              const std::function<Status()>& while_still) {
  Backoff backoff(milliseconds(200), seconds(5));
  while (true) {
    CDB_TRY(wait_for_short_statements(deadline));
    const SqlAnswer locked = snapshot_->run("FLUSH LOCAL TABLES WITH READ LOCK");
    if (!locked.error) break;
    if (locked.error->number != kLockWaitTimeout || deadline.passed())
      return to_error(*locked.error, "the lock for a snapshot of the source");
    pause(backoff.next(), deadline);
  }
  const auto begin = [&]() -> Result<model::GtidSet> {
    CDB_TRY(run_on(*snapshot_, "START TRANSACTION WITH CONSISTENT SNAPSHOT"));
    CDB_TRY(run_on(*snapshot_, "SAVEPOINT copied"));
    CDB_ASSIGN_OR_RETURN(model::GtidSet executed, gtid_executed(*snapshot_));
    CDB_TRY(while_still());
    return executed;
  };
  const auto executed = begin();
  CDB_TRY(run_on(*snapshot_, "UNLOCK TABLES"));
  return executed;
}

Status Source::rows(const std::string& select, const std::function<Status(const SqlRow&)>& on_row) {
  std::optional<Error> refused;
  const auto error = snapshot_->stream(select, [&](const SqlRow& row) {
    const Status taken = on_row(row);
    if (taken) return true;
    refused = taken.error();
    // Or the rest of the table would have to be read.
    (void)reader_->run("KILL " + snapshot_id_);
    return false;
  });
  if (refused) return *refused;
  if (error) return to_error(*error, "the source");
  // Lets go of the table, which the transaction would otherwise keep from being altered.
  CDB_TRY(run_on(*snapshot_, "ROLLBACK TO SAVEPOINT copied"));
  return {};
}

}  // namespace cdb::agent
