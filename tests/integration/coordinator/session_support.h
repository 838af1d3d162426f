#pragma once
// The two ends of a session for tests: an engine's stand-in that behaves, and a listener that
// remembers.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/rpc/session_client.h"
#include "coordinator/rpc/agent_service.h"
#include "lib/base/sync.h"

namespace cdb::testing {

inline constexpr Duration kPatience = std::chrono::seconds(20);

model::NodeId node_id(const std::string& name);
model::NodeReport report_with(const std::string& doing);
model::NodeGoal goal_with(uint64_t epoch);

// Takes any node's session, grants a lease of 2 s in the report's epoch on every report, closes an
// older session of the same node.
class FakeSessions final : public coordinator::AgentSessions {
 public:
  struct Session {
    model::NodeId node{};
    coordinator::AgentHello hello{};
    std::shared_ptr<coordinator::AgentSink> sink{};
    std::vector<std::pair<uint64_t, model::NodeReport>> reports{};
    int closed{0};
  };
  struct State {
    std::map<Key, Session> sessions{};
    std::vector<std::pair<Key, std::function<void()>>> unhandled{};
  };

  void opened(Key key, const model::NodeId& node, const coordinator::AgentHello& hello,
              std::shared_ptr<coordinator::AgentSink> sink) override;
  void reported(Key key, uint64_t sequence, model::NodeReport report,
                std::function<void()> handled) override;
  void closed(Key key) override;

  // Refuses every session with this error from now on.
  void refuse(Error reason);
  // Keeps reports unhandled from now on: the stream is not read on.
  void hold_reports();
  void send(const model::NodeId& node, const model::NodeGoal& goal);

  [[nodiscard]] size_t open_count();
  [[nodiscard]] size_t total_count();
  // The latest report of this node's open session; empty `doing` where there is none.
  [[nodiscard]] model::NodeReport latest(const model::NodeId& node);
  template <typename Predicate>
  bool wait(Predicate holds, Duration patience = kPatience) {
    return state_.wait({}, Deadline::after(patience), [&](State& state) { return holds(state); });
  }
  bool wait_open(size_t count, Duration patience = kPatience);
  bool wait_report(const model::NodeId& node, const std::string& doing);

 private:
  Sync<State> state_{};
  Sync<std::optional<Error>> refusal_{};
  Sync<bool> holding_{};
};

class SeenEvents final : public agent::CoordinatorEvents, public agent::LeaseEvents {
 public:
  struct State {
    std::vector<model::NodeGoal> goals{};
    std::vector<std::pair<bool, std::string>> changes{};
    std::vector<std::pair<model::LeaseGrant, Instant>> grants{};
    [[nodiscard]] bool connected() const { return !changes.empty() && changes.back().first; }
  };
  void goal_received(const model::NodeGoal& goal) override;
  void connection_changed(bool connected, const std::string& why) override;
  void granted(const model::LeaseGrant& grant, Instant sent_at) override;

  template <typename Predicate>
  bool wait(Predicate holds, Duration patience = kPatience) {
    return state_.wait({}, Deadline::after(patience), [&](State& state) { return holds(state); });
  }
  bool wait_connected(bool connected, Duration patience = kPatience);
  bool wait_goal(uint64_t epoch);
  // The words of the last change.
  [[nodiscard]] std::string why();

 private:
  Sync<State> state_{};
};

// A server on loopback with nothing but the agents' service. `address` with port 0: any.
std::unique_ptr<coordinator::Server> serve_agents(coordinator::AgentSessions& sessions,
                                                  const std::string& address = "127.0.0.1:0",
                                                  coordinator::ServerConfig config = {});

// Quick enough for tests, slow enough for a busy machine.
agent::SessionClientConfig client_config(const std::string& node, const std::string& coordinator);

}  // namespace cdb::testing
