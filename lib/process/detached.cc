#include "lib/process/detached.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/unique_fd.h"

namespace cdb::process {
namespace {

// What a service manager says to us alone: a server that answered on NOTIFY_SOCKET would speak in
// our name.
constexpr std::array<std::string_view, 8> kOurs{
    "NOTIFY_SOCKET=", "WATCHDOG_PID=",   "WATCHDOG_USEC=", "LISTEN_PID=",
    "LISTEN_FDS=",    "LISTEN_FDNAMES=", "INVOCATION_ID=", "JOURNAL_STREAM="};

// All that the forked processes touch, made before the fork: after it only async-signal-safe calls
// are allowed, since another thread may have held any lock.
struct Launch {
  const char* path{nullptr};
  char* const* argv{nullptr};
  char* const* environment{nullptr};
  int input{-1};
  int output{-1};
  int gate{-1};      // ours: a byte lets the program go, the end of the stream ends it
  int gate_far{-1};  // its side
  int news{-1};      // its side: the program's pid, then the errno of a failed exec
};

struct Words {
  explicit Words(std::vector<std::string> words) : strings(std::move(words)) {
    pointers.reserve(strings.size() + 1);
    for (std::string& word : strings)
      pointers.push_back(word.data());
    pointers.push_back(nullptr);
  }
  std::vector<std::string> strings;
  std::vector<char*> pointers{};
};

std::vector<std::string> environment_for_others() {
  std::vector<std::string> result;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const bool ours = std::any_of(kOurs.begin(), kOurs.end(), [text](std::string_view name) {
      return text.substr(0, name.size()) == name;
    });
    if (!ours) result.emplace_back(text);
  }
  return result;
}

void tell(int fd, int number) {
  while (::write(fd, &number, sizeof number) < 0 && errno == EINTR) {
  }
}

// 0 at the end of the stream, -1 on an error.
ssize_t hear(int fd, void* into, size_t size) {
  ssize_t got = 0;
  do {
    got = ::read(fd, into, size);
  } while (got < 0 && errno == EINTR);
  return got;
}

[[noreturn]] void become_program(const Launch& launch) {
  // Closed here, or the end of the stream would never come while we ourselves hold the other end.
  ::close(launch.gate);
  char go = 0;
  if (hear(launch.gate_far, &go, 1) != 1) ::_exit(0);
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  for (int signal = 1; signal < NSIG; ++signal)
    ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::dup2(launch.input, STDIN_FILENO) >= 0 && ::dup2(launch.output, STDOUT_FILENO) >= 0 &&
      ::dup2(launch.output, STDERR_FILENO) >= 0 && ::chdir("/") == 0) {
    ::execve(launch.path, launch.argv, launch.environment);
  }
  tell(launch.news, errno);
  ::_exit(127);
}

// The process between us and the program: its end makes the program an orphan.
[[noreturn]] void detach(const Launch& launch) {
  ::setsid();
  const pid_t pid = ::_Fork();
  if (pid == 0) become_program(launch);
  tell(launch.news, pid > 0 ? pid : -errno);
  ::_exit(0);
}

Error failed(const std::string& path, int errno_value) {
  return from_errno("start " + path, errno_value);
}

}  // namespace

Result<Identity> start_detached(const Detached& program,
                                const std::function<Status(const Identity&)>& record) {
  const std::string path = program.path.string();
  const UniqueFd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd output(
      ::open(program.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!input || !output) return from_errno("open " + program.output.string(), errno);
  std::array<int, 2> gate_ends{};
  std::array<int, 2> news_ends{};
  // A socket, because send() to a dead peer can be told not to raise SIGPIPE.
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate_ends.data()) != 0) {
    return failed(path, errno);
  }
  const UniqueFd gate(gate_ends[0]);
  UniqueFd gate_far(gate_ends[1]);
  if (::pipe2(news_ends.data(), O_CLOEXEC) != 0) return failed(path, errno);
  const UniqueFd news(news_ends[0]);
  UniqueFd news_far(news_ends[1]);

  std::vector<std::string> arguments{path};
  arguments.insert(arguments.end(), program.arguments.begin(), program.arguments.end());
  const Words words(std::move(arguments));
  const Words environment(environment_for_others());
  const Launch launch{path.c_str(),   words.pointers.data(), environment.pointers.data(),
                      input.get(),    output.get(),          gate.get(),
                      gate_far.get(), news_far.get()};
  const pid_t between = ::_Fork();
  if (between < 0) return failed(path, errno);
  if (between == 0) detach(launch);
  gate_far.reset();
  news_far.reset();

  int pid = 0;
  const bool heard = hear(news.get(), &pid, sizeof pid) == static_cast<ssize_t>(sizeof pid);
  while (::waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (!heard || pid <= 0) return failed(path, heard ? -pid : EIO);

  auto identity = identify(pid);
  if (!identity) return identity.error().in("start " + path);
  // From here on a return without the byte closes the gate, and the program ends unstarted.
  CDB_TRY(record(*identity));
  const char go = 1;
  if (::send(gate.get(), &go, 1, MSG_NOSIGNAL) != 1) return failed(path, errno);
  int exec_errno = 0;
  if (hear(news.get(), &exec_errno, sizeof exec_errno) > 0) return failed(path, exec_errno);
  return identity;
}

}  // namespace cdb::process
