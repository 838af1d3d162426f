// What people ask of the engine.
#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "coordinator/core/apply.h"
#include "coordinator/core/election.h"
#include "coordinator/engine/engine_impl.h"

namespace cdb::coordinator {

using model::ClusterId;
using model::NodeName;

std::string random_id() {
  std::random_device device;
  return fmt::format("{:08x}{:04x}", device(), device() & 0xffffu);
}

void Engine::Impl::add_members(ClusterRow& row, const MysqlSpec& spec) const {
  // Unique among all servers of this coordinator.
  uint32_t highest = 0;
  for (const auto& [id, other] : state.clusters) {
    for (const auto& [name, member] : other.members)
      highest = std::max(highest, member.server_id);
  }
  for (const auto& [name, member] : row.members)
    highest = std::max(highest, member.server_id);
  const std::string version =
      row.members.empty() ? std::string{} : row.members.begin()->second.version;
  while (static_cast<int>(row.members.size()) < spec.replica + 1) {
    Member member;
    member.ordinal = row.next_ordinal++;
    member.node = {row.id, NodeName(fmt::format("{}-{}", row.id.name, member.ordinal))};
    member.server_id = ++highest;
    member.version = version;
    row.members.emplace(member.node.node, member);
  }
}

Result<std::vector<ApplyItem>> Engine::Impl::apply(const std::vector<Resource>& wanted,
                                                   bool dry_run, Now now) {
  const ApplyContext context{state.resources, state.clusters,        config.flavors,
                             versions,        config.check_settings, config.check_hook};
  CDB_ASSIGN_OR_RETURN(std::vector<PlannedResource> planned, plan_apply(context, wanted));

  Changes changes;
  std::vector<ApplyItem> items;
  for (PlannedResource& plan : planned) {
    if (plan.created) {
      plan.resource.uid = config.new_id();
      plan.resource.created = now.wall;
    }
    ApplyItem item;
    item.action = plan.created   ? ApplyAction::Created
                  : plan.changed ? ApplyAction::Configured
                                 : ApplyAction::Unchanged;
    item.warnings = std::move(plan.warnings);
    const ClusterId id{plan.resource.key.name_space, plan.resource.key.name};
    if (plan.created || plan.changed) changes.put_resources.push_back(plan.resource);
    if (plan.operation) {
      ClusterRow row =
          *plan.operation == OperationKind::Create ? ClusterRow{} : state.clusters.at(id);
      row.id = id;
      if (*plan.operation == OperationKind::Create) {
        row.uid = plan.resource.uid;
        add_members(row, std::get<MysqlSpec>(plan.resource.spec));
        for (auto& [name, member] : row.members)
          member.version = plan.version->str();
      } else if (*plan.operation == OperationKind::Scale) {
        add_members(row, std::get<MysqlSpec>(plan.resource.spec));
      } else if (row.record.version.epoch > 0) {
        ++row.record.version.version;  // so that every agent is seen to have taken it up
      }
      item.operation = begin_operation(*plan.operation, id, model::OperationId(config.new_id()),
                                       row.record.version.epoch, now.wall);
      changes.put_clusters.push_back(row);
      changes.put_operations.push_back(*item.operation);
      changes.events.push_back(
          event(id, now, "operation.started", Severity::Info,
                fmt::format("{} {}", to_string(*plan.operation), item.operation->id.str())));
    }
    item.resource.resource = plan.resource;
    items.push_back(std::move(item));
  }
  if (dry_run) return items;
  if (!changes.empty()) CDB_TRY(commit(changes));
  for (const ClusterRow& row : changes.put_clusters) {
    for (const auto& [name, member] : row.members) {
      NodeRuntime& node = nodes_[member.node];
      if (node.session == 0 && !node.lost_at) node.lost_at = now.at;
    }
    ClusterRuntime& runtime = clusters_[row.id];
    runtime.phase_since = now.at;
    if (runtime.known_since == Instant{}) runtime.known_since = now.at;
    drive(row.id, now);
  }
  for (ApplyItem& item : items)
    item.resource.status = status_of(item.resource.resource);
  return items;
}

Result<std::optional<Operation>> Engine::Impl::remove(const ResourceKey& key, Now now) {
  const auto found = state.resources.find(key);
  if (found == state.resources.end()) {
    if (key.kind == Kind::Instance || key.kind == Kind::Connector) {
      return precondition(key.str() + " belongs to its cluster", "delete the MySQL instead");
    }
    return not_found("no " + key.str());
  }
  const ClusterId id{key.name_space, key.name};
  Changes changes;
  if (key.kind != Kind::Mysql) {
    changes.erase_resources.push_back(key);
    changes.events.push_back(event(id, now, "resource.deleted", Severity::Info, key.str()));
    CDB_TRY(commit(changes));
    return std::optional<Operation>{};
  }
  for (const Operation& operation : running_operations(id)) {
    if (operation.kind == OperationKind::Delete) return std::optional<Operation>(operation);
    changes.put_operations.push_back(
        fail_operation(operation, "the cluster is being deleted", "", now.wall));
  }
  Resource resource = found->second;
  resource.deleting = true;
  changes.put_resources.push_back(resource);
  Operation operation =
      begin_operation(OperationKind::Delete, id, model::OperationId(config.new_id()), 0, now.wall);
  changes.put_operations.push_back(operation);
  changes.events.push_back(event(id, now, "operation.started", Severity::Info,
                                 fmt::format("delete {}", operation.id.str())));
  CDB_TRY(commit(changes));
  ClusterRuntime& runtime = clusters_[id];
  runtime.publish_after = now.at;
  drive(id, now);
  return std::optional<Operation>(operation);
}

// A word that comes while an earlier one is under way: refused, unless it is the last resort.
Status Engine::Impl::supersede(const ClusterId& id, bool allow_loss, Changes& changes,
                               Now now) const {
  for (const Operation& operation : running_operations(id)) {
    if (operation.kind != OperationKind::Switchover && operation.kind != OperationKind::Failover) {
      continue;
    }
    const std::string under_way =
        fmt::format("{} {}", to_string(operation.kind), operation.id.str());
    if (!allow_loss) {
      return precondition(fmt::format("{} of {} is under way", under_way, id.str()),
                          "wait for it: cdb operations " + operation.id.str());
    }
    changes.put_operations.push_back(fail_operation(
        operation, "a failover with --allow-data-loss took its place", "", now.wall));
  }
  return {};
}

std::string Engine::Impl::best_target(const ClusterView& view) {
  std::string to;
  uint64_t most = 0;
  int preferred = 0;
  for (const auto& [name, member] : view.members) {
    if (name == view.record.primary || !check_request(view, {true, name, {}})) continue;
    const uint64_t held = member.report->server->executed.count();
    const bool better = member.priority != preferred ? member.priority > preferred : held > most;
    if (!to.empty() && !better) continue;
    to = name.str();
    most = held;
    preferred = member.priority;
  }
  return to;
}

Result<Operation> Engine::Impl::elect(const ClusterId& id, OperationKind kind,
                                      const FailoverAsk& ask, Now now) {
  const auto found = state.clusters.find(id);
  if (found == state.clusters.end())
    return not_found("no cluster " + id.str(), "cdb get mysql -A lists them");
  if (deleting(id)) return precondition(id.str() + " is being deleted");
  const ClusterRow& row = found->second;
  Changes changes;
  CDB_TRY(supersede(id, ask.allow_data_loss, changes, now));
  const ClusterView view = view_of(row, now);
  const bool planned = kind == OperationKind::Switchover;
  std::string to = ask.to;
  if (to.empty() && planned) {
    to = best_target(view);
    if (to.empty())
      return precondition("no replica of " + id.str() + " can take over now",
                          "cdb topology " + id.name + " shows why");
  }
  if (ask.allow_data_loss && ask.reason.empty())
    return invalid("a failover that may lose data needs a reason", "give --reason TEXT");
  CDB_TRY(check_request(view, {planned, NodeName(to), {}, ask.allow_data_loss}));
  Operation operation = begin_operation(kind, id, model::OperationId(config.new_id()),
                                        row.record.version.epoch, now.wall);
  operation.arguments["to"] = to;
  operation.arguments["from"] = row.record.primary.str();
  if (!ask.reason.empty()) operation.arguments["reason"] = ask.reason;
  if (!ask.who.empty()) operation.arguments["who"] = ask.who;
  if (ask.allow_data_loss) {
    ClusterView wanted = view;
    wanted.record.candidate = NodeName(to);
    operation.arguments["allow_data_loss"] = "true";
    operation.arguments["may_be_lost"] = elect_at_any_price(wanted).loss;
  }
  if (ask.dry_run) return operation;
  changes.put_operations.push_back(operation);
  changes.events.push_back(event(
      id, now, "operation.started", ask.allow_data_loss ? Severity::Error : Severity::Info,
      fmt::format("{} {} to {}{}{}", to_string(kind), operation.id.str(),
                  to.empty() ? "the best replica" : to, ask.who.empty() ? "" : " by " + ask.who,
                  ask.allow_data_loss ? " with --allow-data-loss: " + ask.reason +
                                            "; may be lost: " + operation.arguments["may_be_lost"]
                                      : "")));
  CDB_TRY(commit(changes));
  drive(id, now);
  return operation;
}

}  // namespace cdb::coordinator
