#pragma once
// The files around the database of a state store: the lock that keeps a second coordinator out, and
// the marker that tells a lost database from one that never was. Blocking; one thread.
//   state.db              the database (SQLite adds -wal and -shm)
//   state.db.lock         held with flock while in use; the kernel releases it with the process
//   state.db.initialized  written once, after the first database was complete
//   state.db.in_use       there while changes may stand in state.db-wal alone

#include <filesystem>

#include "lib/base/result.h"
#include "lib/base/unique_fd.h"

namespace cdb::coordinator {

class StoreFiles {
 public:
  // Makes the directory (0700) where it is missing and takes the lock. Conflict, with the other's
  // pid, when another process has it.
  static Result<StoreFiles> lock(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& database() const { return database_; }
  // Where a new database is prepared; whatever an earlier attempt left there is removed.
  [[nodiscard]] Result<std::filesystem::path> draft() const;
  // True: a database is to be made. False: there is one to be opened. Precondition where there
  // should be one and is not: the state is never started from nothing by accident.
  [[nodiscard]] Result<bool> fresh() const;
  // Whether changes may stand in the log that are not yet in the database.
  [[nodiscard]] Result<bool> has_log() const;
  // The finished draft becomes the database, which survives a crash from here on.
  [[nodiscard]] Status publish(const std::filesystem::path& draft) const;
  // Writes the marker where it is missing.
  [[nodiscard]] Status mark_initialized() const;
  // After the first commit of a connection: from now on the log belongs to the database. A start
  // that finds this mark and no log is refused by fresh().
  [[nodiscard]] Status mark_in_use() const;
  [[nodiscard]] bool marked_in_use() const;
  // Before the connection is closed, which brings the log home.
  void clear_in_use() const;
  // Only the owner may read: it holds credentials.
  [[nodiscard]] Status restrict_mode() const;

 private:
  StoreFiles(std::filesystem::path database, UniqueFd held)
      : database_(std::move(database)), lock_(std::move(held)) {}
  [[nodiscard]] std::filesystem::path with(const char* suffix) const;

  std::filesystem::path database_;
  UniqueFd lock_;
};

}  // namespace cdb::coordinator
