#include "agent/adapters/logical_copy.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "agent/adapters/mysql_session.h"
#include "agent/adapters/source_contents.h"
#include "agent/core/copy_statements.h"
#include "agent/core/statements.h"
#include "lib/base/log.h"
#include "lib/base/text.h"

namespace cdb::agent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds kSilence{3600};
constexpr size_t kBatch = size_t{1} << 20U;           // bytes of an INSERT
constexpr uint64_t kHeldStill = uint64_t{16} << 20U;  // of all tables without transactions
constexpr int kAttempts = 5;                          // at a moment without changes of definitions
constexpr Duration kSnapshotWait = minutes(5);
constexpr Duration kProgress = seconds(1);
// Values that are there came in under some mode; none may be changed or refused on the way.
constexpr const char* kLenientMode = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES";
constexpr const char* kRowsMode = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES";

class Copy {
 public:
  Copy(std::unique_ptr<Source> source, std::unique_ptr<MysqlConnection> here,
       model::MysqlVersion version, const std::function<bool(const std::string&)>& progress)
      : source_(std::move(source)),
        here_(std::move(here)),
        version_(version),
        progress_(progress) {}

  Status run(Deadline deadline) {
    CDB_TRY(begin_snapshot(deadline));
    CDB_TRY(prepare());
    CDB_TRY(make_schemas_and_tables());
    for (const SourceTable& table : contents_.tables) {
      CDB_TRY(copy_rows(table, deadline));
      ++tables_done_;
    }
    CDB_TRY(make_programs());
    CDB_TRY(copy_accounts());
    return finish();
  }

 private:
  Status run_here(const std::string& statement) {
    const SqlAnswer answer = here_->run(statement);
    if (!answer.error) return {};
    // Not the whole of it: it may be a megabyte of somebody's data.
    return to_error(*answer.error, statement.substr(0, std::min<size_t>(80, statement.find('('))));
  }

  // Definitions are no part of a snapshot: when they were the same just before and just after it
  // began, they are those of its moment.
  Status begin_snapshot(Deadline deadline) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      CDB_ASSIGN_OR_RETURN(const SourceContents before, source_->contents());
      CDB_ASSIGN_OR_RETURN(executed_, source_->begin_snapshot(deadline.sooner_of(kSnapshotWait),
                                                              [&] { return hold_still(before); }));
      CDB_ASSIGN_OR_RETURN(contents_, source_->contents());
      if (same_definitions(before, contents_)) {
        log::info("copy.snapshot", "tables={} executed={}", contents_.tables.size(),
                  executed_.str());
        return {};
      }
      log::info("copy.snapshot_again", "why=\"definitions changed meanwhile\"");
    }
    return unavailable("the source's tables or accounts are being changed all the time");
  }

  // Tables without transactions are read while nobody writes, where that takes but a moment.
  Status hold_still(const SourceContents& contents) {
    held_.clear();
    uint64_t left = kHeldStill;
    for (const SourceTable& table : contents.tables) {
      const bool small = table.bytes <= left;
      if (!small || is_transactional(table) || table.create.empty() || table.columns.empty())
        continue;
      left -= table.bytes;
      std::vector<std::string>& statements = held_[{table.schema, table.name}];
      InsertBatch batch(table.schema, table.name, table.columns, kBatch);
      CDB_TRY(source_->rows(select_rows(table.schema, table.name, table.columns),
                            [&](const SqlRow& row) -> Status {
                              batch.add(row);
                              ++rows_done_;
                              if (batch.full()) statements.push_back(batch.take());
                              return {};
                            }));
      if (!batch.empty()) statements.push_back(batch.take());
    }
    return {};
  }

  static bool is_transactional(const SourceTable& table) {
    return to_lower(table.engine) == "innodb";
  }

  Status prepare() {
    if (version_.has_super_read_only())
      CDB_TRY(run_here(std::string(words(Phrase::RelaxReadOnly, version_))));
    // Events are made as those of a source and sleep here; none may fire before it is told so.
    // A function that the source took is taken here too.
    if (here_->run("SELECT @@GLOBAL.log_bin_trust_function_creators").ok())
      CDB_TRY(run_here("SET GLOBAL log_bin_trust_function_creators = ON"));
    const SqlAnswer scheduler = here_->run("SELECT @@GLOBAL.event_scheduler AS state");
    if (scheduler.rows.text("state") == "ON") CDB_TRY(run_here("SET GLOBAL event_scheduler = OFF"));
    CDB_TRY(run_here("SET SESSION sql_log_bin = OFF"));
    CDB_TRY(
        run_here("SET SESSION foreign_key_checks = OFF, unique_checks = OFF, time_zone = "
                 "'+00:00', innodb_strict_mode = OFF, max_error_count = 65535"));
    if (version_.at_least(8, 0, 13)) CDB_TRY(run_here("SET SESSION sql_require_primary_key = OFF"));
    const SqlAnswer schemas = here_->run("SHOW DATABASES");
    if (schemas.error) return to_error(*schemas.error, "SHOW DATABASES");
    for (const SqlRow& row : schemas.rows.rows) {
      const std::string name = row[0].value_or("");
      const bool own = name == "mysql" || name == "information_schema" ||
                       name == "performance_schema" || name == "sys" || name == "ndbinfo";
      if (!own) CDB_TRY(run_here("DROP DATABASE " + quoted_name(name)));
    }
    return {};
  }

  Status make_schemas_and_tables() {
    CDB_TRY(run_here("SET NAMES utf8"));
    CDB_TRY(run_here("SET SESSION sql_mode = ''"));
    for (const auto& [name, create] : contents_.schemas)
      CDB_TRY(run_here(create));
    for (const SourceTable& table : contents_.tables) {
      if (table.create.empty()) continue;
      CDB_TRY(run_here("USE " + quoted_name(table.schema)));
      CDB_TRY(run_here(table.create));
      if (!is_transactional(table) && !held_.contains({table.schema, table.name}))
        log::warn("copy.inconsistent", "table={}.{} engine={} why=\"no transactions, and large\"",
                  table.schema, table.name, table.engine);
    }
    return {};
  }

  Status copy_rows(const SourceTable& table, Deadline deadline) {
    if (table.columns.empty()) return {};
    CDB_TRY(run_here("SET NAMES binary"));
    CDB_TRY(run_here(fmt::format("SET SESSION sql_mode = '{}'", kRowsMode)));
    if (table.create.empty())
      CDB_TRY(run_here("DELETE FROM " + quoted_name(table.schema, table.name)));
    if (const auto held = held_.find({table.schema, table.name}); held != held_.end()) {
      for (const std::string& statement : held->second)
        CDB_TRY(insert(statement, table.columns));
      return {};
    }
    InsertBatch batch(table.schema, table.name, table.columns, kBatch);
    CDB_TRY(source_->rows(select_rows(table.schema, table.name, table.columns),
                          [&](const SqlRow& row) -> Status {
                            batch.add(row);
                            ++rows_done_;
                            return batch.full() ? write(batch, table.columns, deadline) : Status{};
                          }));
    return write(batch, table.columns, deadline);
  }

  // Strictly; leniently only where nothing is lost by it.
  Status insert(const std::string& statement, const std::vector<CopyColumn>& columns) {
    const SqlAnswer answer = here_->run(statement);
    if (!answer.error) return {};
    const std::string what = statement.substr(0, statement.find('('));
    if (!is_error_value(columns, answer.error->number, answer.error->text))
      return to_error(*answer.error, what);
    CDB_TRY(run_here(fmt::format("SET SESSION sql_mode = '{}'", kLenientMode)));
    CDB_TRY(run_here(statement));
    const SqlAnswer warnings = here_->run("SHOW WARNINGS");
    if (warnings.error) return to_error(*warnings.error, "SHOW WARNINGS");
    for (size_t i = 0; i < warnings.rows.rows.size(); ++i) {
      const std::string text = warnings.rows.text("Message", i);
      if (!is_error_value(columns, std::atoi(warnings.rows.text("Code", i).c_str()), text))
        return internal(what + ": " + text);
    }
    return run_here(fmt::format("SET SESSION sql_mode = '{}'", kRowsMode));
  }

  Status write(InsertBatch& batch, const std::vector<CopyColumn>& columns, Deadline deadline) {
    const std::string statement = batch.take();
    bytes_done_ += statement.size();
    if (!statement.empty()) CDB_TRY(insert(statement, columns));
    if (deadline.passed()) return deadline_exceeded("the copy took too long");
    const Instant now = BootTime::now();
    if (now - told_at_ < kProgress) return {};
    told_at_ = now;
    const bool go_on =
        progress_(fmt::format("copying: {} of {} tables, {} rows, {} MiB", tables_done_,
                              contents_.tables.size(), rows_done_, bytes_done_ >> 20U));
    return go_on ? Status{} : Status{cancelled("the copy is not wanted any more")};
  }

  Status make(const SourceProgram& program) {
    CDB_TRY(run_here("USE " + quoted_name(program.schema)));
    CDB_TRY(run_here(fmt::format("SET SESSION sql_mode = {}", quoted(program.sql_mode))));
    if (!program.time_zone.empty())
      CDB_TRY(run_here(fmt::format("SET SESSION time_zone = {}", quoted(program.time_zone))));
    if (!program.client_charset.empty())
      CDB_TRY(run_here(fmt::format("SET character_set_client = {}, collation_connection = {}",
                                   quoted(program.client_charset), quoted(program.collation))));
    return run_here(program.create);
  }

  // Views stand on one another: what fails is tried again as long as any can be made. One that
  // stands on nothing is broken at the source too, and named.
  Status make_views() {
    std::vector<SourceProgram> left = contents_.views;
    while (!left.empty()) {
      std::vector<SourceProgram> failed;
      std::string why;
      for (const SourceProgram& view : left) {
        const Status made = make(view);
        if (made) continue;
        why = made.error().text();
        failed.push_back(view);
      }
      if (failed.size() == left.size()) {
        for (const SourceProgram& view : failed)
          log::warn("copy.view_not_made", "view={}.{} why=\"{}\"", view.schema, view.name, why);
        return {};
      }
      left = std::move(failed);
    }
    return {};
  }

  Status make_programs() {
    for (const SourceProgram& routine : contents_.routines)
      CDB_TRY(make(routine));
    CDB_TRY(make_views());
    for (const SourceProgram& trigger : contents_.triggers)
      CDB_TRY(make(trigger));
    for (const SourceProgram& event : contents_.events) {
      CDB_TRY(make(event));
      // As replication would have made it.
      if (event.enabled)
        CDB_TRY(
            run_here("ALTER EVENT " + quoted_name(event.schema, event.name) + " DISABLE ON SLAVE"));
    }
    return run_here("SET SESSION time_zone = '+00:00'");
  }

  Status copy_accounts() {
    CDB_TRY(run_here("SET NAMES binary"));
    CDB_TRY(run_here(fmt::format("SET SESSION sql_mode = '{}'", kRowsMode)));
    for (const SystemTable& system : copied_system_tables()) {
      const auto found = contents_.accounts.find(std::string(system.name));
      if (found == contents_.accounts.end()) continue;
      CDB_TRY(
          run_here("DELETE FROM " + quoted_name("mysql", system.name) + rows_of_others(system)));
      InsertBatch batch("mysql", system.name, found->second.columns, kBatch);
      for (const SqlRow& row : found->second.rows)
        batch.add(row);
      if (!batch.empty()) CDB_TRY(run_here(batch.take()));
    }
    return run_here("FLUSH LOCAL PRIVILEGES");
  }

  Status finish() {
    CDB_TRY(run_here(std::string(words(Phrase::ResetBinaryLogs, version_))));
    CDB_TRY(run_here(fmt::format("SET GLOBAL gtid_purged = {}", quoted(executed_.str()))));
    const SqlAnswer answer = here_->run("SELECT @@GLOBAL.gtid_executed AS executed");
    if (answer.error) return to_error(*answer.error, "the GTID set of the copy");
    CDB_ASSIGN_OR_RETURN(const model::GtidSet executed,
                         model::GtidSet::parse(answer.rows.text("executed")));
    if (!(executed == executed_))
      return internal("the copy has the GTID set " + executed.str() +
                      " and not that of its source");
    log::info("copy.complete", "tables={} rows={} bytes={}", tables_done_, rows_done_, bytes_done_);
    return {};
  }

  std::unique_ptr<Source> source_;
  std::unique_ptr<MysqlConnection> here_;
  model::MysqlVersion version_;
  const std::function<bool(const std::string&)>& progress_;
  SourceContents contents_{};
  model::GtidSet executed_{};
  // By schema and table: what was read while nobody wrote.
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> held_{};
  size_t tables_done_{0};
  uint64_t rows_done_{0};
  uint64_t bytes_done_{0};
  Instant told_at_{BootTime::now()};
};

Result<std::unique_ptr<MysqlConnection>> log_in(const MysqlLogin& login) {
  auto opened = MysqlConnection::open(login, seconds(10), kSilence);
  if (opened.error) return to_error(*opened.error, "mysqld at " + login.socket);
  return std::move(opened.connection);
}

}  // namespace

Status copy_everything(const ReplicationSource& donor, const MysqlLogin& here,
                       const std::function<bool(const std::string&)>& progress, Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(auto source, Source::open(donor));
  CDB_ASSIGN_OR_RETURN(auto first, log_in(here));
  const SqlAnswer answer = first->run("SELECT VERSION() AS version");
  if (answer.error) return to_error(*answer.error, "mysqld at " + here.socket);
  CDB_ASSIGN_OR_RETURN(const model::MysqlVersion version,
                       model::MysqlVersion::parse(answer.rows.text("version")));
  if (!copies_between(source->version(), version)) {
    return precondition(fmt::format("MySQL {} cannot become a copy of MySQL {}", version.str(),
                                    source->version().str()),
                        "give all nodes the same series");
  }
  // The largest row, with escapes; sessions that begin from here on have it.
  if (const SqlAnswer set = first->run("SET GLOBAL max_allowed_packet = 1073741824"); set.error)
    return to_error(*set.error, "max_allowed_packet");
  CDB_ASSIGN_OR_RETURN(auto writer, log_in(here));
  return Copy(std::move(source), std::move(writer), version, progress).run(deadline);
}

}  // namespace cdb::agent
