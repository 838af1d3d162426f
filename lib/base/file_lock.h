#pragma once
// A lock on a file that ends with its holder: the kernel lets go of it when the process dies,
// however it dies. Between processes and between threads alike; move only.

#include <filesystem>

#include <sys/types.h>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/base/unique_fd.h"

namespace cdb {

class FileLock {
 public:
  FileLock() = default;
  // Makes the file where there is none (its directory must exist). Conflict when somebody holds it.
  static Result<FileLock> try_acquire(const std::filesystem::path& path, mode_t mode = 0600);
  // Looks again every few milliseconds: the kernel tells nobody of a lock that was let go. Deadline
  // when it stays held.
  static Result<FileLock> acquire(const std::filesystem::path& path, Deadline deadline,
                                  mode_t mode = 0600);
  // Whether somebody holds it, without taking it; false where there is no such file.
  static Result<bool> is_held(const std::filesystem::path& path);

  // Whether the locked file is still the one of that path: false once it was removed or replaced.
  [[nodiscard]] bool still_at(const std::filesystem::path& path) const;
  explicit operator bool() const { return static_cast<bool>(fd_); }

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_{};
};

}  // namespace cdb
