#include "cli/password_file.h"

#include <cerrno>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/unique_fd.h"

namespace cdb::cli {
namespace {

// A value of an option file, where backslashes start escapes and # a comment.
std::string quoted(const std::string& value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
    } else if (c == '\\') {
      text += "\\\\";
    } else {
      text += c;
    }
  }
  return text + "\"";
}

}  // namespace

std::string option_text(const std::string& user, const Secret& password,
                        const std::filesystem::path& own) {
  std::string text;
  std::error_code error;
  if (!own.empty() && std::filesystem::is_regular_file(own, error) &&
      ::access(own.c_str(), R_OK) == 0) {
    text += fmt::format("!include {}\n", own.string());
  }
  return text +
         fmt::format("[client]\nuser={}\npassword={}\n", quoted(user), quoted(password.reveal()));
}

Result<std::string> password_in_memory(const std::string& text) {
  // Not closed on exec: the client reads it. Its mode matters: clients ignore what anyone may
  // write.
  UniqueFd fd(::memfd_create("cdb-client-options", 0));
  if (!fd) return from_errno("option file in memory", errno);
  if (::fchmod(fd.get(), 0600) != 0) return from_errno("option file in memory", errno);
  for (size_t written = 0; written < text.size();) {
    const ssize_t n = ::write(fd.get(), text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return from_errno("option file in memory", errno);
    written += static_cast<size_t>(n);
  }
  return fmt::format("/proc/self/fd/{}", fd.release());
}

Result<std::filesystem::path> password_on_disk(const std::filesystem::path& folder,
                                               const std::string& name, const std::string& text) {
  std::error_code error;
  std::filesystem::create_directories(folder.parent_path(), error);
  if (error) return internal(fmt::format("{}: {}", folder.parent_path().string(), error.message()));
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return from_errno(folder.string(), errno);
  }
  struct stat found {};
  if (::lstat(folder.c_str(), &found) != 0) return from_errno(folder.string(), errno);
  if (!S_ISDIR(found.st_mode) || found.st_uid != ::geteuid() || (found.st_mode & 077) != 0) {
    return precondition(fmt::format("{} is not a folder that only you can read", folder.string()),
                        fmt::format("chmod 700 {}, or remove it", folder.string()));
  }
  const std::filesystem::path path = folder / name;
  CDB_TRY(write_file_atomically(path, text, 0600));
  return path;
}

}  // namespace cdb::cli
