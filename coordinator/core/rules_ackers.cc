// The rules that change whose acknowledgements count, and how many are waited for.
#include <algorithm>

#include <fmt/format.h>

#include "coordinator/core/election.h"
#include "coordinator/core/rules.h"

namespace cdb::coordinator::rules {

using model::GtidSet;
using model::MysqldState;
using model::NodeName;
using model::NodeReport;
using model::NodeState;

static bool steady_primary(const ClusterView& view) {
  if (!is_opened_phase(view.record.phase)) return false;
  const NodeReport* report = primary_now(view);
  return report != nullptr && is_writable(*report);
}

// The primary wrote a row after the present version took effect; true for those who hold it.
static std::vector<NodeName> holders_of_marker(const ClusterView& view) {
  std::vector<NodeName> holders;
  const NodeReport* primary = primary_now(view);
  if (primary == nullptr || primary->accepted != view.record.version || !primary->marker) {
    return holders;
  }
  for (const auto& [name, incarnation] : view.record.ackers) {
    if (same_incarnation(view, name) && find_member(view, name)->connected &&
        holdings(*find_member(view, name)->report).contains(*primary->marker)) {
      holders.push_back(name);
    }
  }
  return holders;
}

Match weaken(const ClusterView& view) {
  if (!steady_primary(view) || view.record.acks_wanted == 0 || !view.policy.lossless) {
    return std::nullopt;
  }
  if (view.ackers_short_for < view.policy.weaken_after) return std::nullopt;
  ClusterRecord record = next_version(view);
  record.acks_required = 0;
  record.acks_wanted = 0;
  return Outcome{
      fmt::format("{} of {} ackers connected for {}: writes go on unprotected", live_ackers(view),
                  view.record.ackers.size(), to_text(view.ackers_short_for)),
      record};
}

// Away for longer than a restart takes, and the primary can keep its acknowledgements out.
static bool left_for_good(const ClusterView& view, const NodeName& name) {
  const MemberView* member = find_member(view, name);
  if (member == nullptr || view.removing.contains(name)) return true;
  const MemberView* primary = find_member(view, view.record.primary);
  const bool away = !member->connected && member->silent_for > view.policy.weaken_after;
  // Without acknowledgements to wait for there is nothing to keep out, and nobody to do it for.
  return away && primary->gated && live_ackers(view) >= std::max(1, view.record.acks_wanted);
}

Match begin_leave(const ClusterView& view) {
  if (!steady_primary(view) || !view.policy.lossless) return std::nullopt;
  for (const auto& [name, incarnation] : view.record.ackers) {
    if (view.record.leaving.contains(name)) continue;
    const MemberView* member = find_member(view, name);
    if (left_for_good(view, name)) {
      ClusterRecord record = next_version(view);
      record.leaving.insert(name);
      return Outcome{name.str() + " is away: a failover should not have to wait for it", record};
    }
    const bool gone = member == nullptr;
    const bool other_data = member != nullptr && member->connected && member->report &&
                            member->report->accepted.epoch == view.record.version.epoch &&
                            !member->report->incarnation.empty() &&
                            member->report->incarnation != incarnation;
    if (!gone && !other_data) continue;
    ClusterRecord record = next_version(view);
    record.leaving.insert(name);
    return Outcome{name.str() + " no longer has the data that it acknowledged with", record};
  }
  return std::nullopt;
}

// It knows that it is to leave, and neither acknowledges nor would if its receiver came back; or
// the primary's gate keeps it out.
static bool is_quiet(const ClusterView& view, const NodeName& name) {
  const MemberView* member = find_member(view, name);
  if (member == nullptr) return true;
  const NodeReport* primary = primary_now(view);
  if (primary != nullptr && primary->gate && *primary->gate >= view.record.version) return true;
  if (!member->connected || !member->report || member->report->accepted < view.record.version) {
    return false;
  }
  const NodeReport& report = *member->report;
  if (report.server) {
    return !report.server->semisync.replica_enabled && !report.server->semisync.replica_acking;
  }
  return report.mysqld == MysqldState::Stopped || report.mysqld == MysqldState::NotInitialised;
}

// Until then a write may be acknowledged by it alone, also after a marker that the rest holds: so
// the marker that counts is one of a later version.
Match note_quiet(const ClusterView& view) {
  if (!steady_primary(view) || !view.policy.lossless) return std::nullopt;
  for (const NodeName& name : view.record.leaving) {
    const auto acker = view.record.ackers.find(name);
    if (acker == view.record.ackers.end() || acker->second.empty() || !is_quiet(view, name)) {
      continue;
    }
    ClusterRecord record = next_version(view);
    record.ackers[name].clear();
    return Outcome{name.str() + " acknowledges no more", record};
  }
  return std::nullopt;
}

Match finish_leave(const ClusterView& view) {
  if (!steady_primary(view) || !view.policy.lossless || view.record.leaving.empty()) {
    return std::nullopt;
  }
  for (const NodeName& name : view.record.leaving) {
    const auto acker = view.record.ackers.find(name);
    if (acker != view.record.ackers.end() && !acker->second.empty()) return std::nullopt;
  }
  const auto holders = static_cast<int>(holders_of_marker(view).size());
  if (view.record.acks_required > 0 && holders < view.record.acks_required) return std::nullopt;
  ClusterRecord record = next_version(view);
  for (const NodeName& name : record.leaving)
    record.ackers.erase(name);
  record.leaving.clear();
  return Outcome{"the remaining ackers hold everything written before", record};
}

// In an opened epoch its agent has killed whatever was writable before it promised.
Match note_proof(const ClusterView& view) {
  if (!is_opened_phase(view.record.phase)) return std::nullopt;
  for (const NodeName& old : view.record.unfenced) {
    const NodeReport* report = is_current(view, old) ? report_of(view, old) : nullptr;
    const bool said =
        report != nullptr && !is_writable(*report) && report->mysqld != MysqldState::Stalled;
    if (!said && !fenced(view, old) && old != view.record.primary) continue;
    ClusterRecord record = next_version(view);
    record.unfenced.erase(old);
    return Outcome{old.str() + " is not writable any more", record};
  }
  return std::nullopt;
}

// --- asynchronous clusters: whose promises a failover needs ---
//
// A primary keeps itself open with one voter's hold, so a failover needs the promises of all. A
// voter that is added late only adds a promise; one is dropped once the primary does without it.

Match add_voter(const ClusterView& view) {
  if (!steady_primary(view) || view.policy.lossless || !view.record.leaving.empty()) {
    return std::nullopt;
  }
  for (const auto& [name, member] : view.members) {
    if (name == view.record.primary || view.record.voters.contains(name) ||
        view.removing.contains(name) || !is_current(view, name) || member.never_promote ||
        member.report->state != NodeState::Replica) {
      continue;
    }
    ClusterRecord record = next_version(view);
    record.voters.insert(name);
    return Outcome{name.str() + " is level with the primary", record};
  }
  return std::nullopt;
}

Match confirm_voters(const ClusterView& view) {
  if (!steady_primary(view) || view.policy.lossless || view.record.holds_required > 0 ||
      staying_voters(view.record).empty() || primary_now(view)->accepted < view.record.version) {
    return std::nullopt;
  }
  ClusterRecord record = next_version(view);
  record.holds_required = 1;
  return Outcome{"the primary asks for holds when the coordinator is away", record};
}

Match drop_voter(const ClusterView& view) {
  if (!steady_primary(view) || view.policy.lossless) return std::nullopt;
  for (const NodeName& name : view.record.voters) {
    const MemberView* member = find_member(view, name);
    const bool gone = member == nullptr || view.removing.contains(name) || member->never_promote ||
                      (!member->connected && member->silent_for > view.policy.weaken_after);
    if (!gone || view.record.leaving.contains(name)) continue;
    ClusterRecord record = next_version(view);
    record.leaving.insert(name);
    // Lowered by record before act: without voters the primary asks nobody.
    if (staying_voters(record).empty()) record.holds_required = 0;
    return Outcome{name.str() + " is away: a failover should not have to wait for it", record};
  }
  return std::nullopt;
}

Match voter_dropped(const ClusterView& view) {
  if (!steady_primary(view) || view.policy.lossless || view.record.leaving.empty() ||
      primary_now(view)->accepted < view.record.version) {
    return std::nullopt;
  }
  ClusterRecord record = next_version(view);
  record.voters = staying_voters(view.record);
  record.leaving.clear();
  return Outcome{"the primary does without its hold", record};
}

Match add_acker(const ClusterView& view) {
  if (!steady_primary(view) || !view.policy.lossless || !view.record.leaving.empty()) {
    return std::nullopt;
  }
  for (const auto& [name, member] : view.members) {
    if (name == view.record.primary || view.record.ackers.contains(name) ||
        view.removing.contains(name) || !is_current(view, name)) {
      continue;
    }
    const NodeReport& report = *member.report;
    if (report.state != NodeState::Replica || report.incarnation.empty() || !report.server ||
        !report.server->semisync.available || !errant_of(view.record, report).empty()) {
      continue;
    }
    ClusterRecord record = next_version(view);
    record.ackers.emplace(name, report.incarnation);
    return Outcome{name.str() + " is level with the primary", record};
  }
  return std::nullopt;
}

Match begin_raise(const ClusterView& view) {
  if (!steady_primary(view) || !view.policy.lossless || view.record.acks_wanted > 0) {
    return std::nullopt;
  }
  for (const auto& [name, incarnation] : view.record.ackers) {
    const MemberView* member = find_member(view, name);
    if (same_incarnation(view, name) && member->connected &&
        member->report->state == NodeState::Acker) {
      ClusterRecord record = next_version(view);
      record.acks_wanted = 1;
      return Outcome{name.str() + " is ready to acknowledge", record};
    }
  }
  return std::nullopt;
}

Match finish_raise(const ClusterView& view) {
  if (!steady_primary(view) || view.record.acks_required >= view.record.acks_wanted) {
    return std::nullopt;
  }
  const NodeReport* primary = primary_now(view);
  const bool took_effect = primary->server && primary->server->semisync.source_enabled &&
                           primary->server->semisync.acks_required == view.record.acks_wanted;
  const auto holders = static_cast<int>(holders_of_marker(view).size());
  if (!took_effect || holders < view.record.acks_wanted) return std::nullopt;
  ClusterRecord record = next_version(view);
  record.acks_required = record.acks_wanted;
  return Outcome{"everything the primary wrote is held by enough ackers", record};
}

Match unblock(const ClusterView& view) {
  if (view.record.blocked.empty()) return std::nullopt;
  ClusterRecord record = view.record;
  record.blocked.clear();
  return Outcome{"the reason is gone", record};
}

}  // namespace cdb::coordinator::rules
