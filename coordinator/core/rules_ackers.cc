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

Match begin_leave(const ClusterView& view) {
  if (!steady_primary(view)) return std::nullopt;
  for (const auto& [name, incarnation] : view.record.ackers) {
    if (view.record.leaving.contains(name)) continue;
    const MemberView* member = find_member(view, name);
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

// It knows that it is to leave, and neither acknowledges nor would if its receiver came back.
static bool is_quiet(const ClusterView& view, const NodeName& name) {
  const MemberView* member = find_member(view, name);
  if (member == nullptr) return true;
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
  if (!steady_primary(view)) return std::nullopt;
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
  if (!steady_primary(view) || view.record.leaving.empty()) return std::nullopt;
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
