#pragma once
// The stream between an agent and the coordinator: in order while it is up; each end learns of a
// break by itself, perhaps late. At most one report and one goal are under way; of those that wait
// only the latest is kept.

#include <memory>
#include <optional>

#include "coordinator/engine/effects.h"
#include "lib/model/report.h"
#include "tests/sim/network.h"

namespace cdb::sim {

class Agent;
class Coordinator;

// What the coordinator answers to a report.
struct Answer {
  uint64_t sequence{0};
  std::optional<model::LeaseGrant> grant{};
};

class Session final : public coordinator::AgentSink, public std::enable_shared_from_this<Session> {
 public:
  Session(Agent& agent, Coordinator& coordinator, std::shared_ptr<Connection> connection);

  // --- the agent's end ---
  void introduce();
  void report(uint64_t sequence, const model::NodeReport& report);
  void close_agent_end(bool tell);
  [[nodiscard]] bool agent_open() const { return agent_open_; }

  // --- the coordinator's end ---
  void send(const model::NodeGoal& goal) override;
  void ack(uint64_t report_sequence, const std::optional<model::LeaseGrant>& grant) override;
  void close(const Error& reason) override;
  void close_coordinator_end(bool tell, bool refused);
  [[nodiscard]] bool coordinator_open() const { return coordinator_open_; }
  uint64_t number{0};  // the engine's; 0: not taken yet

 private:
  void send_report();
  void write_next();
  void to_coordinator(Handler handler);
  void to_agent(Handler handler);

  Agent& agent_;
  Coordinator& coordinator_;
  std::shared_ptr<Connection> connection_;
  uint64_t agent_life_;
  uint64_t coordinator_life_;
  bool agent_open_{true};
  bool coordinator_open_{false};
  std::optional<std::pair<uint64_t, model::NodeReport>> report_{};
  bool report_under_way_{false};
  std::optional<model::NodeGoal> goal_{};
  std::optional<Answer> ack_{};
  bool writing_{false};
};

}  // namespace cdb::sim
