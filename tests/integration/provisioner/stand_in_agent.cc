// Stands in for mysqllet, and for mysqld too: stand_in_agent --config FILE. What it does besides
// living is read from <root>/behaviour: "live" (also when there is none), "exit N", "eat" (once,
// more memory than it may have), "serve" and "serve-unmarked" (a server that outlives it, in the
// second case without a trace of the instance in its environment).

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/file_lock.h"
#include "lib/base/text.h"
#include "lib/process/identity.h"

namespace {

namespace fs = std::filesystem;

// The value of `key = "value"` in the configuration.
std::string value_of(const std::string& config, const std::string& key) {
  for (const std::string& line : cdb::split(config, '\n')) {
    const std::string start = key + " = \"";
    if (line.compare(0, start.size(), start) != 0) continue;
    return line.substr(start.size(), line.size() - start.size() - 1);
  }
  return {};
}

void append_line(const fs::path& file, const std::string& line) {
  std::ofstream(file, std::ios::app) << line << std::endl;
}

int serve(const fs::path& identity_file) {
  // As deaf as a mysqld whose clients wait.
  ::signal(SIGTERM, SIG_IGN);
  const auto self = cdb::process::identify(::getpid());
  if (!self || !cdb::process::write_identity(identity_file, *self)) return 1;
  for (;;)
    ::pause();
}

void start_server(const std::string& self, const fs::path& data_dir, const fs::path& state_dir,
                  bool marked) {
  const auto before = cdb::process::read_identity(state_dir / "server.json");
  if (before && cdb::process::alive(*before)) return;
  const pid_t middle = ::fork();
  if (middle > 0) {
    ::waitpid(middle, nullptr, 0);
    return;
  }
  ::setsid();
  if (::fork() > 0) ::_exit(0);
  const std::string data = "--datadir=" + data_dir.string();
  const std::string file = "--identity=" + (state_dir / "server.json").string();
  if (marked) {
    ::execl(self.c_str(), "mysqld", data.c_str(), file.c_str(), nullptr);
  } else {
    char* const none[] = {nullptr};
    ::execle(self.c_str(), "mysqld", data.c_str(), file.c_str(), nullptr, none);
  }
  ::_exit(127);
}

void eat(const fs::path& state_dir) {
  if (fs::exists(state_dir / "eaten")) return;
  append_line(state_dir / "eaten", "once");
  std::vector<std::string> food;
  for (int i = 0; i < 256; ++i)
    food.emplace_back(size_t{1} << 20U, 'x');
  append_line(state_dir / "eaten", "survived");
}

int live(const std::string& self, const fs::path& config_file) {
  const std::string config = cdb::read_file(config_file).value_or("");
  const fs::path state_dir = value_of(config, "state_dir");
  const auto lock = cdb::FileLock::try_acquire(state_dir / "agent.lock");
  if (!lock) return 75;
  append_line(state_dir / "starts", std::to_string(::getpid()));
  const auto behaviour =
      cdb::read_file(config_file.parent_path().parent_path() / "behaviour").value_or("live");
  if (behaviour.compare(0, 5, "exit ") == 0) return std::atoi(behaviour.c_str() + 5);
  if (behaviour == "eat") eat(state_dir);
  if (behaviour.compare(0, 5, "serve") == 0) {
    start_server(self, value_of(config, "data_dir"), state_dir, behaviour == "serve");
  }
  std::puts("up");
  std::fflush(stdout);
  for (;;)
    ::pause();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[0], "mysqld") == 0) return serve(std::strchr(argv[2], '=') + 1);
  if (argc != 3 || std::strcmp(argv[1], "--config") != 0) return 64;
  return live(argv[0], argv[2]);
}
