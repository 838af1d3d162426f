#pragma once
// The mysqld of this node as a process of its own, detached from us: a new agent adopts it by a
// recorded identity, or finds it by its --defaults-file. One caller at a time; on_exit's callback
// comes from another thread.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/adapters/binlog_tail.h"
#include "agent/adapters/server_account.h"
#include "agent/ports/mysql_process.h"
#include "lib/process/exit_watch.h"

namespace cdb::agent {

struct MysqldConfig {
  std::filesystem::path mysqld{};       // the program
  std::filesystem::path data_dir{};     // a folder that may be renamed: no mount point
  std::filesystem::path config_file{};  // the my.cnf; names data_dir, socket and error_log too
  std::filesystem::path socket{};
  std::filesystem::path pid_file{};  // ours, not the server's own: the identity as JSON
  std::filesystem::path error_log{};
  std::filesystem::path archive_dir{};  // best on the filesystem of data_dir
  std::string run_as{};                 // empty: as find_server_account() says
};

class MysqldProcess final : public MysqlProcess {
 public:
  // All paths absolute. Nothing is looked at before the first call.
  explicit MysqldProcess(MysqldConfig config);
  ~MysqldProcess() override;

  Result<model::MysqlVersion> version() override;
  bool initialised() override;
  Status initialise(Deadline deadline) override;
  Result<std::filesystem::path> archive_and_wipe(const std::string& label) override;
  Result<TailPlan> find_tail(const ClusterTransactions& cluster) override;
  Result<std::filesystem::path> keep_tail(const TailPlan& plan, const std::string& label) override;
  Status cut_tail(const TailPlan& plan) override;
  std::optional<uint64_t> rolled_back() override;
  Status check_config(const std::filesystem::path& candidate, Deadline deadline) override;
  std::optional<process::Identity> running() override;
  bool suspended() override;
  Result<process::Identity> start_with(const std::vector<std::string>& options) override;
  Status kill(Deadline deadline) override;
  Status stop(Deadline deadline) override;
  void on_exit(std::function<void()> callback) override;
  std::string last_log_lines(size_t count) override;

 private:
  Status prepare_start(const ServerAccount& account);
  // Also one that is ending.
  std::optional<process::Identity> present();
  std::optional<process::Identity> find_unrecorded();
  Status wait_until_gone();
  Result<BinlogTailFiles> tail_files();
  std::string log_since_start();
  Status signal_and_wait(const process::Identity& identity, int signal, Deadline deadline);

  MysqldConfig config_;
  std::optional<model::MysqlVersion> version_{};
  std::optional<process::Identity> known_{};  // what was present when we last looked
  uintmax_t log_start_{0};                    // size of the error log at our last start
  std::vector<std::unique_ptr<process::ExitWatch>> watches_{};
};

}  // namespace cdb::agent
