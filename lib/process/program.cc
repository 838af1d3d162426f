#include "lib/process/program.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <exception>
#include <string_view>

#include <boost/process/child.hpp>
#include <boost/process/error.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/search_path.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/unique_fd.h"
#include "lib/process/pidfd.h"

namespace cdb::process {
namespace {

namespace bp = boost::process;

constexpr size_t kMaxOutputBytes = 16U << 20U;
constexpr Duration kTimeToDie = std::chrono::seconds(5);

// What happens between fork and exec: a group of its own, our three descriptors and no other, no
// blocked signals. Only async-signal-safe calls: other threads may hold any lock at the fork.
struct ChildSetup : bp::extend::handler {
  const char* path{nullptr};
  char* const* argv{nullptr};
  char** environment{nullptr};
  int in{-1};
  int out{-1};
  int err{-1};

  // In place of bp::args, which reads beyond an empty argument.
  template <typename Executor>
  void on_setup(Executor& executor) const {
    executor.exe = path;
    executor.cmd_line = argv;
    executor.env = environment;
  }

  template <typename Executor>
  void on_exec_setup(Executor& /*executor*/) const {
    ::setpgid(0, 0);
    // Marks only: Boost.Process still needs its error pipe until the exec.
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    if (::dup2(in, STDIN_FILENO) < 0 || ::dup2(out, STDOUT_FILENO) < 0 ||
        ::dup2(err, STDERR_FILENO) < 0) {
      ::_exit(127);
    }
    ::signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
  }

  // Boost.Process 1.74 forgets the child whose exec failed: without this it stays a zombie.
  template <typename Executor>
  void on_error(Executor& executor, const std::error_code& /*error*/) const {
    if (executor.pid > 0) ::waitpid(executor.pid, nullptr, 0);
  }
};

struct Pipe {
  UniqueFd read{};
  UniqueFd write{};
};

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return from_errno("make a pipe", errno);
  Pipe made{UniqueFd(fds[0]), UniqueFd(fds[1])};
  if (::fcntl(made.read.get(), F_SETFL, O_NONBLOCK) != 0) return from_errno("make a pipe", errno);
  return made;
}

// The input as a file in memory: never on disk, and no writer that could block or get SIGPIPE.
Result<UniqueFd> make_input(const std::string& input) {
  UniqueFd fd(::memfd_create("input", MFD_CLOEXEC));
  if (!fd) return from_errno("make an input", errno);
  size_t done = 0;
  while (done < input.size()) {
    const ssize_t written = ::write(fd.get(), input.data() + done, input.size() - done);
    if (written < 0 && errno != EINTR) return from_errno("fill an input", errno);
    if (written > 0) done += static_cast<size_t>(written);
  }
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return from_errno("rewind an input", errno);
  return fd;
}

// Takes what is there, at most 1 MiB; closes the descriptor at its end.
Status drain(UniqueFd& fd, std::string& kept) {
  std::array<char, 65536> buffer{};
  for (int round = 0; fd && round < 16; ++round) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return {};
    if (got < 0) return from_errno("read a program's output", errno);
    if (got == 0) fd.reset();
    kept.append(buffer.data(), std::min(static_cast<size_t>(got), kMaxOutputBytes - kept.size()));
  }
  return {};
}

// A child that was started and not yet waited for; its pid and group cannot be reused before that.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) kill_all();
  }

  [[nodiscard]] Result<UniqueFd> pidfd() const {
    UniqueFd fd(::pidfd_open(pid_, 0));
    if (!fd) return from_errno("open a pidfd of pid " + std::to_string(pid_), errno);
    return fd;
  }

  Result<int> reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0) {
      if (errno != EINTR) return from_errno("wait for a program", errno);
    }
    pid_ = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  void kill_all() {
    ::kill(-pid_, SIGKILL);
    const auto fd = pidfd();
    pollfd waiting{fd ? fd->get() : -1, POLLIN, 0};
    const Deadline deadline = Deadline::after(kTimeToDie);
    while (::poll(&waiting, 1, static_cast<int>(deadline.left_ms().count())) < 0 &&
           errno == EINTR) {
    }
    // Not blocking: one that the kernel holds on to (a dead disk) becomes a zombie of ours later.
    ::waitpid(pid_, nullptr, WNOHANG);
  }

  pid_t pid_;
};

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> result;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (added.count(std::string(text.substr(0, text.find('=')))) == 0) result.emplace_back(text);
  }
  for (const auto& [name, value] : added)
    result.push_back(fmt::format("{}={}", name, value));
  return result;
}

// For exec: ends with a null pointer, valid as long as the strings.
std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& text : strings)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

Result<pid_t> launch(const Program& program, ChildSetup setup) {
  const std::string name = program.path.string();
  try {
    const std::string path = program.path.has_parent_path() ? name : bp::search_path(name).string();
    if (path.empty()) {
      return not_found("no program " + name + " in PATH", "install it, or name its full path");
    }
    std::vector<std::string> words{path};
    words.insert(words.end(), program.arguments.begin(), program.arguments.end());
    const std::vector<char*> argv = pointers(words);
    std::vector<std::string> variables = environment_with(program.environment);
    std::vector<char*> environment = pointers(variables);
    setup.path = path.c_str();
    setup.argv = argv.data();
    setup.environment = environment.data();
    std::error_code error;
    bp::child child(setup, error);
    if (error) return from_errno("run " + path, error.value());
    const pid_t pid = child.id();
    child.detach();
    return pid;
  } catch (const std::exception& error) {
    return internal("run " + name + ": " + error.what());
  }
}

}  // namespace

Result<ProgramResult> run(const Program& program, Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(const UniqueFd in, make_input(program.input));
  CDB_ASSIGN_OR_RETURN(Pipe out, make_pipe());
  CDB_ASSIGN_OR_RETURN(Pipe err, make_pipe());
  ChildSetup setup;
  setup.in = in.get();
  setup.out = out.write.get();
  setup.err = err.write.get();
  CDB_ASSIGN_OR_RETURN(const pid_t pid, launch(program, setup));
  Child child(pid);
  out.write.reset();
  err.write.reset();
  CDB_ASSIGN_OR_RETURN(const UniqueFd pidfd, child.pidfd());

  ProgramResult result;
  bool exited = false;
  while (!exited) {
    std::array<pollfd, 3> events{pollfd{pidfd.get(), POLLIN, 0}, pollfd{out.read.get(), POLLIN, 0},
                                 pollfd{err.read.get(), POLLIN, 0}};
    const auto left = std::min<int64_t>(deadline.left_ms().count() + 1, 60'000);
    if (::poll(events.data(), events.size(), static_cast<int>(left)) < 0 && errno != EINTR) {
      return from_errno("poll", errno);
    }
    // Looked at before the outputs are drained, so that nothing the program wrote is missed. What
    // its children in the background write later is not waited for.
    exited = (events[0].revents & POLLIN) != 0;
    CDB_TRY(drain(out.read, result.out));
    CDB_TRY(drain(err.read, result.err));
    if (!exited && deadline.passed()) {
      return deadline_exceeded(program.path.string() + " did not end in time and was killed");
    }
  }
  CDB_ASSIGN_OR_RETURN(result.exit_code, child.reap());
  return result;
}

}  // namespace cdb::process
