#include "coordinator/engine/engine.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "coordinator/core/grants.h"
#include "coordinator/engine/engine_impl.h"
#include "lib/base/log.h"

namespace cdb::coordinator {
namespace {

using model::ClusterId;
using model::NodeId;
using model::NodeName;

constexpr Duration kBusyTick = std::chrono::milliseconds(100);
constexpr Duration kQuietTick = std::chrono::seconds(1);
constexpr Duration kSlept = std::chrono::milliseconds(1500);  // between two ticks, or calls
constexpr Duration kRetry = std::chrono::seconds(1);
constexpr int kMostDecisionsPerTick = 16;

// What a rule's outcome is called in the event log. Stable: people alert on these names.
struct RuleEvent {
  std::string_view rule;
  std::string_view type;
  Severity severity;
};
constexpr std::array kRuleEvents{
    RuleEvent{"form", "cluster.forming", Severity::Info},
    RuleEvent{"elect", "election.candidate", Severity::Info},
    RuleEvent{"demoted", "switchover.closed", Severity::Info},
    RuleEvent{"demotion_undone", "switchover.undone", Severity::Warning},
    RuleEvent{"open", "election.opened", Severity::Info},
    RuleEvent{"candidate_lost", "election.candidate_lost", Severity::Warning},
    RuleEvent{"reopen", "primary.reopened", Severity::Info},
    RuleEvent{"primary_dead", "failover.decided", Severity::Warning},
    RuleEvent{"primary_lost", "failover.decided", Severity::Warning},
    RuleEvent{"primary_cut_off", "failover.decided", Severity::Warning},
    RuleEvent{"fence_proved", "primary.fenced", Severity::Info},
    RuleEvent{"durability_changed", "protection.changed", Severity::Info},
    RuleEvent{"drop_voter", "voter.leaving", Severity::Info},
    RuleEvent{"voter_dropped", "voter.left", Severity::Info},
    RuleEvent{"add_voter", "voter.added", Severity::Info},
    RuleEvent{"voters_confirmed", "voter.added", Severity::Info},
    RuleEvent{"override", "failover.data_loss_allowed", Severity::Error},
    RuleEvent{"lower", "protection.lowered", Severity::Info},
    RuleEvent{"requested", "election.requested", Severity::Info},
    RuleEvent{"published", "cluster.steady", Severity::Info},
    RuleEvent{"weaken", "protection.lost", Severity::Warning},
    RuleEvent{"leave_begin", "acker.leaving", Severity::Info},
    RuleEvent{"leave_quiet", "acker.leaving", Severity::Info},
    RuleEvent{"leave_end", "acker.left", Severity::Info},
    RuleEvent{"add_acker", "acker.added", Severity::Info},
    RuleEvent{"raise_begin", "protection.rising", Severity::Info},
    RuleEvent{"raise_end", "protection.gained", Severity::Info},
    RuleEvent{"unblock", "cluster.unblocked", Severity::Info},
};

RuleEvent event_of(std::string_view rule) {
  const auto* const found = std::find_if(kRuleEvents.begin(), kRuleEvents.end(),
                                         [&](const RuleEvent& e) { return e.rule == rule; });
  return found == kRuleEvents.end() ? RuleEvent{rule, "cluster.changed", Severity::Info} : *found;
}

}  // namespace

Engine::Impl::Impl(EngineConfig c, StateStore& s, Effects& e)
    : config(std::move(c)), store(s), effects(e) {}

Status Engine::Impl::load(Now now) {
  CDB_ASSIGN_OR_RETURN(state, store.load());
  for (const auto& [id, row] : state.clusters) {
    for (const auto& [name, member] : row.members) {
      NodeRuntime& node = nodes_[member.node];
      // A coordinator that has just started has not yet given anyone the time to call.
      if (node.session == 0) node.lost_at = now.at;
      // Nor what the one before it granted in its last moment, or for an absence.
      node.lease_until = std::max(node.lease_until, now.at + lapse_of(policy_for(row).ttl));
      // How much of an absence is left is not known: wall clocks are no measure.
      if (member.away_until) {
        node.absence_over = now.at + lapse_of(kLongestAbsence);
        node.lease_until = std::max(node.lease_until, node.absence_over);
      }
    }
    ClusterRuntime& cluster = clusters_[id];
    cluster.phase = row.record.phase;
    cluster.phase_since = now.at;
    cluster.known_since = now.at;
  }
  reload_ = false;
  ++revision;
  return {};
}

Status Engine::Impl::commit(const Changes& changes) {
  if (reload_) return unavailable("the state must be read again first");
  auto stored = store.commit(changes);
  if (!stored) {
    if (stored.error().code == Code::OutcomeUnknown) reload_ = true;
    log::error("store.commit_failed", "error=\"{}\"", stored.error().text());
    return stored.error();
  }
  for (const Resource& resource : changes.put_resources)
    state.resources[resource.key] = resource;
  for (const ResourceKey& key : changes.erase_resources)
    state.resources.erase(key);
  for (const ClusterRow& row : changes.put_clusters)
    state.clusters[row.id] = row;
  for (const ClusterId& id : changes.erase_clusters)
    state.clusters.erase(id);
  for (const Operation& operation : changes.put_operations) {
    state.operations[operation.id] = operation;
  }
  for (const Event& e : *stored) {
    state.last_event = std::max(state.last_event, e.sequence);
    log::info(e.type, "cluster={}{}{} {}", e.cluster.str(), e.node.empty() ? "" : " node=", e.node,
              e.message);
  }
  ++revision;
  return {};
}

Event Engine::Impl::event(const ClusterId& cluster, Now now, std::string type, Severity severity,
                          std::string message, std::string node) {
  return Event{0,        now.wall,          cluster, std::move(node), std::move(type),
               severity, std::move(message)};
}

// A coordinator that slept (stopped, or its machine was) has heard nobody, which says nothing of
// them: what they said meanwhile is still to be read.
void Engine::Impl::awake(Now now) {
  const bool slept = awake_at_ && now.at - *awake_at_ > kSlept;
  awake_at_ = now.at;
  if (!slept) return;
  log::warn("coordinator.slept", "nodes={}", nodes_.size());
  for (auto& [id, node] : nodes_) {
    if (node.session != 0) node.heard_at = now.at;
    if (node.lost_at) node.lost_at = now.at;
  }
}

Instant Engine::Impl::tick(Now now) {
  awake(now);
  if (reload_) {
    if (const Status loaded = load(now); !loaded) {
      log::error("store.load_failed", "error=\"{}\"", loaded.error().text());
      return now.at + kRetry;
    }
  }
  std::vector<ClusterId> ids;
  for (const auto& [id, row] : state.clusters)
    ids.push_back(id);
  bool all_quiet = true;
  for (const ClusterId& id : ids) {
    drive(id, now);
    all_quiet = all_quiet && quiet(id, now);
  }
  const Instant next = now.at + (all_quiet ? kQuietTick : kBusyTick);
  return all_quiet ? std::min(next, next_overdue(now)) : next;
}

// When the first session will have been silent for too long.
Instant Engine::Impl::next_overdue(Now now) const {
  Instant next = now.at + kQuietTick;
  for (const auto& [id, node] : nodes_) {
    if (node.session != 0 && node.reported) {
      next = std::min(next, std::max(now.at + kBusyTick, node.heard_at + config.silence));
    }
  }
  return next;
}

void Engine::Impl::drive(const ClusterId& id, Now now) {
  if (deleting(id)) {
    drive_deletion(id, now);
    return;
  }
  note_writable(id, now);
  begin_hooks_of_request(id, now);
  for (int i = 0; i < kMostDecisionsPerTick && decide_once(id, now); ++i) {
  }
  send_goals(id, now);
  drive_names(id, now);
  drive_machines(id, now);
  drive_operations(id, now);
}

bool Engine::Impl::decide_once(const ClusterId& id, Now now) {
  ClusterRow row = state.clusters.at(id);
  ClusterRuntime& runtime = clusters_[id];
  if (row.record.phase != runtime.phase) {
    runtime.phase = row.record.phase;
    runtime.phase_since = now.at;
  }
  ClusterView view = view_of(row, now);
  const MemberView* primary = find_member(view, row.record.primary);
  const bool primary_runs = primary != nullptr && primary->connected && primary->report &&
                            primary->report->mysqld == model::MysqldState::Running;
  const int wanted = std::max(row.record.acks_required, row.record.acks_wanted);
  // During an election ackers turn to the candidate: that says nothing of the time after it.
  const bool open = row.record.phase == Phase::Steady || row.record.phase == Phase::Publishing;
  if (!open || !primary_runs || live_ackers(view) >= wanted) {
    runtime.ackers_short_since.reset();
  } else if (!runtime.ackers_short_since) {
    runtime.ackers_short_since = now.at;
  }
  view.ackers_short_for =
      runtime.ackers_short_since ? now.at - *runtime.ackers_short_since : Duration::zero();

  const Decision decision = config.decide(view);
  if (!decision.record) {
    if (decision.why != runtime.last_why) {
      runtime.last_why = decision.why;
      log::debug("cluster.waits", "cluster={} rule={} why=\"{}\"", id.str(), decision.rule,
                 decision.why);
    }
    return false;
  }
  const bool newly_blocked =
      !decision.record->blocked.empty() && decision.record->version == row.record.version;
  RuleEvent named = event_of(decision.rule);
  if (newly_blocked) named = {decision.rule, "cluster.blocked", Severity::Warning};
  const std::string message =
      fmt::format("epoch {} version {}: {} [{}]", decision.record->version.epoch,
                  decision.record->version.version, decision.why, decision.rule);
  const ClusterRecord before = row.record;
  row.record = *decision.record;
  note_election(row, before, decision.rule, now);
  // What a person's word gave up is said as loudly as it was asked for.
  if (decision.rule == "elect" && row.record.allow_loss)
    named = {decision.rule, "failover.data_loss", Severity::Error};
  Changes changes;
  changes.put_clusters.push_back(row);
  changes.events.push_back(event(id, now, std::string(named.type), named.severity, message));
  if (!commit(changes)) return false;
  // The promise goes out before the next thought: every millisecond here is a write gap.
  send_goals(id, now);
  const bool asked = decision.rule == "requested" || decision.rule == "override";
  if (is_automatic(decision.rule) || (asked && row.record.phase == Phase::Revoking))
    run_hooks(row, HookMoment::Before, "failover", "");
  if (decision.rule == "published" && row.last_election && !row.last_election->from.empty()) {
    const bool planned = row.record.cause.rfind("switchover", 0) == 0;
    run_hooks(row, HookMoment::After, planned ? "switchover" : "failover", "");
  }
  return true;
}

void Engine::Impl::send_goals(const ClusterId& id, Now now) {
  const ClusterRow& row = state.clusters.at(id);
  const ClusterView view = view_of(row, now);
  const NodeSizing sizing = sizing_for(id);
  for (const auto& [name, member] : row.members) {
    NodeRuntime& node = nodes_[member.node];
    if (node.session == 0 || !node.reported) continue;
    const auto goal = goal_for(view, row, sizing, name);
    if (!goal || goal == node.sent) continue;
    node.sent = goal;
    node.sink->send(*goal);
  }
}

void Engine::Impl::drive_names(const ClusterId& id, Now now) {
  const ClusterRow& row = state.clusters.at(id);
  ClusterRuntime& runtime = clusters_[id];
  const Phase phase = row.record.phase;
  const bool open = row.record.opened && (phase == Phase::Publishing || phase == Phase::Steady);
  if (!open || runtime.publishing) return;
  const DnsRecords wanted = wanted_names(row);
  if (runtime.published == wanted || now.at < runtime.publish_after) return;
  runtime.publishing = wanted;
  effects.publish_dns(wanted);
}

void Engine::Impl::drive_machines(const ClusterId& id, Now now) {
  const ClusterRow& row = state.clusters.at(id);
  const MysqlSpec* spec = mysql_spec(id);
  if (spec == nullptr) return;
  const auto sizing = sizing_of(config.flavors, *spec);
  if (!sizing) return;
  for (const auto& [name, member] : row.members) {
    NodeRuntime& node = nodes_[member.node];
    if (node.asked || now.at < node.ask_after) continue;
    const bool silent =
        node.session == 0 && (!node.lost_at || now.at - *node.lost_at > config.power_on_after);
    // Without its address on record nobody finds it, however well it runs.
    const bool known = node.running && !member.address.empty();
    if (known && !silent) continue;
    if (known && node.session != 0) continue;
    if (node.running && member.maintenance) continue;  // a person may have switched it off
    const auto version = model::MysqlVersion::parse(member.version);
    if (!version) continue;
    node.asked = true;
    node.asked_at = now.at;
    effects.ensure_machine({member.node, *version, sizing->flavor.name, sizing->flavor.vcpu,
                            sizing->flavor.memory_bytes, sizing->disk_bytes, sizing->disk_kind});
  }
}

void Engine::Impl::drive_operations(const ClusterId& id, Now now) {
  const ClusterRow& row = state.clusters.at(id);
  for (const Operation& operation : running_operations(id)) {
    OperationFacts facts = facts_of(row);
    add_node_facts(row, operation, facts);
    Operation next = advance(operation, facts, now.wall);
    const bool election =
        next.kind == OperationKind::Switchover || next.kind == OperationKind::Failover;
    if (election && next.state == OperationState::Running &&
        row.record.version.epoch == next.epoch) {
      // The engine asked decide to begin and it did not: what was allowed at the request no longer
      // is.
      const auto request = request_of(row, now);
      const Status allowed = request ? check_request(view_of(row, now), *request) : Status{};
      if (!allowed)
        next = fail_operation(next, allowed.error().message, allowed.error().hint, now.wall);
    }
    if (next == operation) continue;
    const bool succeeded = next.state == OperationState::Succeeded && row.last_election;
    if (election && succeeded && row.last_election->write_gap)
      next.arguments["write_gap"] = to_text(*row.last_election->write_gap);
    bool persist = next.state != operation.state;
    for (size_t i = 0; i < next.steps.size() && !persist; ++i) {
      persist = next.steps[i].state != operation.steps[i].state;
    }
    if (!persist) {
      // Details and problems are seen anew after a restart.
      state.operations[next.id] = next;
      ++revision;
      continue;
    }
    Changes changes;
    changes.put_operations.push_back(next);
    if (next.state != operation.state) {
      const bool good = next.state == OperationState::Succeeded;
      changes.events.push_back(event(id, now, good ? "operation.succeeded" : "operation.failed",
                                     good ? Severity::Info : Severity::Error,
                                     fmt::format("{} {}{}{}", to_string(next.kind), next.id.str(),
                                                 next.problem.empty() ? "" : ": ", next.problem)));
    }
    if (!commit(changes)) return;
  }
}

void Engine::Impl::drive_deletion(const ClusterId& id, Now now) {
  const ClusterRow& row = state.clusters.at(id);
  ClusterRuntime& runtime = clusters_[id];
  if (!runtime.names_removed && !runtime.removing_names && now.at >= runtime.publish_after) {
    runtime.removing_names = true;
    effects.remove_dns(id);
  }
  bool machines_gone = true;
  for (const auto& [name, member] : row.members) {
    NodeRuntime& node = nodes_[member.node];
    machines_gone = machines_gone && node.removed;
    if (node.removed || node.asked || now.at < node.ask_after) continue;
    node.asked = true;
    effects.remove_machine(member.node);
  }
  drive_operations(id, now);
  if (!runtime.names_removed || !machines_gone) return;

  Changes changes;
  changes.erase_clusters.push_back(id);
  changes.erase_resources.push_back({Kind::Mysql, id.name_space, id.name});
  changes.events.push_back(
      event(id, now, "cluster.deleted", Severity::Info, "nothing of it is left"));
  const auto members = row.members;
  if (!commit(changes)) return;
  for (const auto& [name, member] : members) {
    NodeRuntime& node = nodes_[member.node];
    if (node.sink) node.sink->close(not_found(member.node.str() + " was deleted"));
    nodes_.erase(member.node);
  }
  clusters_.erase(id);
}

bool Engine::Impl::quiet(const ClusterId& id, Now now) const {
  const auto row = state.clusters.find(id);
  if (row == state.clusters.end()) return true;
  if (row->second.record.phase != Phase::Steady || deleting(id)) return false;
  if (!running_operations(id).empty()) return false;
  if (const auto runtime = clusters_.find(id);
      runtime != clusters_.end() && runtime->second.ackers_short_since) {
    return false;
  }
  return std::all_of(
      row->second.members.begin(), row->second.members.end(), [&](const auto& member) {
        const NodeRuntime* node = runtime_of(member.second.node);
        return node != nullptr && node->session != 0 && now.at - node->heard_at < config.silence;
      });
}

}  // namespace cdb::coordinator
