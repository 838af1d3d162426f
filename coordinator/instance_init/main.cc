// cdb-instance-init --directory=DIR --agent=PROGRAM [--cgroup=DIR]
//
// Returns as soon as the instance's init is up in the background: exit code 0; 75 when one was
// there already; 64 for wrong usage; 1 with a line on standard error for anything else.

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coordinator/instance_init/agent_program.h"
#include "coordinator/instance_init/init.h"

namespace cdb::coordinator {
namespace {

constexpr int kExitUsage = 64;

int complain(const Error& error) {
  std::fprintf(stderr, "cdb-instance-init: %s\n", error.text().c_str());
  return 1;
}

bool take(std::string_view argument, std::string_view option, std::filesystem::path& value) {
  if (argument.substr(0, option.size()) != option) return false;
  value = argument.substr(option.size());
  return true;
}

bool parse(int argc, char** argv, InitOptions& options) {
  for (int i = 1; i < argc; ++i) {
    if (!take(argv[i], "--directory=", options.layout.directory) &&
        !take(argv[i], "--agent=", options.agent) && !take(argv[i], "--cgroup=", options.cgroup)) {
      return false;
    }
  }
  return options.layout.directory.is_absolute() && options.agent.is_absolute();
}

// In the background process: its answer to the one in front is a byte when it is up, else its exit.
int serve(const InitOptions& options, FileLock lock, UniqueFd answer) {
  ::setsid();
  ::umask(022);
  if (::chdir("/") != 0) return complain(from_errno("chdir /", errno));
  Init init(options, std::move(lock));
  const Status ready = init.prepare();
  if (!ready) return complain(ready.error());
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::close(null);
  // Whoever waits for the end of our output must not wait for us.
  append_output_to("/dev/null", STDOUT_FILENO);
  append_output_to(options.layout.init_log(), STDERR_FILENO);
  if (::write(answer.get(), "1", 1) != 1) return 1;
  answer.reset();
  return init.run();
}

int start(const InitOptions& options) {
  // Whoever started us may have left descriptors open: none of them is ours to keep alive.
  ::close_range(3, ~0U, 0);
  auto lock = FileLock::try_acquire(options.layout.init_lock(), 0644);
  if (!lock) return lock.error().code == Code::Conflict ? kExitLocked : complain(lock.error());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return complain(from_errno("pipe", errno));
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return complain(from_errno("fork", errno));
  if (pid == 0) {
    read_end.reset();
    return serve(options, std::move(lock).value(), std::move(write_end));
  }
  write_end.reset();
  char up = 0;
  ssize_t got = 0;
  do {
    got = ::read(read_end.get(), &up, 1);
  } while (got < 0 && errno == EINTR);
  if (got == 1) return 0;
  int wait_status = 0;
  ::waitpid(pid, &wait_status, 0);
  return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0 ? WEXITSTATUS(wait_status) : 1;
}

}  // namespace
}  // namespace cdb::coordinator

int main(int argc, char** argv) {
  cdb::coordinator::InitOptions options;
  if (!cdb::coordinator::parse(argc, argv, options)) {
    std::fputs("usage: cdb-instance-init --directory=DIR --agent=PROGRAM [--cgroup=DIR]\n", stderr);
    return cdb::coordinator::kExitUsage;
  }
  return cdb::coordinator::start(options);
}
