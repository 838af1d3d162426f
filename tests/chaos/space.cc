#include "tests/chaos/space.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/secret.h"
#include "lib/base/text.h"

namespace cdb::chaos {
namespace {

namespace fs = std::filesystem;

constexpr Duration kStartTime = std::chrono::seconds(20);
constexpr Duration kToolTime = std::chrono::seconds(20);

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

UniqueFd open_namespace(pid_t pid, const char* kind) {
  UniqueFd fd(::open(fmt::format("/proc/{}/ns/{}", pid, kind).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) give_up(fmt::format("namespace {} of process {}: {}", kind, pid, std::strerror(errno)));
  return fd;
}

std::string link_of(const fs::path& path) {
  std::error_code none;
  return fs::read_symlink(path, none).string();
}

// Looks like /proc/sys/kernel/random/boot_id and is none that was there before.
std::string new_boot_id() {
  return read_file("/proc/sys/kernel/random/uuid").value();
}

}  // namespace

void give_up(const std::string& why) {
  throw std::runtime_error(why);
}

std::string program(const char* variable) {
  const char* const path = std::getenv(variable);
  if (path == nullptr || !fs::exists(path))
    give_up(std::string(variable) + " names no program: run ./test chaos or tests/chaos/run");
  return path;
}

Space::Space(fs::path directory, std::string name, std::vector<std::string> service)
    : directory_(std::move(directory)), name_(std::move(name)), service_(std::move(service)) {
  fs::create_directories(directory_);
}

Space::~Space() {
  end();
}

void Space::start() {
  std::ofstream(directory_ / "boot_id") << new_boot_id();
  fs::remove(directory_ / "service.on");
  std::array<int, 2> ready{};
  if (::pipe(ready.data()) != 0) give_up("pipe");
  const UniqueFd reading(ready[0]);
  UniqueFd writing(ready[1]);
  std::vector<std::string> arguments{program("CDB_TEST_CHAOS_MACHINE"), directory_.string(), name_,
                                     std::to_string(ready[1])};
  arguments.insert(arguments.end(), service_.begin(), service_.end());
  const std::vector<char*> argv = pointers(arguments);
  const std::string log = directory_ / "machine.log";
  constexpr unsigned long kSpaces =
      CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
  // As fork, but into namespaces of its own; only exec follows.
  const long child = ::syscall(SYS_clone, kSpaces | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child < 0) give_up(fmt::format("cannot make namespaces: {}", std::strerror(errno)));
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(ready[0]);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    const int in = ::open("/dev/null", O_RDONLY);
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  init_ = static_cast<pid_t>(child);
  writing.reset();
  pollfd watched{reading.get(), POLLIN, 0};
  char letter = 0;
  const int limit =
      static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(kStartTime).count());
  if (::poll(&watched, 1, limit) != 1 || ::read(reading.get(), &letter, 1) != 1)
    give_up(name_ + " does not start: " + read_file(log).value_or(""));
}

void Space::end() {
  if (init_ <= 0) return;
  ::kill(init_, SIGKILL);
  ::waitpid(std::exchange(init_, 0), nullptr, 0);
}

void Space::service_on() {
  std::ofstream(directory_ / "service.on");
  ::kill(init_, SIGUSR1);
}

void Space::service_off() {
  fs::remove(directory_ / "service.on");
}

process::ProgramResult Space::run(const std::vector<std::string>& command, Duration time,
                                  const std::string& input,
                                  const std::map<std::string, std::string>& environment) const {
  process::Program tool;
  tool.path = "nsenter";
  tool.arguments = {"--target", std::to_string(init_), "--net", "--mount", "--"};
  tool.arguments.insert(tool.arguments.end(), command.begin(), command.end());
  tool.input = input;
  tool.environment = environment;
  auto result = process::run(tool, Deadline::after(time));
  if (result) return std::move(result).value();
  if (result.error().code != Code::Deadline)
    give_up(command.front() + ": " + result.error().text());
  return {124, {}, result.error().text()};  // as timeout(1) says it
}

std::string Space::must(const std::vector<std::string>& command, const std::string& input) const {
  auto result = run(command, kToolTime, input);
  if (result.exit_code != 0)
    give_up(fmt::format("{} in {}: exit code {}: {}", join(command, " "), name_, result.exit_code,
                        result.err));
  return std::move(result.out);
}

pid_t Space::spawn(const std::vector<std::string>& command, const fs::path& log) const {
  const UniqueFd network = open_namespace(init_, "net");
  const UniqueFd mounts = open_namespace(init_, "mnt");
  std::vector<std::string> arguments = command;
  const std::vector<char*> argv = pointers(arguments);
  const pid_t child = ::fork();
  if (child < 0) give_up("fork");
  if (child > 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(out, 1);
  ::dup2(out, 2);
  if (::setns(network.get(), CLONE_NEWNET) != 0 || ::setns(mounts.get(), CLONE_NEWNS) != 0)
    ::_exit(126);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

void Space::enter_network() const {
  const UniqueFd network = open_namespace(init_, "net");
  if (::setns(network.get(), CLONE_NEWNET) != 0) give_up("cannot enter the network of " + name_);
}

std::vector<process::Identity> Space::processes(const std::string& name) const {
  std::vector<process::Identity> found;
  if (init_ <= 0) return found;
  const std::string ours = link_of(fmt::format("/proc/{}/ns/pid", init_));
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string number = entry->path().filename();
    pid_t pid = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), pid);
    if (parsed.ec != std::errc() || link_of(entry->path() / "ns/pid") != ours) continue;
    if (!name.empty() && trim(read_file(entry->path() / "comm").value_or("")) != name) continue;
    if (const auto identity = process::identify(pid)) found.push_back(*identity);
  }
  std::sort(found.begin(), found.end(), [this](const auto& a, const auto& b) {
    if ((a.pid == init_) != (b.pid == init_)) return a.pid == init_;
    return a.pid < b.pid;
  });
  return found;
}

}  // namespace cdb::chaos
