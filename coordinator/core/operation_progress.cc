#include "coordinator/core/operation_progress.h"

#include <vector>

#include <fmt/format.h>

namespace cdb::coordinator {
namespace {

// How long a node that was asked to try again may go on failing.
constexpr Duration kRejoinPatience = std::chrono::seconds(30);

struct StepView {
  bool done{false};
  std::string detail{};
  std::string problem{};
};

std::string of(int part, int whole, const char* what) {
  return fmt::format("{} of {} {}", part, whole, what);
}

StepView provision(const OperationFacts& f) {
  return {f.machines_running >= f.members, of(f.machines_running, f.members, "machines run"),
          f.machine_problem};
}
StepView join(const OperationFacts& f) {
  return {f.agents_connected >= f.members, of(f.agents_connected, f.members, "agents connected"),
          f.machine_problem};
}
StepView elect(const OperationFacts& f) {
  const std::string who =
      f.record.primary.empty() ? f.record.candidate.str() : f.record.primary.str();
  return {f.opened, f.opened ? who + " is the primary" : who + " is being prepared",
          f.blocked.empty() ? f.node_problem : f.blocked};
}
StepView replicate(const OperationFacts& f) {
  const bool level = f.nodes_level >= f.members;
  return {level && f.as_protected_as_wanted,
          level ? "all level" : of(f.nodes_level, f.members, "nodes level"),
          f.blocked.empty() ? f.node_problem : f.blocked};
}
StepView publish(const OperationFacts& f) {
  return {f.names_published, f.names_published ? "the names are published" : "writing the names",
          f.dns_problem};
}
StepView configure(const OperationFacts& f) {
  return {f.nodes_configured >= f.members,
          of(f.nodes_configured, f.members, "nodes have the settings"), f.node_problem};
}
StepView remove_names(const OperationFacts& f) {
  return {f.names_removed, f.names_removed ? "no name is left" : "removing the names",
          f.dns_problem};
}
StepView remove_machines(const OperationFacts& f) {
  return {f.machines_left == 0, of(f.machines_left, f.members, "machines left"), f.machine_problem};
}
StepView closed(const OperationFacts& f) {
  return {f.record.phase != Phase::Demoting && f.record.phase != Phase::Revoking,
          f.record.primary.str() + " is closing", f.blocked};
}
StepView opened(const OperationFacts& f) {
  return {
      f.record.opened && (f.record.phase == Phase::Publishing || f.record.phase == Phase::Steady),
      f.record.candidate.empty() ? f.record.primary.str() + " is open"
                                 : f.record.candidate.str() + " is being prepared",
      f.blocked};
}
StepView steady(const OperationFacts& f) {
  return {f.record.phase == Phase::Steady, "the names point to " + f.record.primary.str(),
          f.dns_problem};
}

StepView left_ackers(const OperationFacts& f) {
  const bool left = !f.record.ackers.contains(model::NodeName(f.node));
  return {left, left ? f.node + " is no acker" : f.node + " leaves the ackers", f.blocked};
}
StepView hands_off(const OperationFacts& f) {
  return {f.node_connected && f.node_state == model::NodeState::Maintenance,
          f.node_connected ? "its agent lets go of " + f.node
                           : "the agent of " + f.node + " is not connected",
          f.own_problem};
}
StepView level_again(const OperationFacts& f) {
  return {f.node_level_now,
          f.node_connected ? f.node + " is " + std::string(to_string(f.node_state))
                           : "the agent of " + f.node + " is not connected",
          f.own_problem};
}
StepView seeded(const OperationFacts& f) {
  const auto old = f.arguments.find("replaces");
  const bool replaced = f.node_connected && !f.node_incarnation.empty() &&
                        old != f.arguments.end() && f.node_incarnation != old->second;
  return {replaced, replaced ? "the data are new" : "the data of " + f.node + " are replaced",
          f.own_problem};
}

struct Step {
  const char* name;
  StepView (*look)(const OperationFacts&);
};

std::vector<Step> steps_of(OperationKind kind) {
  switch (kind) {
    case OperationKind::Create:
      return {{"provision", provision},
              {"join", join},
              {"elect", elect},
              {"replicate", replicate},
              {"publish", publish}};
    case OperationKind::Scale:
      return {
          {"provision", provision}, {"join", join}, {"replicate", replicate}, {"publish", publish}};
    case OperationKind::Reconfigure: return {{"configure", configure}};
    case OperationKind::Delete: return {{"names", remove_names}, {"machines", remove_machines}};
    case OperationKind::Switchover:
    case OperationKind::Failover:
      return {{"close", closed}, {"promote", opened}, {"publish", steady}};
    case OperationKind::Maintenance: return {{"leave", left_ackers}, {"hands_off", hands_off}};
    case OperationKind::MaintenanceEnd:
    case OperationKind::Rejoin: return {{"replicate", level_again}};
    case OperationKind::Reseed:
      return {{"leave", left_ackers}, {"seed", seeded}, {"replicate", level_again}};
  }
  return {};
}

// A switchover or failover that has not begun, or ended with another primary than asked for.
bool elsewhere(const Operation& operation, const OperationFacts& facts) {
  const auto to = operation.arguments.find("to");
  return facts.record.phase == Phase::Steady && facts.record.version.epoch > operation.epoch &&
         to != operation.arguments.end() && !to->second.empty() &&
         facts.record.primary.str() != to->second;
}

void finish(Operation& operation, OperationState state, WallTime now) {
  operation.state = state;
  operation.finished = now;
}

}  // namespace

Operation begin_operation(OperationKind kind, const model::ClusterId& cluster,
                          const model::OperationId& id, uint64_t epoch, WallTime now) {
  Operation operation;
  operation.id = id;
  operation.kind = kind;
  operation.cluster = cluster;
  operation.epoch = epoch;
  operation.created = now;
  for (const Step& step : steps_of(kind)) {
    operation.steps.push_back({step.name, StepState::Pending, "", std::nullopt, std::nullopt});
  }
  if (!operation.steps.empty()) {
    operation.steps.front().state = StepState::Running;
    operation.steps.front().started = now;
  }
  return operation;
}

Operation fail_operation(Operation operation, const std::string& problem, const std::string& hint,
                         WallTime now) {
  operation.problem = problem;
  operation.hint = hint;
  for (OperationStep& step : operation.steps) {
    if (step.state == StepState::Running) {
      step.state = StepState::Failed;
      step.finished = now;
    }
  }
  finish(operation, OperationState::Failed, now);
  return operation;
}

Operation advance(const Operation& operation, const OperationFacts& facts, WallTime now) {
  if (operation.state != OperationState::Running) return operation;
  const bool election =
      operation.kind == OperationKind::Switchover || operation.kind == OperationKind::Failover;
  // The record has not taken up the request yet.
  if (election && facts.record.version.epoch <= operation.epoch) return operation;
  if (election && elsewhere(operation, facts)) {
    return fail_operation(operation,
                          facts.record.primary.str() + " is the primary: " + facts.record.cause,
                          "look at the events for what hindered it", now);
  }
  if (operation.kind == OperationKind::Rejoin && !facts.own_problem.empty() &&
      now - operation.created > kRejoinPatience) {
    return fail_operation(operation, facts.own_problem,
                          "cdb rejoin " + operation.cluster.name + " " + facts.node +
                              " --reseed replaces its data by a copy of the primary's",
                          now);
  }
  Operation next = operation;
  next.problem.clear();
  const std::vector<Step> looks = steps_of(operation.kind);
  for (size_t i = 0; i < next.steps.size() && i < looks.size(); ++i) {
    OperationStep& step = next.steps[i];
    if (step.state == StepState::Done) continue;
    if (step.state == StepState::Pending) {
      step.state = StepState::Running;
      step.started = now;
    }
    StepView view = looks[i].look(facts);
    step.detail = std::move(view.detail);
    if (!view.done) {
      next.problem = std::move(view.problem);
      return next;
    }
    step.state = StepState::Done;
    step.finished = now;
  }
  finish(next, OperationState::Succeeded, now);
  return next;
}

}  // namespace cdb::coordinator
