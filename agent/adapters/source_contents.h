#pragma once
// What another server holds, as far as a logical copy of it is concerned: definitions, accounts,
// and a consistent view of the rows. Talks to it over TCP as the replication account. Blocking; one
// thread.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/adapters/mysql_connection.h"
#include "agent/core/copy_statements.h"
#include "agent/ports/mysql_server.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/model/gtid_set.h"
#include "lib/model/mysql_version.h"

namespace cdb::agent {

struct SourceTable {
  std::string schema{};
  std::string name{};
  std::string engine{};
  uint64_t bytes{0};     // about
  std::string create{};  // empty: it is there on every server, and its rows are replaced
  std::vector<CopyColumn> columns{};
  // The next automatic number and the size aside.
  friend bool operator==(const SourceTable& a, const SourceTable& b) {
    return a.schema == b.schema && a.name == b.name && a.engine == b.engine &&
           without_next_number(a.create) == without_next_number(b.create);
  }
};

// A view, routine, trigger or event: its text, and what the session must be when it is made.
struct SourceProgram {
  std::string schema{};
  std::string name{};
  std::string create{};
  std::string client_charset{};
  std::string collation{};
  std::string sql_mode{};
  std::string time_zone{};
  bool enabled{false};  // of events
  friend bool operator==(const SourceProgram&, const SourceProgram&) = default;
};

// Few enough to be held: accounts and privileges.
struct SourceRows {
  std::vector<CopyColumn> columns{};
  std::vector<SqlRow> rows{};
  friend bool operator==(const SourceRows& a, const SourceRows& b) { return a.rows == b.rows; }
};

struct SourceContents {
  std::map<std::string, std::string> schemas{};  // name -> CREATE DATABASE
  std::vector<SourceTable> tables{};
  std::vector<SourceProgram> routines{};
  std::vector<SourceProgram> views{};
  std::vector<SourceProgram> triggers{};
  std::vector<SourceProgram> events{};
  std::map<std::string, SourceRows> accounts{};  // by table of the schema mysql
};
// Whether nothing but rows of ordinary tables changed in between.
bool same_definitions(const SourceContents& a, const SourceContents& b);

class Source {
 public:
  static Result<std::unique_ptr<Source>> open(const ReplicationSource& at);

  [[nodiscard]] const model::MysqlVersion& version() const { return version_; }
  Result<SourceContents> contents();
  // Opens a view of all rows (of transactional tables) and returns exactly the transactions that it
  // shows. The server's writes stand still for some milliseconds. It is not begun while a statement
  // runs that would make them wait for longer. `while_still` is called while nothing is written,
  // for what a view does not hold still. Unavailable: not possible before the deadline.
  Result<model::GtidSet> begin_snapshot(Deadline deadline,
                                        const std::function<Status()>& while_still);
  // Rows of the snapshot, one by one; an error of on_row ends it and is returned. Takes no lock
  // that outlives the call.
  Status rows(const std::string& select, const std::function<Status(const SqlRow&)>& on_row);

 private:
  Source(std::unique_ptr<MysqlConnection> reader, std::unique_ptr<MysqlConnection> snapshot)
      : reader_(std::move(reader)), snapshot_(std::move(snapshot)) {}
  Result<SqlRows> read(const std::string& statement);
  Status read_tables(SourceContents& contents);
  Status read_system_tables(SourceContents& contents);
  Status read_programs(SourceContents& contents);
  Result<SourceProgram> program(const std::string& kind, const std::string& schema,
                                const std::string& name, const std::string& create_column);
  Status wait_for_short_statements(Deadline deadline);

  std::unique_ptr<MysqlConnection> reader_;    // definitions, each look by itself
  std::unique_ptr<MysqlConnection> snapshot_;  // rows, one transaction
  model::MysqlVersion version_{};
  std::string snapshot_id_{};  // of its session
};

}  // namespace cdb::agent
