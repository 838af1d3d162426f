#pragma once
// What the init of an instance says of its agent, in a small file that others read. Plain value.

#include <filesystem>
#include <optional>
#include <string>

#include "lib/base/result.h"
#include "lib/process/identity.h"

namespace cdb::coordinator {

struct InitStatus {
  std::optional<process::Identity> agent{};  // none: between two starts, or powered off
  int restarts{0};                           // since this init came up
  int failures{0};                           // how often in a row the agent ended within seconds
  bool waiting{false};           // another agent holds the instance: this one waits for its end
  std::string cgroup_problem{};  // why the cgroup was not joined
  std::string last_exit{};       // "exit code 3", "signal 9 (Killed)"; empty: never ended
  friend bool operator==(const InitStatus&, const InitStatus&) = default;
};

Status write_init_status(const std::filesystem::path& path, const InitStatus& status);
// not_found where there is none, invalid when it is damaged.
Result<InitStatus> read_init_status(const std::filesystem::path& path);

}  // namespace cdb::coordinator
