#include "coordinator/instance_init/init.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <utility>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coordinator/instance_init/agent_program.h"

namespace cdb::coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kFirstPause = milliseconds(200);
constexpr Duration kLongestPause = seconds(5);
constexpr Duration kLongLife = seconds(30);  // ends the backoff
constexpr Duration kShortLife = seconds(5);  // an end before this is a failure to start
constexpr Duration kLockedPause = seconds(1);
constexpr Duration kLookPeriod = seconds(2);
constexpr Duration kAgentGrace = seconds(2);
constexpr Duration kKillTime = seconds(20);

void say(const std::string& what) {
  const std::string time = to_rfc3339(SystemClock().wall());
  std::fprintf(stderr, "%s %s\n", time.c_str(), what.c_str());
}

Result<UniqueFd> open_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
    ::sigaddset(&set, signal);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return from_errno("block signals", errno);
  UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return from_errno("signalfd", errno);
  ::signal(SIGPIPE, SIG_IGN);
  return fd;
}

Status join_cgroup(const std::filesystem::path& cgroup) {
  if (cgroup.empty()) return {};
  std::ofstream procs(cgroup / "cgroup.procs");
  procs << ::getpid() << std::flush;
  if (procs) return {};
  return unavailable("cannot join the cgroup " + cgroup.string());
}

}  // namespace

Init::Init(InitOptions options, FileLock lock)
    : options_(std::move(options)), lock_(std::move(lock)), backoff_(kFirstPause, kLongestPause) {}

Status Init::prepare() {
  CDB_ASSIGN_OR_RETURN(signals_, open_signals());
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    return from_errno("become the reaper of the instance", errno);
  }
  if (const Status joined = join_cgroup(options_.cgroup); !joined) {
    status_.cgroup_problem = joined.error().message;
  }
  CDB_ASSIGN_OR_RETURN(const process::Identity self, process::identify(::getpid()));
  return process::write_identity(options_.layout.init_identity(), self);
}

int Init::run() {
  adopt_or_start();
  look_again_ = BootTime::now() + kLookPeriod;
  while (!off_) {
    wait_for_event();
    if (!off_) look_at_clock();
  }
  return clean_ ? 0 : 1;
}

// An init that was killed leaves an agent that lives on: it is watched, not started again. Should
// the file that names it be lost too, a second agent ends with kExitLocked and is tried again.
void Init::adopt_or_start() {
  const auto before = read_init_status(options_.layout.init_status());
  if (before && before->agent) {
    auto pidfd = process::open(*before->agent);
    if (pidfd) {
      adopted_ = std::move(pidfd).value();
      status_.agent = before->agent;
      status_.restarts = before->restarts;
      started_ = BootTime::now();
      say("adopted agent " + std::to_string(status_.agent->pid));
      return save_status();
    }
  }
  start();
}

void Init::start() {
  start_at_.reset();
  started_ = BootTime::now();
  append_output_to(options_.layout.init_log(), STDERR_FILENO);
  const auto pid = start_agent(options_.agent, options_.layout);
  if (!pid) {
    say(pid.error().text());
    start_at_ = started_ + backoff_.next();
    return;
  }
  child_ = *pid;
  const auto identity = process::identify(child_);
  if (identity) status_.agent = *identity;
  if (!status_.waiting) say("started agent " + std::to_string(child_));
  save_status();
}

void Init::wait_for_event() {
  Instant until = look_again_;
  if (start_at_) until = std::min(until, *start_at_);
  if (status_.agent && status_.failures > 0) until = std::min(until, started_ + kShortLife);
  std::array<pollfd, 2> events{pollfd{signals_.get(), POLLIN, 0},
                               pollfd{adopted_ ? adopted_.get() : -1, POLLIN, 0}};
  const auto left = Deadline::at(until).left_ms().count() + 1;
  if (::poll(events.data(), events.size(), static_cast<int>(left)) <= 0) return;
  if (events[0].revents != 0) on_signal();
  if (events[1].revents != 0 && adopted_) {
    adopted_.reset();
    agent_ended(std::nullopt);
  }
}

void Init::on_signal() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGHUP && status_.agent) {
      // A new agent.toml: the agent alone is started again, mysqld lives on.
      const Status sent = process::send_signal(*status_.agent, SIGTERM);
      say(sent ? "asked the agent to start again" : sent.error().text());
    }
    if (signal == SIGTERM || signal == SIGINT) return power_off("asked to");
  }
  reap();
}

void Init::reap() {
  for (;;) {
    int wait_status = 0;
    const pid_t pid = ::waitpid(-1, &wait_status, WNOHANG);
    if (pid <= 0) return;
    if (pid != child_) continue;
    child_ = 0;
    agent_ended(wait_status);
  }
}

void Init::agent_ended(std::optional<int> wait_status) {
  const Instant now = BootTime::now();
  const Duration life = now - started_;
  const bool killed = wait_status && WIFSIGNALED(*wait_status) && WTERMSIG(*wait_status) == SIGKILL;
  status_.agent.reset();
  status_.last_exit = wait_status ? describe_exit(*wait_status) : "ended, unseen";
  const bool waited = status_.waiting;
  status_.waiting =
      wait_status && WIFEXITED(*wait_status) && WEXITSTATUS(*wait_status) == kExitLocked;
  if (life >= kLongLife) backoff_.reset();
  if (status_.waiting) {
    start_at_ = now + kLockedPause;
  } else if (killed || !wait_status) {
    // Somebody's hand or a fault test, not an agent that cannot run: back at once.
    ++status_.restarts;
    start_at_ = now + kFirstPause;
  } else {
    ++status_.restarts;
    status_.failures = life < kShortLife ? status_.failures + 1 : 0;
    start_at_ = now + backoff_.next();
  }
  if (status_.waiting && !waited) say("another agent holds the instance: waiting for its end");
  if (!status_.waiting) say("agent ended: " + status_.last_exit + " after " + to_text(life));
  if (!off_) save_status();
}

void Init::look_at_clock() {
  const Instant now = BootTime::now();
  if (status_.agent && status_.failures > 0 && now >= started_ + kShortLife) {
    status_.failures = 0;
    save_status();
  }
  if (start_at_ && now >= *start_at_) start();
  if (now < look_again_) return;
  look_again_ = now + kLookPeriod;
  // The disk was taken away under us (a test's directory removed, a person's rm -r): a machine
  // without one does not go on for ever.
  if (!lock_.still_at(options_.layout.init_lock())) power_off("the instance's directory is gone");
}

void Init::power_off(const char* why) {
  say(std::string("power off: ") + why);
  off_ = true;
  start_at_.reset();
  if (status_.agent) {
    const Status sent = process::send_signal(*status_.agent, SIGTERM);
    if (sent && !wait_for_agent(Deadline::after(kAgentGrace)))
      say("the agent does not end: killed");
  }
  // mysqld gets no SIGTERM: its orderly shutdown would tell waiting clients that they committed.
  Membership who{options_.layout.directory, options_.cgroup, ::getpid()};
  // Somebody else's instance may stand at our path by now: then only our own descendants end.
  std::error_code ignored;
  const bool ours = lock_.still_at(options_.layout.init_lock()) ||
                    !std::filesystem::exists(options_.layout.init_lock(), ignored);
  if (!ours) who = Membership{{}, {}, ::getpid()};
  clean_ = end_everything(who);
  if (!clean_) say("some processes of the instance do not end");
  if (!lock_.still_at(options_.layout.init_lock())) return;
  status_.agent.reset();
  save_status();
  ::unlink(options_.layout.init_identity().c_str());
  say("off");
}

bool Init::wait_for_agent(Deadline deadline) {
  while (child_ != 0 || adopted_) {
    std::array<pollfd, 2> events{pollfd{signals_.get(), POLLIN, 0},
                                 pollfd{adopted_ ? adopted_.get() : -1, POLLIN, 0}};
    if (deadline.passed()) return false;
    if (::poll(events.data(), events.size(), static_cast<int>(deadline.left_ms().count()) + 1) <=
        0) {
      continue;
    }
    if (events[1].revents != 0) adopted_.reset();
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) > 0) {
    }
    reap();
  }
  return true;
}

bool Init::end_everything(const Membership& who) {
  const Deadline deadline = Deadline::after(kKillTime);
  while (kill_members(who) > 0) {
    if (deadline.passed()) return false;
    // Children announce their end; for others (adopted) it is looked again soon.
    pollfd events{signals_.get(), POLLIN, 0};
    if (::poll(&events, 1, 20) > 0) {
      signalfd_siginfo info{};
      while (::read(signals_.get(), &info, sizeof info) > 0) {
      }
    }
    reap();
  }
  reap();
  return true;
}

void Init::save_status() {
  const Status saved = write_init_status(options_.layout.init_status(), status_);
  if (!saved) say(saved.error().text());
}

}  // namespace cdb::coordinator
