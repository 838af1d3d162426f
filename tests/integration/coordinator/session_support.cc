#include "session_support.h"

#include <optional>

#include <doctest/doctest.h>

namespace cdb::testing {

model::NodeId node_id(const std::string& name) {
  return {{"default", "demo"}, model::NodeName(name)};
}

model::NodeReport report_with(const std::string& doing) {
  model::NodeReport report;
  report.state = model::NodeState::Replica;
  report.mysqld = model::MysqldState::Running;
  report.doing = doing;
  return report;
}

model::NodeGoal goal_with(uint64_t epoch) {
  model::NodeGoal goal;
  goal.record = {epoch, 1};
  goal.state = model::NodeState::Acker;
  goal.settings = {{"max_connections", "100"}};
  return goal;
}

void FakeSessions::opened(Key key, const model::NodeId& node, const coordinator::AgentHello& hello,
                          std::shared_ptr<coordinator::AgentSink> sink) {
  if (const auto refusal = refusal_.read([](const auto& error) { return error; })) {
    sink->close(*refusal);
    return;
  }
  std::vector<std::shared_ptr<coordinator::AgentSink>> older;
  state_.with([&](State& state) {
    for (const auto& [other, session] : state.sessions) {
      if (session.node == node && session.closed == 0) older.push_back(session.sink);
    }
    state.sessions[key] = Session{node, hello, std::move(sink)};
  });
  for (const auto& each : older)
    each->close(conflict("a newer session of this node took over"));
}

void FakeSessions::reported(Key key, uint64_t sequence, model::NodeReport report,
                            std::function<void()> handled) {
  std::shared_ptr<coordinator::AgentSink> sink;
  const model::LeaseGrant grant{report.accepted.epoch, std::chrono::seconds(2)};
  const bool held = holding_.read([](bool holding) { return holding; });
  state_.with([&](State& state) {
    const auto found = state.sessions.find(key);
    if (found == state.sessions.end()) return;
    found->second.reports.emplace_back(sequence, std::move(report));
    sink = found->second.sink;
    if (held) state.unhandled.emplace_back(key, handled);
  });
  if (held) return;
  if (sink) sink->ack(sequence, grant);
  handled();
}

void FakeSessions::closed(Key key) {
  state_.with([&](State& state) {
    const auto found = state.sessions.find(key);
    if (found != state.sessions.end()) ++found->second.closed;
  });
}

void FakeSessions::refuse(Error reason) {
  refusal_.with([&](auto& refusal) { refusal = std::move(reason); });
}

void FakeSessions::hold_reports() {
  holding_.with([](bool& holding) { holding = true; });
}

void FakeSessions::send(const model::NodeId& node, const model::NodeGoal& goal) {
  std::vector<std::shared_ptr<coordinator::AgentSink>> sinks;
  state_.with([&](State& state) {
    for (const auto& [key, session] : state.sessions) {
      if (session.node == node && session.closed == 0) sinks.push_back(session.sink);
    }
  });
  for (const auto& sink : sinks)
    sink->send(goal);
}

size_t FakeSessions::open_count() {
  return state_.with([](State& state) {
    size_t count = 0;
    for (const auto& [key, session] : state.sessions)
      count += session.closed == 0 ? 1 : 0;
    return count;
  });
}

size_t FakeSessions::total_count() {
  return state_.with([](State& state) { return state.sessions.size(); });
}

model::NodeReport FakeSessions::latest(const model::NodeId& node) {
  return state_.with([&](State& state) {
    model::NodeReport report;
    for (const auto& [key, session] : state.sessions) {
      if (session.node == node && !session.reports.empty()) report = session.reports.back().second;
    }
    return report;
  });
}

bool FakeSessions::wait_open(size_t count, Duration patience) {
  return wait(
      [&](State& state) {
        size_t open = 0;
        for (const auto& [key, session] : state.sessions)
          open += session.closed == 0 ? 1 : 0;
        return open == count;
      },
      patience);
}

bool FakeSessions::wait_report(const model::NodeId& node, const std::string& doing) {
  return wait([&](State& state) {
    for (const auto& [key, session] : state.sessions) {
      if (session.node == node && session.closed == 0 && !session.reports.empty() &&
          session.reports.back().second.doing == doing) {
        return true;
      }
    }
    return false;
  });
}

void SeenEvents::goal_received(const model::NodeGoal& goal) {
  state_.with([&](State& state) { state.goals.push_back(goal); });
}

void SeenEvents::granted(const model::LeaseGrant& grant, Instant sent_at) {
  state_.with([&](State& state) { state.grants.emplace_back(grant, sent_at); });
}

void SeenEvents::connection_changed(bool connected, const std::string& why) {
  state_.with([&](State& state) { state.changes.emplace_back(connected, why); });
}

bool SeenEvents::wait_connected(bool connected, Duration patience) {
  return wait([&](State& state) { return state.connected() == connected; }, patience);
}

bool SeenEvents::wait_goal(uint64_t epoch) {
  return wait([&](State& state) {
    return !state.goals.empty() && state.goals.back().record.epoch == epoch;
  });
}

std::string SeenEvents::why() {
  return state_.with(
      [](State& state) { return state.changes.empty() ? "" : state.changes.back().second; });
}

std::unique_ptr<coordinator::Server> serve_agents(coordinator::AgentSessions& sessions,
                                                  const std::string& address,
                                                  coordinator::ServerConfig config) {
  coordinator::Services services;
  services.list.push_back(coordinator::make_agent_service(sessions, services.streams));
  config.listen = {address};
  auto server = coordinator::Server::start(config, services);
  if (!server) FAIL(server.error().text());
  return std::move(*server);
}

agent::SessionClientConfig client_config(const std::string& node, const std::string& coordinator) {
  agent::SessionClientConfig config;
  config.coordinators = {coordinator};
  config.node = node_id(node);
  config.address = "127.0.0.1:3306";
  config.agent_version = "0.1.0";
  config.boot_id = "boot-1";
  config.refused_pause = std::chrono::milliseconds(200);
  return config;
}

}  // namespace cdb::testing
