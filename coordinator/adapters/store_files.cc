#include "coordinator/adapters/store_files.h"

#include <cerrno>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/text.h"

namespace cdb::coordinator {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kOwnerOnly = 0600;

// None: no such file.
Result<std::optional<uintmax_t>> size_of(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return std::optional<uintmax_t>();
    return from_errno("stat " + path.string(), errno);
  }
  return std::optional<uintmax_t>(static_cast<uintmax_t>(info.st_size));
}

Status make_private_directory(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  if (path.has_parent_path()) CDB_TRY(make_private_directory(path.parent_path()));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return from_errno("create directory " + path.string(), errno);
  }
  return {};
}

Status sync_path(const fs::path& path, int flags) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!fd) return from_errno("open " + path.string(), errno);
  if (::fsync(fd.get()) != 0) return from_errno("fsync " + path.string(), errno);
  return {};
}

Error lock_refused(const fs::path& database, const fs::path& lock) {
  const Result<std::string> holder = read_file(lock);
  const std::string pid = holder ? std::string(trim(*holder)) : std::string();
  return conflict("state store " + database.string() + " is in use by another process" +
                      (pid.empty() ? "" : " (pid " + pid + ")"),
                  "stop the other coordinator, or give this one a store of its own");
}

}  // namespace

Result<StoreFiles> StoreFiles::lock(const fs::path& path) {
  std::error_code error;
  // One file has one lock, by whatever links it is reached.
  const fs::path database = fs::weakly_canonical(path, error);
  if (error || !database.has_filename()) {
    return invalid("'" + path.string() + "' is not a path for the state store");
  }
  CDB_TRY(make_private_directory(database.parent_path()));
  const fs::path name = database.string() + ".lock";
  UniqueFd fd(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly));
  if (!fd) return from_errno("open " + name.string(), errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return lock_refused(database, name);
    return from_errno("lock " + name.string(), errno);
  }
  // For the message to whoever comes second; the lock does not depend on it.
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    log::warn("store.lock_unsigned", "file={} problem=\"{}\"", name.string(),
              from_errno("write", errno).message);
  }
  return StoreFiles(database, std::move(fd));
}

fs::path StoreFiles::with(const char* suffix) const {
  return database_.string() + suffix;
}

Result<fs::path> StoreFiles::draft() const {
  for (const char* suffix : {".new", ".new-journal"}) {
    if (::unlink(with(suffix).c_str()) != 0 && errno != ENOENT) {
      return from_errno("remove " + with(suffix).string(), errno);
    }
  }
  const fs::path draft = with(".new");
  const UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
  if (!fd) return from_errno("create " + draft.string(), errno);
  return draft;
}

Result<bool> StoreFiles::fresh() const {
  CDB_ASSIGN_OR_RETURN(const auto database, size_of(database_));
  CDB_ASSIGN_OR_RETURN(const auto marker, size_of(with(".initialized")));
  CDB_ASSIGN_OR_RETURN(const bool log_file, has_log());
  const std::string name = "state store " + database_.string();
  const std::string restore =
      "restore it from a backup; to start anew and forget every cluster, remove " +
      database_.string() + "*";
  if (database && *database == 0) {
    return precondition(name + " is an empty file" + (marker ? ", but held a state before" : ""),
                        restore);
  }
  CDB_ASSIGN_OR_RETURN(const auto in_use, size_of(with(".in_use")));
  if (database && in_use && !log_file) {
    return precondition(
        name + " lacks its log " + with("-wal").string() + ", which held the newest changes",
        "put the log back; if the file is a whole backup, remove " + with(".in_use").string());
  }
  if (database) return false;
  if (marker) return precondition(name + " is missing, but was there before", restore);
  if (log_file) {
    return precondition(name + " is missing, but its log " + with("-wal").string() + " is there",
                        restore);
  }
  return true;
}

Result<bool> StoreFiles::has_log() const {
  CDB_ASSIGN_OR_RETURN(const auto size, size_of(with("-wal")));
  return size.value_or(0) > 0;
}

Status StoreFiles::publish(const fs::path& draft) const {
  CDB_TRY(sync_path(draft, 0));
  if (::rename(draft.c_str(), database_.c_str()) != 0) {
    return from_errno("rename " + draft.string(), errno);
  }
  return sync_path(database_.parent_path(), O_DIRECTORY);
}

Status StoreFiles::mark_initialized() const {
  const fs::path marker = with(".initialized");
  CDB_ASSIGN_OR_RETURN(const auto present, size_of(marker));
  if (present) return {};
  return write_file_atomically(marker,
                               "The state store beside this file was initialised at " +
                                   to_rfc3339(SystemClock().wall()) +
                                   ".\nWhile this file is here the coordinator refuses to start "
                                   "without that store.\n",
                               kOwnerOnly);
}

Status StoreFiles::mark_in_use() const {
  return write_file_atomically(with(".in_use"), "", kOwnerOnly);
}

bool StoreFiles::marked_in_use() const {
  return ::access(with(".in_use").c_str(), F_OK) == 0;
}

void StoreFiles::clear_in_use() const {
  // Left behind, it only asks for a log that is still there.
  ::unlink(with(".in_use").c_str());
}

Status StoreFiles::restrict_mode() const {
  struct stat info {};
  if (::stat(database_.c_str(), &info) != 0) {
    return from_errno("stat " + database_.string(), errno);
  }
  if ((info.st_mode & 07777) == kOwnerOnly) return {};
  log::warn("store.mode_tightened", "file={} mode={:o}", database_.string(), info.st_mode & 07777U);
  if (::chmod(database_.c_str(), kOwnerOnly) != 0) {
    return from_errno("chmod " + database_.string(), errno);
  }
  return {};
}

}  // namespace cdb::coordinator
