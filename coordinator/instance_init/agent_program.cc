#include "coordinator/instance_init/agent_program.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cdb::coordinator {
namespace {

constexpr off_t kLargeLog = off_t{16} << 20;

// What a service manager passes on, and what a build with sanitizers or coverage needs.
bool passed_on(std::string_view variable) {
  const std::string_view name = variable.substr(0, variable.find('='));
  for (const char* known :
       {"PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "GCOV_PREFIX", "LLVM_PROFILE_FILE"}) {
    if (name == known) return true;
  }
  constexpr std::string_view kSanitizer = "SAN_OPTIONS";
  return name.size() > kSanitizer.size() &&
         name.substr(name.size() - kSanitizer.size()) == kSanitizer;
}

std::vector<std::string> agent_environment(const InstanceLayout& layout) {
  std::vector<std::string> environment{std::string(kInstanceVariable) + "=" +
                                       layout.directory.string()};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (passed_on(*variable)) environment.emplace_back(*variable);
  }
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

void append_output_to(const std::filesystem::path& file, int descriptor) {
  struct stat info {};
  if (::stat(file.c_str(), &info) == 0 && info.st_size > kLargeLog) {
    // A log that cannot be moved goes on growing: better than none.
    ::rename(file.c_str(), (file.string() + ".1").c_str());
  }
  int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) fd = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  ::dup2(fd, descriptor);
  ::close(fd);
}

Result<pid_t> start_agent(const std::filesystem::path& program, const InstanceLayout& layout) {
  std::vector<std::string> arguments{program.string(), "--config", layout.agent_config().string()};
  std::vector<std::string> environment = agent_environment(layout);
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  const pid_t pid = ::fork();
  if (pid < 0) return from_errno("fork", errno);
  if (pid > 0) return pid;

  ::setsid();
  append_output_to(layout.agent_log(), STDOUT_FILENO);
  ::dup2(STDOUT_FILENO, STDERR_FILENO);
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(argv[0], argv.data(), envp.data());
  const int error = errno;
  const std::string line =
      "cannot execute " + program.string() + ": " + std::strerror(error) + "\n";
  const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  static_cast<void>(written);
  ::_exit(error == ENOENT ? 127 : 126);
}

std::string describe_exit(int wait_status) {
  if (WIFEXITED(wait_status)) return "exit code " + std::to_string(WEXITSTATUS(wait_status));
  const int signal = WTERMSIG(wait_status);
  return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
}

}  // namespace cdb::coordinator
