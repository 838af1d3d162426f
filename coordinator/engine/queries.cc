// What the engine shows to people.
#include <algorithm>

#include <fmt/format.h>

#include "coordinator/core/apply.h"
#include "coordinator/engine/engine_impl.h"

namespace cdb::coordinator {

using model::ClusterId;
using model::NodeName;

ResourceStatus Engine::Impl::status_of(const Resource& resource) const {
  if (resource.key.kind == Kind::Mysql) return mysql_status(resource);
  ResourceStatus status;
  status.state = "ready";
  return status;
}

ResourceStatus Engine::Impl::mysql_status(const Resource& resource) const {
  ResourceStatus status;
  const auto found = state.clusters.find({resource.key.name_space, resource.key.name});
  if (found == state.clusters.end()) {
    status.state = "creating";
    return status;
  }
  const ClusterRow& row = found->second;
  const OperationFacts facts = facts_of(row);
  status.version = row.members.empty() ? std::string{} : row.members.begin()->second.version;
  status.primary = row.record.primary.str();
  status.members = facts.members;
  status.ready_members = facts.nodes_level;
  status.epoch = row.record.version.epoch;
  status.protection = protection_of(row);
  const auto running = running_operations(row.id);
  const bool creating = std::any_of(running.begin(), running.end(), [](const Operation& o) {
    return o.kind == OperationKind::Create;
  });
  const std::vector<std::string> problems{facts.blocked, facts.machine_problem, facts.node_problem,
                                          facts.dns_problem};
  const auto problem = std::find_if(problems.begin(), problems.end(),
                                    [](const std::string& p) { return !p.empty(); });
  if (problem != problems.end()) status.message = *problem;
  if (resource.deleting) {
    status.state = "deleting";
  } else if (creating) {
    status.state = "creating";
  } else if (!row.record.blocked.empty() && !facts.opened) {
    status.state = "blocked";
  } else if (!facts.opened) {
    status.state = "unavailable";
  } else if (facts.nodes_level < facts.members || !facts.as_protected_as_wanted ||
             !facts.names_published) {
    status.state = "degraded";
  } else {
    status.state = "ready";
  }
  return status;
}

std::vector<ResourceView> Engine::Impl::generated(const ClusterRow& row) const {
  std::vector<ResourceView> views;
  const auto owner = state.resources.find({Kind::Mysql, row.id.name_space, row.id.name});
  const MysqlSpec* spec = mysql_spec(row.id);
  if (spec == nullptr) return views;
  const NodeSizing sizing = sizing_for(row.id);
  for (const auto& [name, member] : row.members) {
    ResourceView view;
    view.resource.key = {Kind::Instance, row.id.name_space, name.str()};
    view.resource.uid = row.uid + "-" + std::to_string(member.ordinal);
    view.resource.created = owner->second.created;
    view.resource.deleting = owner->second.deleting;
    view.resource.spec =
        InstanceSpec{row.id.name,        spec->flavor,
                     member.version,     static_cast<int64_t>(sizing.disk_bytes >> 30),
                     spec->storage_kind, member.address,
                     member.server_id};
    const NodeRuntime* node = runtime_of(member.node);
    const bool connected = node != nullptr && node->session != 0 && node->report;
    view.status.state =
        std::string(connected ? to_string(node->report->state) : to_string(model::NodeState::Lost));
    view.status.message = node == nullptr                  ? ""
                          : !node->machine_problem.empty() ? node->machine_problem
                          : node->report                   ? node->report->problem
                                                           : "";
    view.status.version = member.version;
    view.status.role = name == row.record.primary ? "primary" : "replica";
    view.status.epoch = connected ? node->report->accepted.epoch : 0;
    views.push_back(std::move(view));
  }
  const DnsRecords names = wanted_names(row);
  ResourceView connector;
  connector.resource.key = {Kind::Connector, row.id.name_space, row.id.name};
  connector.resource.uid = row.uid + "-connector";
  connector.resource.created = owner->second.created;
  const auto connection_view = connection(row.id);
  connector.resource.spec = ConnectorSpec{
      row.id.name, connection_view ? connection_view->rw_name : "", names.rw.value_or(""),
      connection_view ? connection_view->ro_name : "", names.ro};
  const auto runtime = clusters_.find(row.id);
  connector.status.state = names_current(row) ? "ready" : "pending";
  connector.status.message = runtime == clusters_.end() ? "" : runtime->second.dns_problem;
  views.push_back(std::move(connector));
  return views;
}

std::vector<ResourceView> Engine::Impl::resources(std::optional<Kind> kind,
                                                  const std::string& name_space) const {
  std::vector<ResourceView> views;
  for (const auto& [key, resource] : state.resources) {
    if ((kind && key.kind != *kind) || (!name_space.empty() && key.name_space != name_space))
      continue;
    views.push_back({resource, status_of(resource)});
  }
  for (const auto& [id, row] : state.clusters) {
    if (!name_space.empty() && id.name_space != name_space) continue;
    for (ResourceView& view : generated(row)) {
      if (!kind || view.resource.key.kind == *kind) views.push_back(std::move(view));
    }
  }
  std::sort(views.begin(), views.end(), [](const ResourceView& a, const ResourceView& b) {
    return a.resource.key < b.resource.key;
  });
  return views;
}

Result<ResourceView> Engine::Impl::resource(const ResourceKey& key) const {
  const auto found = state.resources.find(key);
  if (found != state.resources.end()) return ResourceView{found->second, status_of(found->second)};
  for (ResourceView& view : resources(key.kind, key.name_space)) {
    if (view.resource.key == key) return std::move(view);
  }
  return not_found("no " + key.str());
}

Result<TopologyView> Engine::Impl::topology(const ClusterId& id) const {
  const auto found = state.clusters.find(id);
  if (found == state.clusters.end())
    return not_found("no cluster " + id.str(), "cdb get mysql -A lists them");
  const ClusterRow& row = found->second;
  TopologyView view;
  view.cluster = id;
  view.record = row.record;
  view.protection = protection_of(row);
  view.last_election = row.last_election;
  const OrchestratorSpec policy = policy_of(id);
  view.paused = policy.paused;
  if (const auto runtime = clusters_.find(id); runtime != clusters_.end()) {
    view.dns_problem = runtime->second.dns_problem;
  }
  if (const auto c = connection(id)) {
    view.rw_name = c->rw_name;
    view.ro_name = c->ro_name;
  }
  const NodeRuntime* primary = nullptr;
  if (const auto p = row.members.find(row.record.primary); p != row.members.end())
    primary = runtime_of(p->second.node);
  for (const auto& [name, member] : row.members) {
    NodeView node;
    node.member = member;
    node.role = name == row.record.primary ? "primary" : "replica";
    const auto zone = policy.zones.find(name.str());
    if (zone != policy.zones.end()) node.zone = zone->second;
    const auto priority = policy.priority.find(name.str());
    if (priority != policy.priority.end()) node.priority = priority->second;
    node.never_promote =
        std::count(policy.never_promote.begin(), policy.never_promote.end(), name.str()) > 0;
    const auto acker = row.record.ackers.find(name);
    const NodeRuntime* runtime = runtime_of(member.node);
    node.report.state = model::NodeState::Lost;
    if (runtime != nullptr) {
      node.connected = runtime->session != 0 && runtime->reported;
      if (runtime->report) node.report = *runtime->report;
      if (!node.connected) node.report.state = model::NodeState::Lost;
      if (runtime->sent) node.goal = std::string(to_string(runtime->sent->state));
      if (!runtime->machine_problem.empty()) node.report.problem = runtime->machine_problem;
    }
    node.acker = acker != row.record.ackers.end() && !row.record.leaving.contains(name) &&
                 node.report.incarnation == acker->second;
    node.writable = node.connected && node.report.server && !node.report.server->read_only;
    if (node.role == "replica" && node.connected && node.report.server) {
      node.lag_s = node.report.server->replication.lag_s;
      if (primary != nullptr && primary->report && primary->report->server) {
        node.lag_transactions = static_cast<int64_t>(
            (primary->report->server->executed - node.report.server->executed).count());
      }
    }
    view.nodes.push_back(std::move(node));
  }
  std::sort(view.nodes.begin(), view.nodes.end(), [](const NodeView& a, const NodeView& b) {
    return a.member.ordinal < b.member.ordinal;
  });
  return view;
}

Result<ConnectionView> Engine::Impl::connection(const ClusterId& id) const {
  const auto found = state.clusters.find(id);
  if (found == state.clusters.end())
    return not_found("no cluster " + id.str(), "cdb get mysql -A lists them");
  const ClusterRow& row = found->second;
  ConnectionView view;
  view.rw_name = fmt::format("rw.{}.{}.{}", id.name, id.name_space, config.zone);
  view.ro_name = fmt::format("ro.{}.{}.{}", id.name, id.name_space, config.zone);
  view.user = model::kAppUser;
  if (row.credentials) view.password = row.credentials->app;
  const DnsRecords names = wanted_names(row);
  view.rw_address = names.rw.value_or("");
  view.ro_addresses = names.ro;
  view.dns_server = config.dns_server;
  return view;
}

}  // namespace cdb::coordinator
