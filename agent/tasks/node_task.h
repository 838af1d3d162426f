#pragma once
// The node's one worker: looks at mysqld, says what it sees, and takes the next step of the
// transition table towards the goal. step() is the whole of it; run() only repeats it. Goals and
// news arrive from other threads.

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/core/memory.h"
#include "agent/ports/coordinator_client.h"
#include "agent/ports/disk.h"
#include "agent/tasks/node_actions.h"
#include "lib/base/backoff.h"
#include "lib/base/sync.h"

namespace cdb::agent {

class NodeTask final : public CoordinatorEvents {
 public:
  // `machine_boot`: the kernel's id of this start of the machine.
  NodeTask(NodePorts ports, std::function<DiskState()> disk, std::string machine_boot,
           const Clock& clock);

  // Reads the memory and adopts a mysqld that runs. Call once, first.
  Status load();
  // Where the reports go; set before run().
  void set_client(CoordinatorClient& client) { client_ = &client; }
  // Until a stop is asked for.
  void run(const std::stop_token& stop);
  // One look and at most one action; returns when it wants to be called again.
  Instant step();

  // What MysqlServer logs in with; any thread.
  [[nodiscard]] Secret agent_password() const;

  // CoordinatorEvents, any thread.
  void goal_received(const model::NodeGoal& goal) override;
  void connection_changed(bool connected, const std::string& why) override;

 private:
  struct News {
    std::optional<model::NodeGoal> goal{};
    bool connected{false};
    bool look_again{false};
  };

  Status take_goal(const model::NodeGoal& goal);
  std::optional<model::Credentials> credentials_after(const model::NodeGoal& goal) const;
  void start_failed();
  model::MysqldState unanswered();
  void keep_lease(const Situation& situation);
  Status keep_gate();
  [[nodiscard]] LeaseRole role_in(const Situation& situation);
  void try_again();
  [[nodiscard]] std::string first_problem(const Situation& situation) const;
  Situation look();
  void report(const Situation& situation, const std::string& doing);
  void note(const Transition& transition, const Status& result);

  NodePorts ports_;
  std::function<DiskState()> disk_;
  const Clock& clock_;
  CoordinatorClient* client_{nullptr};
  Sync<News> news_{};
  Sync<Secret> agent_password_{};
  NodeMemory memory_{};
  Progress progress_{};
  NodeActions actions_;
  std::string machine_boot_;
  LeaseRole role_{LeaseRole::Closed};
  bool was_level_{false};                       // this copy of the data has been level once
  std::optional<model::RecordVersion> gate_{};  // whose admissions are in force
  Admission admission_{};
  std::string gate_problem_{};
  std::optional<Instant> silent_since_{};  // mysqld has not answered since
  std::optional<Instant> down_since_{};
  std::optional<Instant> start_after_{};
  std::optional<process::Identity> watched_{};
  bool adopting_{true};                       // nothing was looked at yet
  bool answered_{false};                      // the present mysqld has answered at least once
  std::optional<model::NodeGoal> untaken_{};  // could not be saved: tried again
  std::string memory_problem_{};
  std::string shape_problem_{};  // of accounts or settings: they stay as they were
  std::string problem_{};
  std::string_view last_sentence_{};
  Backoff start_backoff_;
};

}  // namespace cdb::agent
