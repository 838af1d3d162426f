#include "tests/support/guarded_directory.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <functional>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coordinator/adapters/address_pool.h"
#include "coordinator/adapters/memory_cgroup.h"
#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "lib/process/identity.h"
#include "tests/support/eventually.h"

namespace cdb::testing {
namespace {

namespace fs = std::filesystem;

std::vector<pid_t> processes_where(const std::function<bool(const std::string& proc)>& wanted) {
  std::vector<pid_t> pids;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || pid == ::getpid()) continue;
    if (!process::identify(pid)) continue;
    if (wanted(entry->path())) pids.push_back(pid);
  }
  return pids;
}

std::string content(const std::string& file) {
  return read_file(file).value_or("");
}

bool has_entry(const std::string& file, const std::string& wanted) {
  const auto entries = split(content(file), '\0');
  return std::find(entries.begin(), entries.end(), wanted) != entries.end();
}

}  // namespace

std::vector<pid_t> processes_with_argument(const std::string& argument) {
  return processes_where(
      [&argument](const std::string& proc) { return has_entry(proc + "/cmdline", argument); });
}

std::vector<pid_t> processes_with_variable(const std::string& name, const std::string& variable) {
  return processes_where([&](const std::string& proc) {
    return trim(content(proc + "/comm")) == name && has_entry(proc + "/environ", variable);
  });
}

GuardedDirectory::GuardedDirectory(std::vector<std::string> roots) : roots_(std::move(roots)) {
  // Short: sockets are made below it.
  std::string pattern = (fs::temp_directory_path() / "cdb-t-XXXXXX").string();
  CDB_INVARIANT(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
  fs::permissions(path_, fs::perms(0755));
  std::array<int, 2> ends{};
  CDB_INVARIANT(::pipe2(ends.data(), O_CLOEXEC) == 0);
  guardian_ = ::fork();
  CDB_INVARIANT(guardian_ >= 0);
  if (guardian_ == 0) {
    // Out of reach of whoever ends the test's process group, or all that have its name.
    ::setsid();
    for (const int ending : {SIGTERM, SIGINT, SIGHUP})
      ::signal(ending, SIG_IGN);
    ::close(ends[1]);
    char nothing = 0;
    while (::read(ends[0], &nothing, 1) < 0) {
    }
    clean_up();
    ::_exit(0);
  }
  ::close(ends[0]);
  alive_ = UniqueFd(ends[1]);
}

GuardedDirectory::~GuardedDirectory() {
  alive_.reset();
  ::waitpid(guardian_, nullptr, 0);
}

void GuardedDirectory::clean_up() const {
  const auto none_left = [this] {
    const auto left = processes();
    for (const pid_t pid : left)
      ::kill(pid, SIGKILL);
    return left.empty();
  };
  if (!eventually(none_left)) std::fprintf(stderr, "%s: processes stay behind\n", path_.c_str());
  for (const auto& link : reservations())
    ::unlink(link.c_str());
  for (const auto& cgroup : cgroups()) {
    eventually([&cgroup] { return ::rmdir(cgroup.c_str()) == 0 || errno == ENOENT; },
               std::chrono::seconds(5));
    ::rmdir(cgroup.parent_path().c_str());
    ::rmdir(cgroup.parent_path().parent_path().c_str());
  }
  std::error_code error;
  // Whatever a test mounted below it, the inner ones first.
  std::vector<std::string> mounts;
  for (const auto& line : split(content("/proc/self/mounts"), '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() > 1 && fields[1].rfind(path_.string() + "/", 0) == 0) {
      mounts.push_back(fields[1]);
    }
  }
  for (auto mount = mounts.rbegin(); mount != mounts.rend(); ++mount)
    ::umount2(mount->c_str(), MNT_DETACH);
  fs::remove_all(path_, error);
  if (error) std::fprintf(stderr, "%s: %s\n", path_.c_str(), error.message().c_str());
}

std::vector<pid_t> GuardedDirectory::processes() const {
  return processes_where([this](const std::string& proc) {
    return content(proc + "/cmdline").find(path_) != std::string::npos ||
           content(proc + "/environ").find(path_) != std::string::npos;
  });
}

std::vector<fs::path> GuardedDirectory::cgroups() const {
  std::vector<fs::path> found;
  const auto hierarchy = coordinator::find_memory_hierarchy(content("/proc/self/mountinfo"));
  if (!hierarchy) return found;
  std::error_code error;
  for (const auto& root : roots_) {
    const auto hash = coordinator::stable_hash((path_ / root).string());
    const auto group = hierarchy->path / "cdb" / fmt::format("{:016x}", hash);
    for (fs::directory_iterator entry(group, error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->is_directory()) found.push_back(entry->path());
    }
  }
  return found;
}

std::vector<fs::path> GuardedDirectory::reservations() const {
  std::vector<fs::path> found;
  std::error_code error;
  const auto shared = coordinator::AddressPool::default_reservations();
  for (fs::directory_iterator entry(shared, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code no_link;
    const auto target = fs::read_symlink(entry->path(), no_link);
    if (!no_link && target.string().rfind(path_.string() + "/", 0) == 0) {
      found.push_back(entry->path());
    }
  }
  return found;
}

}  // namespace cdb::testing
