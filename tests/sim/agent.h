#pragma once
// A database machine: power, clocks, mysqld, and the agent's process with the real NodeTask in it.

#include <deque>
#include <memory>
#include <string>

#include "agent/tasks/lease_task.h"
#include "agent/tasks/node_task.h"
#include "tests/sim/agent_ports.h"
#include "tests/sim/fiber.h"
#include "tests/sim/host_clock.h"
#include "tests/sim/session.h"

namespace cdb::sim {

// What the agent is made of; a seeded bug replaces some of it.
struct AgentParts {
  std::function<std::unique_ptr<agent::MysqlServer>(Stage&, Waiter&, Mysqld&, Oracle&,
                                                    std::vector<std::unique_ptr<Mysqld>>&,
                                                    const std::function<uint64_t()>& epoch)>
      server{};
  std::function<std::unique_ptr<agent::MysqlProcess>(Stage&, Waiter&, Mysqld&, Oracle&,
                                                     model::MysqlVersion)>
      process{};
  std::function<std::unique_ptr<agent::MemoryStore>(Stage&, Waiter&, AgentDisk&, Oracle&,
                                                    std::string name)>
      memory{};
  std::function<std::unique_ptr<agent::Fence>(Gate&, std::function<void()> cut_barred)> gate{};
  // Between the worker and its lease; none: nothing.
  std::function<std::unique_ptr<agent::LeaseKeeper>(agent::LeaseKeeper&)> lease{};
  // A goal as it comes in, and what was promised.
  std::function<model::NodeGoal(model::NodeGoal, const model::RecordVersion&)> goal{};
  // The kernel's id of this start of the machine.
  std::function<std::string(std::string)> machine_boot{};
  bool grants_count_from_receipt{false};
};
AgentParts real_parts();

class Agent final : private Waiter, private agent::CoordinatorClient, private agent::PeerClient {
 public:
  Agent(Stage& stage, Oracle& oracle, std::vector<std::unique_ptr<Mysqld>>& all, Host host,
        model::NodeId node, model::MysqlVersion version, Coordinator& coordinator,
        const AgentParts& parts);
  ~Agent() override;

  [[nodiscard]] Host host() const { return host_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const model::NodeId& node() const { return node_; }
  [[nodiscard]] Mysqld& mysqld() { return mysqld_; }
  HostClock clock;
  Gate gate;
  Process process{};
  AgentDisk disk{};

  // --- the machine ---
  [[nodiscard]] bool powered() const { return powered_; }
  [[nodiscard]] std::string boot_id() const { return name_ + "." + std::to_string(boots_); }
  void power_on();
  void power_off();  // without warning
  void pause(bool clock_stops);
  void go_on();
  void lose_disks();

  void know(const std::vector<std::unique_ptr<Agent>>& peers) { peers_ = &peers; }

  // --- the agent's process; it is started again soon, as a service manager does ---
  void kill();

  // A goal of long ago comes in again.
  void replay();

  // --- its session, from Session ---
  void session_answered(const std::shared_ptr<Session>& session, const model::NodeGoal* goal,
                        const Answer* answer);
  void session_lost(const std::shared_ptr<Session>& session, bool refused);
  // --- from its peers ---
  model::HoldAnswer hold(const model::HoldRequest& request) { return lease_->hold(request); }

 private:
  void start();
  void start_later();
  void run();
  void poke();
  void take(model::NodeGoal goal);
  void sleep(Duration duration) override;
  Handler news(Handler handler) override;
  void report(const model::NodeReport& report) override;
  void heartbeat(const model::LeaseStatus& lease, uint64_t holding_epoch) override;
  void ask_hold(const std::string& address, const model::HoldRequest& request, Deadline,
                std::function<void(const Result<model::HoldAnswer>&)> answered) override;
  void send_latest();
  void keep_lease();
  void dial();
  void dial_later(bool refused);
  void watch_session(const std::shared_ptr<Session>& session, Instant heard);
  void after(Duration delay, Handler handler);

  Stage& stage_;
  Oracle& oracle_;
  std::vector<std::unique_ptr<Mysqld>>& all_;
  Host host_;
  std::string name_;
  model::NodeId node_;
  model::MysqlVersion version_;
  Coordinator& coordinator_;
  AgentParts parts_;
  const std::vector<std::unique_ptr<Agent>>* peers_{nullptr};
  Mysqld& mysqld_;
  bool powered_{false};
  int boots_{0};

  // Of one life of the process.
  std::unique_ptr<agent::MysqlServer> server_{};
  std::unique_ptr<agent::MemoryStore> memory_{};
  std::unique_ptr<agent::Fence> fence_{};
  std::unique_ptr<agent::LeaseTask> lease_{};
  std::unique_ptr<agent::MysqlProcess> process_port_{};
  std::unique_ptr<agent::LeaseKeeper> keeper_{};
  ConfigPort config_port_{};
  std::unique_ptr<agent::NodeTask> task_{};
  std::unique_ptr<Fiber> fiber_{};
  uint64_t naps_{0};
  std::deque<model::NodeGoal> goals_{};  // the latest that came in
  bool task_ready_{false};               // it listens
  bool between_steps_{false};
  bool poked_{false};
  std::shared_ptr<Session> session_{};
  std::optional<model::NodeReport> latest_{};
  model::LeaseStatus lease_status_{};
  uint64_t holding_epoch_{0};
  uint64_t sequence_{0};
  std::deque<std::pair<uint64_t, Instant>> sent_{};  // reports without an answer
  bool connected_{false};
  Duration pause_{0};
};

}  // namespace cdb::sim
