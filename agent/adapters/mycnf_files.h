#pragma once
// ConfigFiles on disk: my.cnf from tuning/, tried with the real mysqld before it replaces the old
// one, which stays as my.cnf.last_good. One thread.

#include <filesystem>
#include <optional>

#include "agent/ports/config_files.h"
#include "agent/ports/mysql_process.h"
#include "tuning/tune.h"

namespace cdb::agent {

// Where everything of this node is.
struct NodePaths {
  std::filesystem::path mysqld{};
  std::filesystem::path data_dir{};
  std::filesystem::path run_dir{};
  std::filesystem::path log_dir{};
  std::filesystem::path state_dir{};
  [[nodiscard]] std::filesystem::path config_file() const { return state_dir / "my.cnf"; }
  // As it was when mysqld was last started; and the one before the present one.
  [[nodiscard]] std::filesystem::path started_config() const {
    return state_dir / "my.cnf.started";
  }
  [[nodiscard]] std::filesystem::path last_good_config() const {
    return state_dir / "my.cnf.last_good";
  }
  [[nodiscard]] std::filesystem::path socket() const { return run_dir / "mysqld.sock"; }
  [[nodiscard]] std::filesystem::path error_log() const { return log_dir / "error.log"; }
  [[nodiscard]] std::filesystem::path archive_dir() const { return state_dir / "archive"; }
  [[nodiscard]] std::filesystem::path identity_file() const {
    return state_dir / "mysqld.pid.json";
  }
};

// Which plugin files a server brings: a plugin that is named and missing stops its start.
struct ServerPlugins {
  bool semisync{false};
  bool clone{false};
};
// Asks the program for its plugin directory and looks there. Blocking, some 0.3 s.
Result<ServerPlugins> find_plugins(const std::filesystem::path& mysqld,
                                   const model::MysqlVersion& version, Deadline deadline);

class MycnfFiles final : public ConfigFiles {
 public:
  // `base` has what the goal does not say: version, plugins, paths, addresses.
  MycnfFiles(NodePaths paths, tuning::Facts base, tuning::RuleSet rules, MysqlProcess& process);

  Result<std::vector<ConfigChange>> ensure(const model::NodeGoal& goal, Deadline deadline) override;
  Status starting() override;
  Status write_client_files(const model::Credentials& credentials) override;

 private:
  [[nodiscard]] tuning::Facts facts_for(const model::NodeGoal& goal) const;
  Status put_in_place(const std::string& text, Deadline deadline);
  [[nodiscard]] Result<std::vector<ConfigChange>> not_yet_running() const;

  NodePaths paths_;
  tuning::Facts base_;
  tuning::RuleSet rules_;
  MysqlProcess& process_;
  std::optional<model::NodeGoal> planned_for_{};  // what plan_ was made from
  tuning::Plan plan_{};
};

}  // namespace cdb::agent
