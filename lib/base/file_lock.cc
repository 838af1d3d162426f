#include "lib/base/file_lock.h"

#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

namespace cdb {
namespace {

// Without O_CREAT first: in a sticky directory Linux may refuse O_CREAT on another user's file.
Result<UniqueFd> open_or_create(const std::filesystem::path& path, mode_t mode) {
  for (;;) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (fd) return fd;
    if (errno != ENOENT) return from_errno("open " + path.string(), errno);
    fd = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (fd) {
      // The mode as asked for, whatever the umask.
      if (::fchmod(fd.get(), mode) != 0) return from_errno("chmod " + path.string(), errno);
      return fd;
    }
    if (errno != EEXIST) return from_errno("create " + path.string(), errno);
  }
}

// Of the open file, not of the process: closing another descriptor of the same file, as classic
// POSIX locks have it, does not let go.
struct flock whole_file() {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return range;
}

}  // namespace

Result<FileLock> FileLock::try_acquire(const std::filesystem::path& path, mode_t mode) {
  for (;;) {
    CDB_ASSIGN_OR_RETURN(UniqueFd fd, open_or_create(path, mode));
    struct flock range = whole_file();
    if (::fcntl(fd.get(), F_OFD_SETLK, &range) != 0) {
      if (errno == EAGAIN || errno == EACCES) return conflict(path.string() + " is locked");
      return from_errno("lock " + path.string(), errno);
    }
    FileLock lock(std::move(fd));
    // Its last holder may have removed it between our open and our lock.
    if (lock.still_at(path)) return lock;
  }
}

Result<FileLock> FileLock::acquire(const std::filesystem::path& path, Deadline deadline,
                                   mode_t mode) {
  for (;;) {
    auto lock = try_acquire(path, mode);
    if (lock || lock.error().code != Code::Conflict) return lock;
    if (deadline.passed()) return deadline_exceeded(path.string() + " stays locked");
    ::poll(nullptr, 0, 5);
  }
}

Result<bool> FileLock::is_held(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return from_errno("open " + path.string(), errno);
  }
  struct flock range = whole_file();
  if (::fcntl(fd.get(), F_OFD_GETLK, &range) != 0)
    return from_errno("look at " + path.string(), errno);
  return range.l_type != F_UNLCK;
}

bool FileLock::still_at(const std::filesystem::path& path) const {
  struct stat ours {};
  struct stat there {};
  return ::fstat(fd_.get(), &ours) == 0 && ::lstat(path.c_str(), &there) == 0 &&
         ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

}  // namespace cdb
