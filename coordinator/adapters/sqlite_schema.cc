#include "coordinator/adapters/sqlite_schema.h"

#include <string>

#include "lib/base/log.h"

namespace cdb::coordinator {

const Migrations& migrations() {
  // Only ever added to: what stands here has been applied somewhere. The body is the JSON of
  // state_codec; what is looked for by SQL stands in columns of its own.
  static const Migrations known{R"sql(
CREATE TABLE resources (
  kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (kind, namespace, name)) STRICT, WITHOUT ROWID;
CREATE TABLE clusters (
  namespace TEXT NOT NULL, name TEXT NOT NULL,
  epoch INTEGER NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (namespace, name)) STRICT, WITHOUT ROWID;
CREATE TABLE operations (id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, time_us INTEGER NOT NULL,
  namespace TEXT NOT NULL, cluster TEXT NOT NULL, node TEXT NOT NULL,
  type TEXT NOT NULL, severity TEXT NOT NULL, message TEXT NOT NULL) STRICT;
CREATE INDEX events_of_cluster ON events (namespace, cluster, sequence);
)sql"};
  return known;
}

Status initialise(Database& database) {
  return database.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
}

Status check_schema(Database& database, const Migrations& known) {
  CDB_ASSIGN_OR_RETURN(const int64_t application, database.integer("PRAGMA application_id"));
  if (application != kApplicationId) {
    return precondition("is a SQLite database, but not a coordinator's",
                        "give the coordinator a path of its own");
  }
  CDB_ASSIGN_OR_RETURN(const int64_t found, database.integer("PRAGMA user_version"));
  const auto newest = static_cast<int64_t>(known.size());
  if (found < 0 || found > newest) {
    return precondition("has schema " + std::to_string(found) + ", this coordinator knows up to " +
                            std::to_string(newest),
                        "start the version of cdb-coordinator that wrote it, or a newer one");
  }
  return {};
}

Status migrate(Database& database, const Migrations& known) {
  CDB_TRY(check_schema(database, known));
  CDB_ASSIGN_OR_RETURN(const int64_t found, database.integer("PRAGMA user_version"));
  const auto newest = static_cast<int64_t>(known.size());
  if (found == newest) return {};
  CDB_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database));
  for (int64_t applied = found; applied < newest; ++applied) {
    CDB_TRY(database.execute(known[static_cast<size_t>(applied)]));
  }
  CDB_TRY(database.execute(("PRAGMA user_version = " + std::to_string(newest)).c_str()));
  CDB_TRY(transaction.commit());
  log::info("store.migrated", "from={} to={}", found, newest);
  return {};
}

}  // namespace cdb::coordinator
