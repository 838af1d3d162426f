#pragma once
// What the real NodeTask acts through in the simulator: each call takes simulated time, and the
// agent may die, or be stopped, in the middle of any of them. Deadlines are this file's own: those
// that are handed in are in real time.

#include <filesystem>
#include <functional>

#include "agent/tasks/node_actions.h"
#include "tests/sim/mysqld.h"
#include "tests/sim/oracle.h"

namespace cdb::sim {

// Lets the caller, which runs on its fiber, wait.
class Waiter {
 public:
  virtual ~Waiter() = default;
  virtual void sleep(Duration duration) = 0;
  // The same, while this life of the agent lasts; it wakes the agent.
  virtual Handler news(Handler handler) = 0;
  // Until it holds; false when the time is over.
  bool wait_until(const std::function<bool()>& holds, Duration limit);
};

class ServerPort : public agent::MysqlServer {
 public:
  ServerPort(Stage& stage, Waiter& waiter, Mysqld& mysqld, Oracle& oracle,
             std::vector<std::unique_ptr<Mysqld>>& all, const std::function<uint64_t()>& epoch)
      : stage_(stage), waiter_(waiter), m_(mysqld), oracle_(oracle), all_(all), epoch_(epoch) {}

  Result<model::ServerStatus> status(Deadline) override;
  Status ensure_accounts(const model::Credentials&, Deadline) override;
  Status replicate_from(const agent::ReplicationSource& source, Deadline) override;
  Status stop_receiver(Deadline) override;
  Status start_applier(Deadline) override;
  Status stop_applier(Deadline) override;
  Status wait_for_executed(const model::GtidSet& set, Deadline) override;
  Status reset_replication(Deadline) override;
  Status set_acks_required(int acks, Deadline) override;
  Status set_writable(Deadline) override;
  Status set_read_only(Deadline) override;
  Status kill_client_sessions(Deadline) override;
  Result<model::GtidSet> write_marker(model::RecordVersion, Deadline) override;
  Status set_variable(const std::string& name, const std::string& value, Deadline) override;
  Result<std::map<std::string, std::string>> variables(const std::vector<std::string>& names,
                                                       Deadline) override;
  Status clone_from(const agent::ReplicationSource& donor, Deadline) override;
  Status copy_from(const agent::ReplicationSource& donor,
                   const std::function<bool(const std::string&)>& progress, Deadline) override;

 protected:
  // One statement: takes a moment, needs a server that answers.
  Status statement();
  Status change_source(const agent::ReplicationSource& source);
  Status stop_receiver_thread();
  Status drain();
  // Takes a while; an error where the donor is lost, or `goes_on` says no.
  Status fetch_data(const agent::ReplicationSource& donor, const std::function<bool()>& goes_on);

  Stage& stage_;
  Waiter& waiter_;
  Mysqld& m_;
  Oracle& oracle_;
  std::vector<std::unique_ptr<Mysqld>>& all_;
  std::function<uint64_t()> epoch_;  // the highest that the agent has promised
};

class ProcessPort : public agent::MysqlProcess {
 public:
  ProcessPort(Stage& stage, Waiter& waiter, Mysqld& mysqld, Oracle& oracle,
              model::MysqlVersion version)
      : stage_(stage), waiter_(waiter), m_(mysqld), oracle_(oracle), version_(version) {}

  Result<model::MysqlVersion> version() override { return version_; }
  bool initialised() override { return m_.initialised(); }
  Status initialise(Deadline) override;
  Result<std::filesystem::path> archive_and_wipe(const std::string& label) override;
  Status check_config(const std::filesystem::path&, Deadline) override { return {}; }
  std::optional<process::Identity> running() override;
  Result<agent::TailPlan> find_tail(const agent::ClusterTransactions& cluster) override;
  Result<std::filesystem::path> keep_tail(const agent::TailPlan& plan,
                                          const std::string& label) override;
  Status cut_tail(const agent::TailPlan& plan) override;
  std::optional<uint64_t> rolled_back() override { return m_.rolled_back(); }
  Result<process::Identity> start_with(const std::vector<std::string>& options) override;
  Status kill(Deadline) override;
  Status stop(Deadline deadline) override { return kill(deadline); }
  void on_exit(std::function<void()> callback) override;
  bool suspended() override { return m_.process.held(Process::Stopped); }
  std::string last_log_lines(size_t) override { return {}; }

 private:
  Stage& stage_;
  Waiter& waiter_;
  Mysqld& m_;
  Oracle& oracle_;
  model::MysqlVersion version_;
};

class ConfigPort final : public agent::ConfigFiles {
 public:
  Result<std::vector<agent::ConfigChange>> ensure(const model::NodeGoal&, Deadline) override {
    return std::vector<agent::ConfigChange>{};
  }
  Status starting() override { return {}; }
  Status write_client_files(const model::Credentials&) override { return {}; }
};

// The agent's disk, which outlives it.
struct AgentDisk {
  std::optional<agent::NodeMemory> saved{};
  bool full{false};
  // The agent dies at its next save: before it, or after it and before anything else.
  enum class Crash { None, Before, After } crash{Crash::None};
  std::function<void()> on_crash{};
};

class MemoryPort : public agent::MemoryStore {
 public:
  MemoryPort(Stage& stage, Waiter& waiter, AgentDisk& disk, Oracle& oracle, std::string name)
      : stage_(stage), waiter_(waiter), disk_(disk), oracle_(oracle), name_(std::move(name)) {}
  Result<agent::NodeMemory> load() override { return disk_.saved.value_or(agent::NodeMemory{}); }
  Status save(const agent::NodeMemory& memory) override;

 private:
  void crash_now();

  Stage& stage_;
  Waiter& waiter_;
  AgentDisk& disk_;
  Oracle& oracle_;
  std::string name_;
};

}  // namespace cdb::sim
