// What people ask of the engine about one node.
#include <fmt/format.h>

#include "coordinator/core/node_request.h"
#include "coordinator/engine/engine_impl.h"

namespace cdb::coordinator {

using model::ClusterId;
using model::NodeName;

namespace {

Status check(const ClusterView& view, OperationKind kind, const NodeAsk& ask) {
  const NodeName node(ask.node);
  switch (kind) {
    case OperationKind::Maintenance: return check_maintenance(view, {node, ask.allow_unprotected});
    case OperationKind::MaintenanceEnd: return check_maintenance_end(view, node);
    case OperationKind::Reseed: return check_reseed(view, node);
    case OperationKind::Rejoin:
    case OperationKind::Create:
    case OperationKind::Scale:
    case OperationKind::Reconfigure:
    case OperationKind::Delete:
    case OperationKind::Switchover:
    case OperationKind::Failover: break;
  }
  return check_rejoin(view, node);
}

bool is_of_node(OperationKind kind) {
  return kind == OperationKind::Maintenance || kind == OperationKind::MaintenanceEnd ||
         kind == OperationKind::Rejoin || kind == OperationKind::Reseed;
}

}  // namespace

Result<Operation> Engine::Impl::ask_of_node(const ClusterId& id, OperationKind kind,
                                            const NodeAsk& ask, Now now) {
  const auto found = state.clusters.find(id);
  if (found == state.clusters.end())
    return not_found("no cluster " + id.str(), "cdb get mysql -A lists them");
  if (deleting(id)) return precondition(id.str() + " is being deleted");
  ClusterRow row = found->second;
  const ClusterView view = view_of(row, now);
  CDB_TRY(check(view, kind, ask));
  Changes changes;
  for (const Operation& operation : running_operations(id)) {
    const auto node = operation.arguments.find("node");
    if (!is_of_node(operation.kind) || node == operation.arguments.end() ||
        node->second != ask.node) {
      continue;
    }
    // The end of a maintenance that has not begun takes it back; a second word replaces the first.
    if (operation.kind == kind) return operation;
    changes.put_operations.push_back(fail_operation(
        operation, fmt::format("{} was asked for instead", to_string(kind)), "", now.wall));
  }
  Operation operation = begin_operation(kind, id, model::OperationId(config.new_id()),
                                        row.record.version.epoch, now.wall);
  operation.arguments["node"] = ask.node;
  if (!ask.who.empty()) operation.arguments["who"] = ask.who;
  const MemberView& member = view.members.at(NodeName(ask.node));
  if (kind == OperationKind::Reseed) {
    operation.arguments["replaces"] = member.report->incarnation;
    const model::GtidSet errant = errant_of(row.record, *member.report);
    if (!errant.empty()) operation.arguments["archives"] = errant.str();
  }
  if (ask.dry_run) return operation;
  const bool begins = kind == OperationKind::Maintenance;
  if (begins || kind == OperationKind::MaintenanceEnd) {
    row.members.at(NodeName(ask.node)).maintenance = begins;
    changes.put_clusters.push_back(row);
  }
  changes.put_operations.push_back(operation);
  changes.events.push_back(event(id, now, "operation.started", Severity::Info,
                                 fmt::format("{} {}{}", to_string(kind), operation.id.str(),
                                             ask.who.empty() ? "" : " asked for by " + ask.who),
                                 ask.node));
  CDB_TRY(commit(changes));
  drive(id, now);
  return operation;
}

void Engine::Impl::add_node_requests(const ClusterRow& row, ClusterView& view) const {
  for (const Operation& operation : running_operations(row.id)) {
    const auto node = operation.arguments.find("node");
    if (node == operation.arguments.end()) continue;
    const auto member = view.members.find(NodeName(node->second));
    if (member == view.members.end()) continue;
    if (operation.kind == OperationKind::Rejoin || operation.kind == OperationKind::Reseed) {
      member->second.rejoin = operation.id.str();
    }
    const auto replaces = operation.arguments.find("replaces");
    const bool still_there = operation.kind == OperationKind::Reseed && member->second.report &&
                             replaces != operation.arguments.end() &&
                             member->second.report->incarnation == replaces->second;
    if (still_there) member->second.reseed = replaces->second;
  }
}

void Engine::Impl::add_node_facts(const ClusterRow& row, const Operation& operation,
                                  OperationFacts& facts) const {
  const auto named = operation.arguments.find("node");
  if (named == operation.arguments.end()) return;
  facts.node = named->second;
  facts.arguments = operation.arguments;
  const auto member = row.members.find(NodeName(named->second));
  if (member == row.members.end()) return;
  const NodeRuntime* node = runtime_of(member->second.node);
  if (node == nullptr || node->session == 0 || !node->report) return;
  facts.node_connected = true;
  facts.node_state = node->report->state;
  facts.node_incarnation = node->report->incarnation;
  facts.own_problem = node->report->problem;
  facts.node_level_now = node_level(row, member->first);
}

}  // namespace cdb::coordinator
