// What agents and workers tell the engine.
#include <algorithm>

#include <fmt/format.h>

#include "coordinator/core/grants.h"
#include "coordinator/engine/engine_impl.h"
#include "lib/base/log.h"

namespace cdb::coordinator {

using model::ClusterId;
using model::NodeId;

namespace {

// Nothing to think about: only the time that is left of its lease has changed.
bool is_heartbeat(const model::NodeReport& before, model::NodeReport now) {
  now.lease.left_ms = before.lease.left_ms;
  return before == now;
}

constexpr Duration kRetrySoon = std::chrono::milliseconds(300);
constexpr Duration kRetryLater = std::chrono::seconds(2);

std::string wording(const model::Discarded& discarded) {
  return fmt::format(
      "{} transactions that the cluster has not were {}: {}; the binary logs with "
      "them are kept in {}",
      discarded.gtids.count(),
      discarded.trimmed ? "cut off before they were committed"
                        : "wiped with the rest of its data, which are made anew",
      discarded.gtids.str(), discarded.archive);
}
}  // namespace

bool Engine::Impl::is_told(const NodeId& node, const std::string& type,
                           const std::string& message) const {
  const auto events = store.events({.cluster = node.cluster});
  return events && std::any_of(events->begin(), events->end(), [&](const Event& past) {
           return past.node == node.node.str() && past.type == type && past.message == message;
         });
}

Result<uint64_t> Engine::Impl::agent_connected(const NodeId& node, const AgentHello& hello,
                                               std::shared_ptr<AgentSink> sink, Now now) {
  const auto row = state.clusters.find(node.cluster);
  if (row == state.clusters.end() || !row->second.members.contains(node.node)) {
    return not_found("no node " + node.str() + " is known here",
                     "it was deleted, or belongs to another coordinator");
  }
  NodeRuntime& runtime = nodes_[node];
  if (runtime.sink)
    runtime.sink->close(conflict("a newer session of " + node.str() + " took over"));
  runtime.session = next_session_++;
  runtime.sink = std::move(sink);
  runtime.reported = false;
  runtime.sent.reset();
  runtime.running = true;
  runtime.machine_off = false;
  runtime.machine_problem.clear();
  log::info("agent.connected", "node={} version={} address={}", node.str(), hello.agent_version,
            hello.address);
  drive(node.cluster, now);
  ++revision;
  return runtime.session;
}

void Engine::Impl::agent_reported(const NodeId& node, uint64_t session, uint64_t sequence,
                                  const model::NodeReport& report, Now now) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end() || found->second.session != session) return;
  NodeRuntime& runtime = found->second;
  const bool writable = report.state == model::NodeState::Primary ||
                        report.state == model::NodeState::PrimaryUnprotected;
  if (writable && report.mysqld == model::MysqldState::Running) runtime.writable_at = now.at;
  awake(now);
  runtime.heard_at = now.at;
  if (report.accepted.epoch != runtime.promised_epoch) {
    runtime.promised_epoch = report.accepted.epoch;
    runtime.promised_since = now.at;
  }
  const Status member_kept = keep_lease_facts(node, report, now);
  runtime.sink->ack(sequence, member_kept ? grant(node, report, now) : std::nullopt);
  if (runtime.reported && runtime.report && is_heartbeat(*runtime.report, report)) {
    runtime.report->lease = report.lease;
    return;
  }
  const std::string old_problem = runtime.report ? runtime.report->problem : std::string{};
  const auto old_discarded = runtime.report ? runtime.report->discarded : std::nullopt;
  runtime.report = report;
  if (report.server) runtime.last_executed = report.server->executed;
  runtime.reported = true;
  runtime.lost_at.reset();
  ++revision;

  const auto row = state.clusters.find(node.cluster);
  if (row == state.clusters.end()) return;
  Changes changes;
  if (report.credentials && report.credentials->complete() && !row->second.credentials) {
    ClusterRow with_credentials = row->second;
    with_credentials.credentials = report.credentials;
    changes.put_clusters.push_back(std::move(with_credentials));
  }
  if (!report.problem.empty() && report.problem != old_problem) {
    changes.events.push_back(event(node.cluster, now, "node.problem", Severity::Warning,
                                   report.problem, node.node.str()));
  }
  if (report.discarded && report.discarded != old_discarded) {
    const std::string text = wording(*report.discarded);
    // A node tells it for good; a new coordinator has perhaps written it down before.
    if (!is_told(node, "node.discarded", text)) {
      changes.events.push_back(
          event(node.cluster, now, "node.discarded", Severity::Warning, text, node.node.str()));
    }
  }
  // A commit that failed is logged; the next report brings the same again.
  if (!changes.empty() && !commit(changes)) {
    runtime.report->problem = old_problem;
    runtime.report->discarded = old_discarded;
  }
  drive(node.cluster, now);
}

// A machine that shuts its own port, and an absence that was announced: on record before a grant
// counts on it.
Status Engine::Impl::keep_lease_facts(const NodeId& node, const model::NodeReport& report,
                                      Now now) {
  const auto row = state.clusters.find(node.cluster);
  if (row == state.clusters.end()) return {};
  const auto member = row->second.members.find(node.node);
  if (member == row->second.members.end()) return {};
  const bool gated = report.lease.fence == "kernel";
  std::optional<WallTime> away;
  if (report.lease.wanted_ms > 0) {
    const Duration absence =
        std::min<Duration>(std::chrono::milliseconds(report.lease.wanted_ms), kLongestAbsence);
    away = now.wall + std::chrono::duration_cast<std::chrono::microseconds>(absence);
  }
  const std::optional<WallTime>& known = member->second.away_until;
  // Said again with every heartbeat until it goes. What was granted for it may run on after the
  // agent is back, so the next coordinator has to know of it until then.
  NodeRuntime& runtime = nodes_[node];
  if (away) runtime.absence_over = now.at + lapse_of(kLongestAbsence);
  if (!away && known && now.at < runtime.absence_over) away = known;
  const bool same_absence =
      away ? known && *away - *known < std::chrono::seconds(1) : !known.has_value();
  if (member->second.gated == gated && same_absence) return {};
  ClusterRow changed = row->second;
  changed.members[node.node].gated = gated;
  changed.members[node.node].away_until = away;
  Changes changes;
  changes.put_clusters.push_back(std::move(changed));
  return commit(changes);
}

std::optional<model::LeaseGrant> Engine::Impl::grant(const NodeId& node,
                                                     const model::NodeReport& report, Now now) {
  const auto row = state.clusters.find(node.cluster);
  if (row == state.clusters.end() || reload_ || deleting(node.cluster)) return std::nullopt;
  const auto granted = grant_for(row->second.record, policy_for(row->second), node.node, report);
  if (granted) {
    Instant& until = nodes_[node].lease_until;
    until = std::max(until, now.at + lapse_of(granted->ttl));
  }
  return granted;
}

void Engine::Impl::agent_disconnected(const NodeId& node, uint64_t session, Now now) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end() || found->second.session != session) return;
  NodeRuntime& runtime = found->second;
  runtime.session = 0;
  runtime.sink.reset();
  runtime.reported = false;
  runtime.sent.reset();
  runtime.lost_at = now.at;
  ++revision;
  log::info("agent.disconnected", "node={}", node.str());
  if (state.clusters.contains(node.cluster)) drive(node.cluster, now);
}

void Engine::Impl::machine_ensured(const NodeId& node, const Result<Machine>& result, Now now) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  NodeRuntime& runtime = found->second;
  runtime.asked = false;
  runtime.machine_off = false;
  ++revision;
  if (!result) {
    if (runtime.machine_problem != result.error().text()) {
      log::warn("machine.problem", "node={} error=\"{}\"", node.str(), result.error().text());
    }
    runtime.machine_problem = result.error().text();
    runtime.ask_after = now.at + kRetryLater;
    return;
  }
  runtime.running = result->state == MachineState::Running;
  // An answer to a question from before the last session says nothing of the time after it.
  const bool since = !runtime.lost_at || runtime.asked_at >= *runtime.lost_at;
  runtime.machine_off = result->state == MachineState::Off && runtime.session == 0 && since;
  runtime.machine_problem = result->state == MachineState::Failed ? result->detail : std::string{};
  runtime.ask_after = now.at + (runtime.running ? config.power_on_after : kRetrySoon);
  const auto row = state.clusters.find(node.cluster);
  if (row == state.clusters.end() || result->address.empty()) return;
  const auto member = row->second.members.find(node.node);
  if (member != row->second.members.end() && member->second.address != result->address) {
    ClusterRow changed = row->second;
    changed.members[node.node].address = result->address;
    Changes changes;
    changes.put_clusters.push_back(std::move(changed));
    if (!commit(changes)) {
      runtime.ask_after = now.at + kRetrySoon;  // and then stored
      return;
    }
  }
  drive(node.cluster, now);
}

void Engine::Impl::machine_removed(const NodeId& node, const Result<MachineState>& result,
                                   Now now) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  NodeRuntime& runtime = found->second;
  runtime.asked = false;
  runtime.removed = result && *result == MachineState::Absent;
  runtime.machine_problem = result ? std::string{} : result.error().text();
  runtime.ask_after = now.at + (result ? std::chrono::milliseconds(100) : kRetryLater);
  ++revision;
  if (runtime.removed) drive(node.cluster, now);
}

void Engine::Impl::dns_published(const DnsRecords& records, const Status& result, Now now) {
  const auto found = clusters_.find(records.cluster);
  if (found == clusters_.end()) return;
  ClusterRuntime& runtime = found->second;
  runtime.publishing.reset();
  ++revision;
  if (result) {
    runtime.published = records;
    runtime.dns_problem.clear();
    runtime.publish_after = now.at;
  } else {
    if (runtime.dns_problem != result.error().text()) {
      log::warn("dns.problem", "cluster={} error=\"{}\"", records.cluster.str(),
                result.error().text());
    }
    runtime.dns_problem = result.error().text();
    // It may have been written all the same: what is there now is not known.
    runtime.published.reset();
    runtime.publish_after = now.at + kRetrySoon;
  }
  if (state.clusters.contains(records.cluster)) drive(records.cluster, now);
}

void Engine::Impl::dns_removed(const ClusterId& cluster, const Status& result, Now now) {
  const auto found = clusters_.find(cluster);
  if (found == clusters_.end()) return;
  ClusterRuntime& runtime = found->second;
  runtime.removing_names = false;
  runtime.names_removed = result.ok();
  runtime.dns_problem = result ? std::string{} : result.error().text();
  runtime.publish_after = now.at + kRetryLater;
  ++revision;
  if (state.clusters.contains(cluster)) drive(cluster, now);
}

}  // namespace cdb::coordinator
