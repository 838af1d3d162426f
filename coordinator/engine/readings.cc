// What the engine reads out of its state, for itself.
#include <algorithm>

#include <fmt/format.h>

#include "coordinator/core/apply.h"
#include "coordinator/engine/engine_impl.h"

namespace cdb::coordinator {

using model::ClusterId;
using model::NodeId;
using model::NodeName;
using model::NodeState;

const NodeRuntime* Engine::Impl::runtime_of(const NodeId& node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? nullptr : &found->second;
}

const MysqlSpec* Engine::Impl::mysql_spec(const ClusterId& id) const {
  const auto found = state.resources.find({Kind::Mysql, id.name_space, id.name});
  return found == state.resources.end() ? nullptr : std::get_if<MysqlSpec>(&found->second.spec);
}

bool Engine::Impl::deleting(const ClusterId& id) const {
  const auto found = state.resources.find({Kind::Mysql, id.name_space, id.name});
  return found != state.resources.end() && found->second.deleting;
}

OrchestratorSpec Engine::Impl::policy_of(const ClusterId& id) const {
  const auto found = state.resources.find({Kind::Orchestrator, id.name_space, id.name});
  if (found == state.resources.end()) return {};
  const auto* policy = std::get_if<OrchestratorSpec>(&found->second.spec);
  return policy == nullptr ? OrchestratorSpec{} : *policy;
}

bool Engine::Impl::lossless(const ClusterRow& row) const {
  if (row.members.empty()) return true;
  const auto version = model::MysqlVersion::parse(row.members.begin()->second.version);
  return version && is_lossless(*version, policy_of(row.id));
}

NodeSizing Engine::Impl::sizing_for(const ClusterId& id) const {
  NodeSizing node;
  const MysqlSpec* spec = mysql_spec(id);
  if (spec == nullptr) return node;
  if (const auto sizing = sizing_of(config.flavors, *spec)) {
    node.memory_bytes = sizing->flavor.memory_bytes;
    node.vcpu = sizing->flavor.vcpu;
    node.disk_kind = sizing->disk_kind;
    node.disk_bytes = sizing->disk_bytes;
  }
  const auto settings = state.resources.find({Kind::MysqlConfig, id.name_space, id.name});
  if (settings != state.resources.end()) {
    if (const auto* spec_of_config = std::get_if<MysqlConfigSpec>(&settings->second.spec)) {
      node.settings = spec_of_config->settings;
    }
  }
  return node;
}

std::vector<Operation> Engine::Impl::running_operations(const ClusterId& id) const {
  std::vector<Operation> running;
  for (const auto& [operation_id, operation] : state.operations) {
    if (operation.cluster == id && operation.state == OperationState::Running)
      running.push_back(operation);
  }
  return running;
}

std::optional<ElectionRequest> Engine::Impl::request_of(const ClusterRow& row, Now now) const {
  for (const Operation& operation : running_operations(row.id)) {
    const bool planned = operation.kind == OperationKind::Switchover;
    if (!planned && operation.kind != OperationKind::Failover) continue;
    if (operation.epoch != row.record.version.epoch) continue;  // taken up already
    if (waits_for_hooks(operation, now)) continue;
    const auto to = operation.arguments.find("to");
    const auto reason = operation.arguments.find("reason");
    ElectionRequest request;
    request.planned = planned;
    if (to != operation.arguments.end()) request.to = NodeName(to->second);
    request.allow_loss = operation.arguments.contains("allow_data_loss");
    request.cause = planned              ? "switchover asked for"
                    : request.allow_loss ? "failover with data loss allowed"
                                         : "failover asked for";
    const auto who = operation.arguments.find("who");
    if (who != operation.arguments.end()) request.cause += " by " + who->second;
    if (reason != operation.arguments.end()) request.cause += ": " + reason->second;
    return request;
  }
  return std::nullopt;
}

Policy Engine::Impl::policy_for(const ClusterRow& row) const {
  const OrchestratorSpec spec = policy_of(row.id);
  Policy policy;
  policy.lossless = lossless(row);
  policy.paused = spec.paused;
  // Three heartbeats may be late.
  policy.silence = std::max(config.silence, Duration(3 * spec.heartbeat));
  policy.heartbeat = spec.heartbeat;
  policy.ttl = spec.ttl;
  policy.acks = std::min(spec.acks, std::max(0, static_cast<int>(row.members.size()) - 1));
  policy.wait_for_proof = spec.wait_for_proof;
  policy.fence_by_time = spec.fence_by_time;
  policy.without_ackers = spec.without_ackers;
  policy.acks_from_other_zone = spec.acks_from_other_zone;
  policy.candidate_from_same_zone = spec.candidate_from_same_zone;
  policy.most_failovers = spec.anti_flap.failovers;
  return policy;
}

ClusterView Engine::Impl::view_of(const ClusterRow& row, Now now) const {
  ClusterView view;
  view.record = row.record;
  const OrchestratorSpec policy = policy_of(row.id);
  view.policy = policy_for(row);
  for (const auto& [name, member] : row.members) {
    MemberView seen;
    seen.ordinal = member.ordinal;
    seen.maintenance = member.maintenance;
    const auto priority = policy.priority.find(name.str());
    if (priority != policy.priority.end()) seen.priority = priority->second;
    const auto zone = policy.zones.find(name.str());
    if (zone != policy.zones.end()) seen.zone = zone->second;
    seen.never_promote = std::find(policy.never_promote.begin(), policy.never_promote.end(),
                                   name.str()) != policy.never_promote.end();
    if (const NodeRuntime* node = runtime_of(member.node)) {
      // A session whose other end is gone looks open; its heartbeats tell.
      const bool open = node->session != 0 && node->reported;
      seen.connected = open && now.at - node->heard_at < view.policy.silence;
      if (open && !seen.connected) seen.silent_for = now.at - node->heard_at;
      if (!open && node->lost_at) seen.silent_for = now.at - *node->lost_at;
      seen.lease_left = std::max(Duration::zero(), node->lease_until - now.at);
      if (node->report && node->report->accepted.epoch == row.record.version.epoch)
        seen.promised_for = now.at - node->promised_since;
      seen.machine_off = node->machine_off;
      seen.told_no_acker = node->sent && node->sent->state != NodeState::Acker && node->report &&
                           node->report->accepted >= node->sent->record;
      seen.report = node->report;
      seen.last_executed = node->last_executed;
    }
    seen.gated = member.gated;
    // A new agent's first words end it; before them, what is on record is believed.
    const bool announced =
        seen.report ? seen.report->lease.wanted_ms > 0 : member.away_until.has_value();
    seen.excused = announced && seen.lease_left > Duration::zero() && !seen.machine_off;
    if (member.removing) view.removing.insert(name);
    view.members.emplace(name, std::move(seen));
  }
  add_node_requests(row, view);
  view.request = request_of(row, now);
  view.recent_failovers = recent_failovers(row, now);
  view.dns_current = names_current(row);
  if (const auto runtime = clusters_.find(row.id); runtime != clusters_.end()) {
    view.in_phase_for = now.at - runtime->second.phase_since;
    const auto primary = row.members.find(row.record.primary);
    const NodeRuntime* node =
        primary == row.members.end() ? nullptr : runtime_of(primary->second.node);
    const bool seen_open = node != nullptr && node->writable_at;
    view.without_primary_for =
        now.at - (seen_open ? *node->writable_at : runtime->second.known_since);
    if (runtime->second.ackers_short_since)
      view.ackers_short_for = now.at - *runtime->second.ackers_short_since;
  }
  return view;
}

bool Engine::Impl::node_level(const ClusterRow& row, const NodeName& name) const {
  const auto member = row.members.find(name);
  if (member == row.members.end()) return false;
  const NodeRuntime* node = runtime_of(member->second.node);
  if (node == nullptr || node->session == 0 || !node->report) return false;
  const NodeState reported = node->report->state;
  if (name == row.record.primary)
    return reported == NodeState::Primary || reported == NodeState::PrimaryUnprotected;
  return reported == NodeState::Replica || reported == NodeState::Acker;
}

bool Engine::Impl::serves_reads(const ClusterRow& row, const NodeName& name) const {
  if (!node_level(row, name)) return false;
  const auto cap = policy_of(row.id).read_lag_cap;
  const auto& server = runtime_of(row.members.at(name).node)->report->server;
  if (cap.count() == 0 || !server || !server->replication.lag_s) return true;
  return std::chrono::seconds(*server->replication.lag_s) <= cap;
}

DnsRecords Engine::Impl::wanted_names(const ClusterRow& row) const {
  DnsRecords records;
  records.cluster = row.id;
  records.version = {row.record.version.epoch, 0};
  records.ttl = std::chrono::seconds(policy_of(row.id).dns_ttl_s);
  constexpr size_t kMostReadAddresses = 8;
  for (const auto& [name, member] : row.members) {
    if (member.address.empty()) continue;
    if (name == row.record.primary) {
      records.rw = member.address;
    } else if (serves_reads(row, name) && records.ro.size() < kMostReadAddresses) {
      records.ro.push_back(member.address);
    }
  }
  if (records.ro.empty() && records.rw) records.ro.push_back(*records.rw);
  return records;
}

bool Engine::Impl::names_current(const ClusterRow& row) const {
  const auto runtime = clusters_.find(row.id);
  if (runtime == clusters_.end() || !runtime->second.published) return false;
  const DnsRecords wanted = wanted_names(row);
  return runtime->second.published->version == wanted.version &&
         runtime->second.published->rw == wanted.rw;
}

OperationFacts Engine::Impl::facts_of(const ClusterRow& row) const {
  OperationFacts facts;
  facts.members = static_cast<int>(row.members.size());
  facts.record = row.record;
  facts.blocked = row.record.blocked;
  const bool open_phase =
      row.record.phase == Phase::Publishing || row.record.phase == Phase::Steady;
  facts.opened = row.record.opened && open_phase && node_level(row, row.record.primary);
  const bool wants_acks = lossless(row) && row.members.size() > 1;
  const int acks = std::min(policy_of(row.id).acks, facts.members - 1);
  facts.as_protected_as_wanted = !wants_acks || row.record.acks_required >= acks;
  facts.names_published = names_current(row);
  for (const auto& [name, member] : row.members) {
    const NodeRuntime* node = runtime_of(member.node);
    if (node == nullptr) continue;
    facts.machines_running += node->running && !member.address.empty() ? 1 : 0;
    facts.agents_connected += node->session != 0 && node->reported ? 1 : 0;
    facts.nodes_level += node_level(row, name) ? 1 : 0;
    facts.machines_left += node->removed ? 0 : 1;
    const bool configured = node->session != 0 && node->report &&
                            node->report->accepted == row.record.version &&
                            node->report->doing.empty() && node->report->problem.empty();
    facts.nodes_configured += configured ? 1 : 0;
    if (!node->machine_problem.empty())
      facts.machine_problem = name.str() + ": " + node->machine_problem;
    if (node->report && !node->report->problem.empty())
      facts.node_problem = name.str() + ": " + node->report->problem;
  }
  if (const auto runtime = clusters_.find(row.id); runtime != clusters_.end()) {
    facts.dns_problem = runtime->second.dns_problem;
    facts.names_removed = runtime->second.names_removed;
  }
  return facts;
}

std::string Engine::Impl::protection_of(const ClusterRow& row) const {
  if (row.members.size() < 2) return "unprotected: single node";
  if (!lossless(row)) return "asynchronous";
  if (row.record.acks_required == 0) return "unprotected: no acker";
  const int acks = std::min(policy_of(row.id).acks, static_cast<int>(row.members.size()) - 1);
  if (row.record.acks_required >= acks) return "protected";
  return fmt::format("protected by {} of {} acks", row.record.acks_required, acks);
}

}  // namespace cdb::coordinator
