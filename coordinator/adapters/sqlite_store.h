#pragma once
// The StateStore in one SQLite file: WAL, synced at every commit, held by one process. Any thread;
// calls are serialised. Blocking: a commit takes one fsync.

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

#include "coordinator/adapters/sqlite_db.h"
#include "coordinator/adapters/store_files.h"
#include "coordinator/ports/state_store.h"

namespace cdb::coordinator {

struct SqliteStoreConfig {
  std::filesystem::path path{};
  uint64_t keep_events{100'000};  // the newest so many
};

class SqliteStore final : public StateStore {
 public:
  // Makes the store where there has never been one. Conflict: another process has it. Precondition:
  // it is missing or empty and should not be, is not ours, or was written by a newer coordinator.
  // Internal: it is damaged. All name the file and what to do.
  static Result<std::unique_ptr<SqliteStore>> open(const SqliteStoreConfig& config);

  ~SqliteStore() override;

  Result<Snapshot> load() override;
  // Unavailable when there is no space. After OutcomeUnknown every commit and query says
  // Precondition until load() has looked at what became of it.
  Result<std::vector<Event>> commit(const Changes& changes) override;
  Result<std::vector<Event>> events(const EventQuery& query) override;

 private:
  void close();
  SqliteStore(StoreFiles files, Database database, uint64_t keep_events)
      : files_(std::move(files)),
        database_(std::move(database)),
        keep_events_(keep_events),
        in_use_(files_.marked_in_use()) {}
  static Result<Snapshot> load_locked(Database& database);
  Result<std::vector<Event>> commit_locked(Database& database, const Changes& changes);
  static Result<std::vector<Event>> events_locked(Database& database, const EventQuery& query);
  // "state store /path " before the message.
  [[nodiscard]] Error named(const Error& error) const;
  [[nodiscard]] Error not_loaded() const;

  std::mutex mutex_{};
  StoreFiles files_;                  // before the database: its lock is the last thing to go
  std::optional<Database> database_;  // none after a commit whose outcome is unknown, until load()
  uint64_t keep_events_;
  bool in_use_{false};  // the mark of StoreFiles::mark_in_use() is there
};

}  // namespace cdb::coordinator
