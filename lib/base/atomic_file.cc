#include "lib/base/atomic_file.h"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/unique_fd.h"

namespace cdb {
namespace {

Status write_all(int fd, std::string_view content, const std::string& name) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return from_errno("write " + name, errno);
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Result<std::string> read_from(const std::filesystem::path& path, off_t offset) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return from_errno("open " + path.string(), errno);
  if (offset > 0 && ::lseek(fd.get(), offset, SEEK_SET) < 0) {
    return from_errno("seek " + path.string(), errno);
  }
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0) {
      if (errno == EINTR) continue;
      return from_errno("read " + path.string(), errno);
    }
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
  }
}

}  // namespace

Status write_file_atomically(const std::filesystem::path& path, std::string_view content,
                             mode_t mode) {
  const std::string temporary = path.string() + ".tmp";
  {
    // Removed first: an old temporary may have another mode, and O_CREAT would keep it.
    ::unlink(temporary.c_str());
    const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!fd) return from_errno("create " + temporary, errno);
    Status written = write_all(fd.get(), content, temporary);
    if (written && ::fchmod(fd.get(), mode) != 0) written = from_errno("chmod " + temporary, errno);
    if (written && ::fsync(fd.get()) != 0) written = from_errno("fsync " + temporary, errno);
    if (!written) {
      ::unlink(temporary.c_str());
      return written;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return from_errno("rename " + temporary, error);
  }
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const UniqueFd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return from_errno("open " + parent.string(), errno);
  if (::fsync(directory.get()) != 0) return from_errno("fsync " + parent.string(), errno);
  return {};
}

Result<std::string> read_file(const std::filesystem::path& path) {
  return read_from(path, 0);
}

Result<std::string> read_file_tail(const std::filesystem::path& path, size_t max_bytes) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return from_errno("stat " + path.string(), errno);
  const auto limit = static_cast<off_t>(max_bytes);
  if (info.st_size <= limit) return read_from(path, 0);
  CDB_ASSIGN_OR_RETURN(std::string tail, read_from(path, info.st_size - limit));
  const size_t line = tail.find('\n');
  return line == std::string::npos ? tail : tail.substr(line + 1);
}

}  // namespace cdb
