// What runs before and after a change of the primary, and what is remembered of it.
#include <algorithm>

#include <fmt/format.h>

#include "coordinator/engine/engine_impl.h"
#include "lib/base/text.h"

namespace cdb::coordinator {

using model::ClusterId;

namespace {

constexpr size_t kShownOutput = 400;
constexpr size_t kMostRemembered = 200;

}  // namespace

bool is_automatic(std::string_view rule) {
  return rule == "primary_dead" || rule == "primary_lost" || rule == "primary_cut_off";
}

// --- hooks ---

void Engine::Impl::run_hooks(const ClusterRow& row, HookMoment moment, const std::string& kind,
                             const std::string& token) {
  const Hooks hooks = policy_of(row.id).hooks;
  const auto& commands = moment == HookMoment::Before ? hooks.before : hooks.after;
  if (commands.empty()) return;
  HookJob job;
  job.cluster = row.id;
  job.moment = moment;
  job.token = token;
  job.commands = commands;
  job.deadline = hooks.deadline;
  auto& environment = job.environment;
  environment["CDB_HOOK"] = moment == HookMoment::Before ? "before" : "after";
  environment["CDB_KIND"] = kind;
  environment["CDB_NAMESPACE"] = row.id.name_space;
  environment["CDB_CLUSTER"] = row.id.name;
  environment["CDB_EPOCH"] = std::to_string(row.record.version.epoch);
  environment["CDB_CAUSE"] = row.record.cause;
  environment["CDB_FROM"] = row.record.primary.str();
  environment["CDB_TO"] = row.record.candidate.str();
  if (moment == HookMoment::After && row.last_election) {
    environment["CDB_FROM"] = row.last_election->from;
    environment["CDB_TO"] = row.record.primary.str();
    environment["CDB_LOSS"] = row.last_election->loss;
    if (row.last_election->write_gap)
      environment["CDB_WRITE_GAP_MS"] = std::to_string(row.last_election->write_gap->count());
    environment["CDB_RW_ADDRESS"] = wanted_names(row).rw.value_or("");
  }
  effects.run_hooks(job);
}

void Engine::Impl::begin_hooks_of_request(const ClusterId& id, Now now) {
  const ClusterRow& row = state.clusters.at(id);
  const Hooks hooks = policy_of(id).hooks;
  if (hooks.before.empty()) return;
  for (const Operation& operation : running_operations(id)) {
    ClusterRuntime& runtime = clusters_[id];
    const bool waits =
        operation.kind == OperationKind::Switchover && operation.epoch == row.record.version.epoch;
    if (!waits || runtime.before.token == operation.id.str()) continue;
    runtime.before = {operation.id.str(), now.at + hooks.deadline, false};
    ClusterRow planned = row;
    const auto to = operation.arguments.find("to");
    planned.record.candidate = model::NodeName(to == operation.arguments.end() ? "" : to->second);
    planned.record.cause = "switchover asked for";
    run_hooks(planned, HookMoment::Before, "switchover", operation.id.str());
  }
}

bool Engine::Impl::waits_for_hooks(const Operation& operation, Now now) const {
  if (operation.kind != OperationKind::Switchover ||
      policy_of(operation.cluster).hooks.before.empty())
    return false;
  const auto runtime = clusters_.find(operation.cluster);
  if (runtime == clusters_.end() || runtime->second.before.token != operation.id.str()) return true;
  return !runtime->second.before.done && now.at < runtime->second.before.until;
}

void Engine::Impl::hooks_finished(const HookJob& job, const std::vector<HookResult>& results,
                                  Now now) {
  const auto runtime = clusters_.find(job.cluster);
  if (runtime == clusters_.end()) return;
  if (job.moment == HookMoment::Before && runtime->second.before.token == job.token)
    runtime->second.before.done = true;
  ++revision;
  Changes changes;
  const std::string when =
      job.environment.at("CDB_HOOK") + " the " + job.environment.at("CDB_KIND");
  for (const HookResult& result : results) {
    const std::string output = to_utf8(trim(result.output), kShownOutput);
    changes.events.push_back(
        event(job.cluster, now, result.fault.empty() ? "hook.succeeded" : "hook.failed",
              result.fault.empty() ? Severity::Info : Severity::Warning,
              fmt::format("{} {} {}{}", result.command, when,
                          result.fault.empty() ? "succeeded" : "failed: " + result.fault,
                          output.empty() ? "" : "; it said: " + output)));
  }
  // Only told: nothing depends on these events.
  if (!changes.empty() && !commit(changes)) return;
  if (state.clusters.contains(job.cluster)) drive(job.cluster, now);
}

// --- the last election ---

void Engine::Impl::note_election(ClusterRow& row, const ClusterRecord& before,
                                 std::string_view rule, Now now) {
  ClusterRuntime& runtime = clusters_[row.id];
  const ClusterRecord& record = row.record;
  if (record.version.epoch > before.version.epoch) {
    // What began before it and did not end is the same interruption for clients.
    const bool goes_on = row.last_election && !row.last_election->writable;
    if (!goes_on) {
      row.last_election = LastElection{};
      row.last_election->from = before.primary.str();
      row.last_election->decided = now.wall;
      const auto old = row.members.find(before.primary);
      const NodeRuntime* primary =
          old == row.members.end() ? nullptr : runtime_of(old->second.node);
      runtime.gap_since = primary == nullptr ? std::nullopt : primary->writable_at;
    }
    row.last_election->epoch = record.version.epoch;
    row.last_election->automatic = row.last_election->automatic || is_automatic(rule);
    if (is_automatic(rule)) {
      const auto window = policy_of(row.id).anti_flap.window;
      std::erase_if(row.failovers, [&](WallTime when) { return now.wall - when > window; });
      if (row.failovers.size() >= kMostRemembered) row.failovers.erase(row.failovers.begin());
      row.failovers.push_back(now.wall);
    }
  }
  if (!row.last_election || row.last_election->writable) return;
  row.last_election->cause = record.cause;
  row.last_election->loss = record.loss;
  row.last_election->to = record.opened ? record.primary.str() : record.candidate.str();
}

void Engine::Impl::note_writable(const ClusterId& id, Now now) {
  ClusterRow row = state.clusters.at(id);
  if (!row.last_election || row.last_election->writable || !row.record.opened) return;
  const auto member = row.members.find(row.record.primary);
  const NodeRuntime* node = member == row.members.end() ? nullptr : runtime_of(member->second.node);
  const bool open = node != nullptr && node->session != 0 && node->report &&
                    node->report->accepted.epoch == row.record.version.epoch &&
                    node_level(row, row.record.primary);
  if (!open) return;
  ClusterRuntime& runtime = clusters_[id];
  row.last_election->writable = now.wall;
  std::string message = row.record.primary.str() + " is writable";
  if (runtime.gap_since) {
    const auto gap =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.at - *runtime.gap_since);
    row.last_election->write_gap = gap;
    message += "; writes waited for at most " + to_text(gap);
  }
  Changes changes;
  changes.put_clusters.push_back(row);
  changes.events.push_back(
      event(id, now, "election.writable", Severity::Info, message, row.record.primary.str()));
  if (commit(changes)) runtime.gap_since.reset();
}

int Engine::Impl::recent_failovers(const ClusterRow& row, Now now) const {
  const auto window = policy_of(row.id).anti_flap.window;
  return static_cast<int>(std::count_if(row.failovers.begin(), row.failovers.end(),
                                        [&](WallTime when) { return now.wall - when <= window; }));
}

}  // namespace cdb::coordinator
