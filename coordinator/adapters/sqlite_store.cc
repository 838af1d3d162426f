#include "coordinator/adapters/sqlite_store.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "coordinator/adapters/sqlite_schema.h"
#include "coordinator/adapters/state_codec.h"
#include "lib/base/log.h"

namespace cdb::coordinator {
namespace {

namespace fs = std::filesystem;

// Messages about the database go on from its name.
Error in_store(const fs::path& path, const Error& error) {
  Error named = error;
  named.message = "state store " + path.string() + " " + error.message;
  return named;
}

Status fill(const fs::path& draft) {
  CDB_ASSIGN_OR_RETURN(Database database, Database::open(draft));
  CDB_TRY(database.execute("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL"));
  CDB_TRY(initialise(database));
  return migrate(database);
}

// Complete before it gets its name: a crash on the way leaves no half-made store.
Status create(const StoreFiles& files) {
  CDB_ASSIGN_OR_RETURN(const fs::path draft, files.draft());
  if (const Status filled = fill(draft); !filled) return in_store(draft, filled.error());
  CDB_TRY(files.publish(draft));
  log::info("store.created", "file={}", files.database().string());
  return {};
}

// SQLite takes a few bytes for an empty database and a last page that is cut short for a page. With
// a log the size says nothing: the rest may be in there.
Status check_size(const StoreFiles& files, Database& database) {
  CDB_ASSIGN_OR_RETURN(const int64_t pages, database.integer("PRAGMA page_count"));
  CDB_ASSIGN_OR_RETURN(const int64_t page_bytes, database.integer("PRAGMA page_size"));
  std::error_code error;
  const uintmax_t size = fs::file_size(files.database(), error);
  if (!error && pages > 0 && size >= static_cast<uintmax_t>(pages * page_bytes)) return {};
  return internal("is damaged: it is cut short", "restore it from a backup");
}

// Nothing of the file is touched before it is known to be ours and whole.
Result<Database> open_checked(const StoreFiles& files) {
  CDB_ASSIGN_OR_RETURN(const bool has_log, files.has_log());
  CDB_ASSIGN_OR_RETURN(Database database, Database::open(files.database()));
  CDB_TRY(database.execute("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON"));
  CDB_ASSIGN_OR_RETURN(const std::string health, database.text("PRAGMA quick_check(1)"));
  if (health != "ok") return internal("is damaged: " + health, "restore it from a backup");
  if (!has_log) CDB_TRY(check_size(files, database));
  CDB_TRY(check_schema(database));
  return database;
}

Status prepare(Database& database) {
  CDB_ASSIGN_OR_RETURN(const std::string mode, database.text("PRAGMA journal_mode = WAL"));
  if (mode != "wal") {
    return precondition("cannot have a write-ahead log here (journal mode is " + mode + ")",
                        "put it on a local filesystem");
  }
  CDB_TRY(
      database.execute("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216; "
                       "PRAGMA wal_autocheckpoint = 64"));
  return migrate(database);
}

Result<Database> connect(const StoreFiles& files) {
  Result<Database> database = open_checked(files);
  if (!database) return in_store(files.database(), database.error());
  CDB_TRY(files.restrict_mode());  // SQLite gives the mode to the log that it makes
  if (const Status prepared = prepare(*database); !prepared) {
    return in_store(files.database(), prepared.error());
  }
  return database;
}

// Fills `rows` with what `decode` makes of the bodies in `table`.
template <typename T, typename Decode>
Status read_all(Database& database, const std::string& table, Decode decode, std::vector<T>& rows) {
  CDB_ASSIGN_OR_RETURN(Statement statement, database.prepare("SELECT body FROM " + table));
  for (;;) {
    CDB_ASSIGN_OR_RETURN(const bool more, statement.row());
    if (!more) return {};
    const std::string body = statement.text(0);
    Result<T> row = decode(body);
    if (!row) {
      return internal("holds a row in " + table + " that cannot be read: " + row.error().message,
                      "restore it from a backup");
    }
    rows.push_back(std::move(row).value());
  }
}

// What is erased goes first: erased and put in one commit is replaced.
Status put_resources(Database& database, const Changes& changes) {
  for (const ResourceKey& key : changes.erase_resources) {
    CDB_ASSIGN_OR_RETURN(
        Statement erase,
        database.prepare("DELETE FROM resources WHERE kind = ? AND namespace = ? AND name = ?"));
    CDB_TRY(erase.with(to_string(key.kind), key.name_space, key.name).run());
  }
  for (const Resource& resource : changes.put_resources) {
    CDB_ASSIGN_OR_RETURN(Statement put,
                         database.prepare("INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?)"));
    const ResourceKey& key = resource.key;
    CDB_TRY(put.with(to_string(key.kind), key.name_space, key.name, encode(resource)).run());
  }
  return {};
}

Status put_clusters(Database& database, const Changes& changes) {
  for (const model::ClusterId& id : changes.erase_clusters) {
    CDB_ASSIGN_OR_RETURN(Statement erase, database.prepare("DELETE FROM clusters WHERE namespace "
                                                           "= ? AND name = ?"));
    CDB_TRY(erase.with(id.name_space, id.name).run());
  }
  for (const ClusterRow& cluster : changes.put_clusters) {
    const model::ClusterId& id = cluster.id;
    const model::RecordVersion& ours = cluster.record.version;
    CDB_ASSIGN_OR_RETURN(Statement find,
                         database.prepare("SELECT epoch, version FROM clusters WHERE namespace = "
                                          "? AND name = ?"));
    CDB_ASSIGN_OR_RETURN(const bool found, find.with(id.name_space, id.name).row());
    if (found) {
      const model::RecordVersion stored{static_cast<uint64_t>(find.integer(0)),
                                        static_cast<uint64_t>(find.integer(1))};
      if (stored > ours) {
        return conflict("holds the record of cluster " + id.str() + " at " +
                        std::to_string(stored.epoch) + "." + std::to_string(stored.version) +
                        ", newer than " + std::to_string(ours.epoch) + "." +
                        std::to_string(ours.version));
      }
    }
    CDB_ASSIGN_OR_RETURN(
        Statement put, database.prepare("INSERT OR REPLACE INTO clusters VALUES (?, ?, ?, ?, ?)"));
    CDB_TRY(put.with(id.name_space, id.name, ours.epoch, ours.version, encode(cluster)).run());
  }
  return {};
}

Status put_operations(Database& database, const Changes& changes) {
  for (const Operation& operation : changes.put_operations) {
    CDB_ASSIGN_OR_RETURN(Statement put,
                         database.prepare("INSERT OR REPLACE INTO operations VALUES (?, ?)"));
    CDB_TRY(put.with(operation.id.str(), encode(operation)).run());
  }
  return {};
}

Result<std::vector<Event>> append_events(Database& database, const std::vector<Event>& events,
                                         uint64_t keep_events) {
  std::vector<Event> stored = events;
  for (Event& event : stored) {
    CDB_ASSIGN_OR_RETURN(
        Statement append,
        database.prepare("INSERT INTO events (time_us, namespace, cluster, node, type, severity, "
                         "message) VALUES (?, ?, ?, ?, ?, ?, ?)"));
    CDB_TRY(append
                .with(int64_t{event.time.time_since_epoch().count()}, event.cluster.name_space,
                      event.cluster.name, event.node, event.type, to_string(event.severity),
                      event.message)
                .run());
    event.sequence = database.last_insert_id();
  }
  if (!stored.empty() && stored.back().sequence > keep_events) {
    CDB_ASSIGN_OR_RETURN(Statement trim,
                         database.prepare("DELETE FROM events WHERE sequence <= ?"));
    CDB_TRY(trim.with(stored.back().sequence - keep_events).run());
  }
  return stored;
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const SqliteStoreConfig& config) {
  CDB_ASSIGN_OR_RETURN(StoreFiles files, StoreFiles::lock(config.path));
  CDB_ASSIGN_OR_RETURN(const bool fresh, files.fresh());
  if (fresh) CDB_TRY(create(files));
  CDB_ASSIGN_OR_RETURN(Database database, connect(files));
  CDB_TRY(files.mark_initialized());
  return std::unique_ptr<SqliteStore>(
      new SqliteStore(std::move(files), std::move(database), config.keep_events));
}

SqliteStore::~SqliteStore() {
  close();
}

void SqliteStore::close() {
  if (in_use_) files_.clear_in_use();
  in_use_ = false;
  database_.reset();
}

Error SqliteStore::named(const Error& error) const {
  return in_store(files_.database(), error);
}

Error SqliteStore::not_loaded() const {
  return named(precondition("may or may not hold the last change", "load the state again"));
}

Result<Snapshot> SqliteStore::load() {
  const std::lock_guard lock(mutex_);
  if (!database_) {
    CDB_ASSIGN_OR_RETURN(database_, connect(files_));
  }
  Result<Snapshot> snapshot = load_locked(*database_);
  if (!snapshot) return named(snapshot.error());
  return snapshot;
}

Result<Snapshot> SqliteStore::load_locked(Database& database) {
  std::vector<Resource> resources;
  std::vector<ClusterRow> clusters;
  std::vector<Operation> operations;
  CDB_TRY(read_all(database, "resources", decode_resource, resources));
  CDB_TRY(read_all(database, "clusters", decode_cluster, clusters));
  CDB_TRY(read_all(database, "operations", decode_operation, operations));
  Snapshot snapshot;
  for (Resource& resource : resources) {
    const ResourceKey key = resource.key;
    snapshot.resources.emplace(key, std::move(resource));
  }
  for (ClusterRow& cluster : clusters) {
    const model::ClusterId id = cluster.id;
    snapshot.clusters.emplace(id, std::move(cluster));
  }
  for (Operation& operation : operations) {
    const model::OperationId id = operation.id;
    snapshot.operations.emplace(id, std::move(operation));
  }
  CDB_ASSIGN_OR_RETURN(
      const int64_t last,
      database.integer("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'"));
  snapshot.last_event = static_cast<uint64_t>(last);
  return snapshot;
}

Result<std::vector<Event>> SqliteStore::commit(const Changes& changes) {
  const std::lock_guard lock(mutex_);
  if (!database_) return not_loaded();
  Result<std::vector<Event>> committed = commit_locked(*database_, changes);
  if (committed && !in_use_) {
    // The change is made; a mark that cannot be written only protects less.
    in_use_ = files_.mark_in_use().ok();
  }
  if (committed) return committed;
  // This connection believes that the change was rolled back, the file may say otherwise. Closed,
  // it either drops the change from the log or leaves it for the next connection to find: from then
  // on every reader sees the same.
  if (committed.error().code == Code::OutcomeUnknown) close();
  return named(committed.error());
}

Result<std::vector<Event>> SqliteStore::commit_locked(Database& database, const Changes& changes) {
  if (changes.empty()) return std::vector<Event>();
  // Otherwise everything would go well until the next start finds another file, or none.
  if (database.moved()) {
    return internal("was removed or replaced while the coordinator has it open",
                    "put the file back and start the coordinator again");
  }
  CDB_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database));
  CDB_TRY(put_resources(database, changes));
  CDB_TRY(put_clusters(database, changes));
  CDB_TRY(put_operations(database, changes));
  CDB_ASSIGN_OR_RETURN(std::vector<Event> events,
                       append_events(database, changes.events, keep_events_));
  CDB_TRY(transaction.commit());
  return events;
}

Result<std::vector<Event>> SqliteStore::events(const EventQuery& query) {
  const std::lock_guard lock(mutex_);
  if (!database_) return not_loaded();
  Result<std::vector<Event>> found = events_locked(*database_, query);
  if (!found) return named(found.error());
  return found;
}

Result<std::vector<Event>> SqliteStore::events_locked(Database& database, const EventQuery& query) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  const uint64_t limit = std::min<uint64_t>(query.limit, kMost);
  const uint64_t after = std::min<uint64_t>(query.after, kMost);
  CDB_ASSIGN_OR_RETURN(
      Statement select,
      database.prepare(
          std::string("SELECT sequence, time_us, namespace, cluster, node, type, severity, message "
                      "FROM events WHERE ") +
          (query.cluster ? "namespace = ? AND cluster = ? AND " : "") +
          "sequence > ? ORDER BY sequence DESC LIMIT ?"));
  if (query.cluster) {
    select.with(query.cluster->name_space, query.cluster->name, after, limit);
  } else {
    select.with(after, limit);
  }
  std::vector<Event> found;
  for (;;) {
    CDB_ASSIGN_OR_RETURN(const bool more, select.row());
    if (!more) break;
    const Result<Severity> severity = parse_severity(select.text(6));
    if (!severity) {
      return internal("holds an event that cannot be read: " + severity.error().message,
                      "restore it from a backup");
    }
    found.push_back({.sequence = static_cast<uint64_t>(select.integer(0)),
                     .time = WallTime(std::chrono::microseconds(select.integer(1))),
                     .cluster = {select.text(2), select.text(3)},
                     .node = select.text(4),
                     .type = select.text(5),
                     .severity = *severity,
                     .message = select.text(7)});
  }
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace cdb::coordinator
