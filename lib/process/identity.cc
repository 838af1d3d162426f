#include "lib/process/identity.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "lib/process/pidfd.h"

namespace cdb::process {
namespace {

Error gone(pid_t pid) {
  return not_found("process " + std::to_string(pid) + " is gone");
}

template <typename Number>
bool parse_number(const std::string& text, Number& number, int base = 10) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number, base);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

struct Stat {
  bool ended{false};  // nothing is left of it but an entry in the process table
  bool suspended{false};
  bool exiting{false};  // its main thread is, which a server's does last of all its own will
  pid_t parent{0};
  uint64_t start_ticks{0};
};

Result<Stat> read_stat(pid_t pid) {
  if (pid <= 0) return gone(pid);
  const auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
  // A process that ends between open and read gives ESRCH.
  if (!text) return gone(pid);
  // "pid (name) state ...": the name may hold anything, brackets and blanks too.
  const size_t name_end = text->rfind(')');
  if (name_end == std::string::npos)
    return internal("unreadable stat of pid " + std::to_string(pid));
  const auto fields = split(trim(std::string_view(*text).substr(name_end + 1)), ' ');
  constexpr size_t kState = 3 - 3;
  constexpr size_t kParent = 4 - 3;
  constexpr size_t kFlags = 9 - 3;
  constexpr size_t kThreads = 20 - 3;
  constexpr size_t kStart = 22 - 3;
  Stat stat;
  constexpr unsigned long kExiting = 0x4;      // PF_EXITING
  constexpr unsigned long kSignalled = 0x400;  // PF_SIGNALED
  long threads = 0;
  unsigned long flags = 0;
  if (fields.size() <= kStart || !parse_number(fields[kThreads], threads) ||
      !parse_number(fields[kFlags], flags) || !parse_number(fields[kParent], stat.parent) ||
      !parse_number(fields[kStart], stat.start_ticks)) {
    return internal("unreadable stat of pid " + std::to_string(pid));
  }
  // The main thread of a dying process is a zombie while others still hold its files and memory:
  // the process is gone only when it is the last one.
  const bool zombie = fields[kState] == "Z" || fields[kState] == "X";
  stat.suspended = fields[kState] == "T" || fields[kState] == "t";
  stat.ended = zombie && threads <= 1;
  stat.exiting = zombie || (flags & (kExiting | kSignalled)) != 0;
  return stat;
}

// Whether SIGKILL waits for the main thread: nothing can take it back.
bool kill_pending(pid_t pid) {
  const auto status = read_file("/proc/" + std::to_string(pid) + "/status");
  if (!status) return false;
  constexpr uint64_t kKill = uint64_t{1} << (SIGKILL - 1U);
  for (const std::string& line : split(*status, '\n')) {
    if (line.rfind("SigPnd:", 0) != 0 && line.rfind("ShdPnd:", 0) != 0) continue;
    uint64_t mask = 0;
    if (parse_number(std::string(trim(line.substr(7))), mask, 16) && (mask & kKill) != 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string boot_id() {
  const auto content = read_file("/proc/sys/kernel/random/boot_id");
  return content ? std::string(trim(*content)) : std::string();
}

Result<Identity> identify(pid_t pid) {
  CDB_ASSIGN_OR_RETURN(const Stat stat, read_stat(pid));
  if (stat.ended) return gone(pid);
  return Identity{pid, stat.start_ticks, boot_id()};
}

void reap(const Identity& identity) {
  const auto stat = read_stat(identity.pid);
  if (!stat || !stat->ended || stat->start_ticks != identity.start_ticks) return;
  if (stat->parent == ::getpid()) ::waitpid(identity.pid, nullptr, WNOHANG);
}

bool alive(const Identity& identity) {
  const auto current = identify(identity.pid);
  return current && *current == identity;
}

bool ending(const Identity& identity) {
  if (!alive(identity)) return true;
  const auto stat = read_stat(identity.pid);
  return !stat || stat->exiting || kill_pending(identity.pid);
}

bool suspended(const Identity& identity) {
  const auto stat = read_stat(identity.pid);
  return stat && stat->start_ticks == identity.start_ticks && stat->suspended;
}

Result<UniqueFd> open(const Identity& identity) {
  if (identity.pid <= 0) return gone(identity.pid);
  UniqueFd fd(::pidfd_open(identity.pid, 0));
  if (!fd) {
    if (errno == ESRCH || errno == EINVAL) return gone(identity.pid);
    return from_errno("open a pidfd of process " + std::to_string(identity.pid), errno);
  }
  // The descriptor holds whatever had the pid at that moment; if the start time still agrees now,
  // it was the right process then.
  if (!alive(identity)) return gone(identity.pid);
  return fd;
}

Status send_signal(const Identity& identity, int signal) {
  CDB_ASSIGN_OR_RETURN(const UniqueFd fd, open(identity));
  if (::pidfd_send_signal(fd.get(), signal, nullptr, 0) == 0) return {};
  if (errno == ESRCH) return gone(identity.pid);
  return from_errno("signal process " + std::to_string(identity.pid), errno);
}

Status write_identity(const std::filesystem::path& path, const Identity& identity) {
  const nlohmann::json json{
      {"pid", identity.pid}, {"start_ticks", identity.start_ticks}, {"boot_id", identity.boot_id}};
  return write_file_atomically(path, json.dump() + "\n");
}

Result<Identity> read_identity(const std::filesystem::path& path) {
  CDB_ASSIGN_OR_RETURN(const std::string content, read_file(path));
  const auto json = nlohmann::json::parse(content, nullptr, false);
  const auto has = [&json](const char* key, bool (nlohmann::json::*is)() const noexcept) {
    return json.contains(key) && (json.at(key).*is)();
  };
  if (!json.is_object() || !has("pid", &nlohmann::json::is_number_unsigned) ||
      !has("start_ticks", &nlohmann::json::is_number_unsigned) ||
      !has("boot_id", &nlohmann::json::is_string)) {
    return invalid(path.string() + " does not name a process", "it is damaged: remove it");
  }
  Identity identity;
  identity.pid = json.at("pid").get<pid_t>();
  identity.start_ticks = json.at("start_ticks").get<uint64_t>();
  identity.boot_id = json.at("boot_id").get<std::string>();
  if (identity.pid <= 0) return invalid(path.string() + " does not name a process");
  return identity;
}

}  // namespace cdb::process
