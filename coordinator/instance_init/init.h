#pragma once
// The "PID 1" of a local instance: keeps the agent running, adopts what the agent leaves behind,
// and ends everything at power off. One thread, one event loop, no heap growth over time.

#include <filesystem>
#include <optional>
#include <string>

#include <sys/types.h>

#include "coordinator/instance_init/init_status.h"
#include "coordinator/instance_init/layout.h"
#include "coordinator/instance_init/members.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/file_lock.h"
#include "lib/base/result.h"
#include "lib/base/unique_fd.h"

namespace cdb::coordinator {

// An agent that finds its state directory locked by another one ends with this (EX_TEMPFAIL); so
// does an init that finds another one.
inline constexpr int kExitLocked = 75;

struct InitOptions {
  InstanceLayout layout{};
  std::filesystem::path agent{};   // the program mysqllet
  std::filesystem::path cgroup{};  // joined before the agent starts; empty: none
};

class Init {
 public:
  // The lock is the instance's: it is held as long as this object lives.
  Init(InitOptions options, FileLock lock);
  Init(const Init&) = delete;
  Init& operator=(const Init&) = delete;

  // Becomes the reaper of all that descends from it, joins the cgroup, leaves its identity.
  Status prepare();
  // Until power off; the exit code.
  int run();

 private:
  void adopt_or_start();
  void start();
  void wait_for_event();
  void on_signal();
  void reap();
  void agent_ended(std::optional<int> wait_status);
  void look_at_clock();
  void power_off(const char* why);
  bool wait_for_agent(Deadline deadline);
  bool end_everything(const Membership& who);
  void save_status();

  InitOptions options_;
  FileLock lock_;
  UniqueFd signals_{};
  InitStatus status_{};
  pid_t child_{0};      // the agent, where it is our child
  UniqueFd adopted_{};  // pidfd of the agent, where an earlier init started it
  Backoff backoff_;
  Instant started_{};  // the agent
  std::optional<Instant> start_at_{};
  Instant look_again_{};  // at our directory
  bool off_{false};
  bool clean_{true};
};

}  // namespace cdb::coordinator
