#include "tests/integration/provisioner/playground.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "lib/process/identity.h"

namespace cdb::coordinator {
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

void write_server(const fs::path& path, const std::string& version) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << "#!/bin/sh\necho \"$0  Ver " << version
                      << " for Linux on x86_64 (test)\"\n";
  fs::permissions(path, fs::perms::owner_all);
}

}  // namespace

std::vector<pid_t> processes_with_argument(const std::string& argument) {
  return processes_where([&argument](const std::string& proc) {
    const auto arguments = split(content(proc + "/cmdline"), '\0');
    return std::find(arguments.begin(), arguments.end(), argument) != arguments.end();
  });
}

bool eventually(const std::function<bool()>& holds, std::chrono::seconds time) {
  const Deadline deadline = Deadline::after(time);
  while (!holds()) {
    if (deadline.passed()) return false;
    ::poll(nullptr, 0, 10);
  }
  return true;
}

Playground::Playground() {
  std::string pattern = (fs::temp_directory_path() / "cdb-prov-XXXXXX").string();
  CDB_INVARIANT(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
  fs::permissions(path_, fs::perms(0755));
  std::array<int, 2> ends{};
  CDB_INVARIANT(::pipe2(ends.data(), O_CLOEXEC) == 0);
  guardian_ = ::fork();
  CDB_INVARIANT(guardian_ >= 0);
  if (guardian_ == 0) {
    // Out of reach of whoever ends the test's process group.
    ::setsid();
    ::close(ends[1]);
    char nothing = 0;
    while (::read(ends[0], &nothing, 1) < 0) {
    }
    clean_up();
    ::_exit(0);
  }
  ::close(ends[0]);
  alive_ = UniqueFd(ends[1]);
  write_server(path_ / "servers/9.7/mysqld", "9.7.4");
  write_server(path_ / "servers/5.6/mysqld", "5.6.24");
}

Playground::~Playground() {
  alive_.reset();
  ::waitpid(guardian_, nullptr, 0);
}

void Playground::clean_up() const {
  const auto none_left = [this] {
    const auto left = processes();
    for (const pid_t pid : left)
      ::kill(pid, SIGKILL);
    return left.empty();
  };
  if (!eventually(none_left)) std::fputs("playground: processes stay behind\n", stderr);
  for (const auto& link : reservations())
    ::unlink(link.c_str());
  for (const auto& cgroup : cgroups()) {
    eventually([&cgroup] { return ::rmdir(cgroup.c_str()) == 0 || errno == ENOENT; },
               std::chrono::seconds(5));
    ::rmdir(cgroup.parent_path().c_str());
    ::rmdir(cgroup.parent_path().parent_path().c_str());
  }
  std::error_code error;
  for (fs::directory_iterator entry(path_, error), end; !error && entry != end;
       entry.increment(error)) {
    ::umount2(entry->path().c_str(), MNT_DETACH);
  }
  fs::remove_all(path_, error);
  if (error) std::fprintf(stderr, "playground: %s: %s\n", path_.c_str(), error.message().c_str());
}

LocalProvisionerConfig Playground::config(const std::string& root_name) const {
  LocalProvisionerConfig config;
  config.root = root(root_name);
  config.mysqld = {path_ / "servers/9.7/mysqld", path_ / "servers/5.6/mysqld"};
  const auto program = [](const char* variable) {
    const char* const path = std::getenv(variable);
    if (path != nullptr) return std::string(path);
    std::fprintf(stderr, "%s is not set: run ./test, or meson test\n", variable);
    std::exit(1);
  };
  config.mysqllet = program("CDB_TEST_STAND_IN_AGENT");
  config.instance_init = program("CDB_TEST_INSTANCE_INIT");
  config.coordinators = {"127.0.0.1:7400"};
  config.tuning_dir = path_ / "rules";
  return config;
}

void Playground::behave(const std::string& how, const std::string& root_name) const {
  fs::create_directories(root(root_name));
  CDB_INVARIANT(write_file_atomically(root(root_name) / "behaviour", how).ok());
}

std::vector<pid_t> Playground::processes() const {
  return processes_where([this](const std::string& proc) {
    return content(proc + "/cmdline").find(path_) != std::string::npos ||
           content(proc + "/environ").find(path_) != std::string::npos;
  });
}

std::vector<fs::path> Playground::cgroups() const {
  std::vector<fs::path> found;
  const auto hierarchy = find_memory_hierarchy(content("/proc/self/mountinfo"));
  if (!hierarchy) return found;
  std::error_code error;
  for (const char* name : {"r", "a", "b"}) {
    const auto group =
        hierarchy->path / "cdb" / fmt::format("{:016x}", stable_hash(root(name).string()));
    for (fs::directory_iterator entry(group, error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->is_directory()) found.push_back(entry->path());
    }
  }
  return found;
}

std::vector<fs::path> Playground::reservations() const {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(AddressPool::default_reservations(), error), end;
       !error && entry != end; entry.increment(error)) {
    std::error_code no_link;
    const auto target = fs::read_symlink(entry->path(), no_link);
    if (!no_link && target.string().compare(0, path_.string().size(), path_) == 0) {
      found.push_back(entry->path());
    }
  }
  return found;
}

}  // namespace cdb::coordinator
