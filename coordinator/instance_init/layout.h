#pragma once
// Where everything of one local instance is. What a VM would have in /etc and /var stands in one
// directory, named <namespace>.<node>. Plain value.

#include <filesystem>
#include <string>
#include <utility>

namespace cdb::coordinator {

// Set for the agent, and so for all that it starts, to the instance's directory.
inline constexpr const char* kInstanceVariable = "CDB_INSTANCE";

struct InstanceLayout {
  std::filesystem::path directory{};

  InstanceLayout() = default;
  explicit InstanceLayout(std::filesystem::path where) : directory(std::move(where)) {}

  // Owned by the provisioner.
  [[nodiscard]] std::filesystem::path machine_file() const { return directory / "machine.json"; }
  [[nodiscard]] std::filesystem::path agent_config() const { return directory / "agent.toml"; }
  // Owned by the init: it lives exactly as long as the lock is held.
  [[nodiscard]] std::filesystem::path init_lock() const { return directory / "init.lock"; }
  [[nodiscard]] std::filesystem::path init_identity() const { return directory / "init.pid.json"; }
  [[nodiscard]] std::filesystem::path init_status() const { return directory / "init.status.json"; }
  [[nodiscard]] std::filesystem::path init_log() const { return log_dir() / "init.log"; }
  [[nodiscard]] std::filesystem::path agent_log() const { return log_dir() / "mysqllet.log"; }
  // Owned by the agent.
  [[nodiscard]] std::filesystem::path data_dir() const { return directory / "mysql"; }
  [[nodiscard]] std::filesystem::path log_dir() const { return directory / "log"; }
  [[nodiscard]] std::filesystem::path run_dir() const { return directory / "run"; }
  [[nodiscard]] std::filesystem::path state_dir() const { return directory / "state"; }
};

}  // namespace cdb::coordinator
