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

// Fewer are waited for from now on: recorded, then done.
static ClusterRecord with_fewer_acks(const ClusterView& view, int acks) {
  ClusterRecord record = next_version(view);
  record.acks_required = std::min(record.acks_required, acks);
  record.acks_wanted = acks;
  return record;
}

Match lower(const ClusterView& view) {
  const int wanted = view.policy.lossless ? view.policy.acks : 0;
  if (!steady_primary(view) || view.record.acks_wanted <= wanted) return std::nullopt;
  return Outcome{fmt::format("policy asks for {} instead of {} acknowledgements", wanted,
                             view.record.acks_wanted),
                 with_fewer_acks(view, wanted)};
}

static bool is_short(const ClusterView& view) {
  return steady_primary(view) && view.policy.lossless && view.record.acks_wanted > 0 &&
         view.ackers_short_for >= view.policy.weaken_after &&
         live_ackers(view) < view.record.acks_wanted;
}

Match weaken(const ClusterView& view) {
  if (view.policy.without_ackers == WithoutAckers::Block) return std::nullopt;
  // A person takes ackers away: what is left is waited for before they go, not after.
  const auto lasting = static_cast<int>(
      std::count_if(view.record.ackers.begin(), view.record.ackers.end(), [&](const auto& acker) {
        const MemberView* member = find_member(view, acker.first);
        return member != nullptr && !is_taken(*member) &&
               !view.record.leaving.contains(acker.first);
      }));
  const bool taken =
      std::any_of(view.record.ackers.begin(), view.record.ackers.end(), [&](const auto& acker) {
        const MemberView* member = find_member(view, acker.first);
        return member != nullptr && is_taken(*member);
      });
  if (taken && steady_primary(view) && view.policy.lossless && lasting < view.record.acks_wanted) {
    return Outcome{fmt::format("{} of {} ackers remain while a person has the others", lasting,
                               view.record.acks_wanted),
                   with_fewer_acks(view, lasting)};
  }
  if (!is_short(view)) return std::nullopt;
  const int live = live_ackers(view);
  return Outcome{fmt::format("{} of {} ackers connected for {}: writes go on {}", live,
                             view.record.ackers.size(), to_text(view.ackers_short_for),
                             live == 0 ? "unprotected" : "with those"),
                 with_fewer_acks(view, live)};
}

Match forbid(const ClusterView& view) {
  if (!is_short(view)) return std::nullopt;
  return blocked(view, fmt::format("{} of {} ackers are connected and policy forbids fewer: writes "
                                   "wait",
                                   live_ackers(view), view.record.acks_wanted));
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

static bool is_to_be_seeded(const ClusterView& view, const NodeName& name) {
  if (!is_current(view, name)) return false;
  const NodeReport& report = *find_member(view, name)->report;
  if (!errant_of(view.record, report).empty()) return true;
  if (!report.server) return false;
  const std::string& error = report.server->replication.receiver_error;
  return error.find("1236") != std::string::npos && error.find("purged") != std::string::npos;
}

Match begin_leave(const ClusterView& view) {
  if (!steady_primary(view) || !view.policy.lossless) return std::nullopt;
  for (const auto& [name, incarnation] : view.record.ackers) {
    if (view.record.leaving.contains(name)) continue;
    const MemberView* member = find_member(view, name);
    if (left_for_good(view, name)) {
      ClusterRecord record = next_version(view);
      record.leaving.insert(name);
      return Outcome{
          name.str() + " is away or taken out: a failover should not have to wait for it", record};
    }
    const bool gone = member == nullptr;
    const bool other_data = member != nullptr && member->connected && member->report &&
                            member->report->accepted.epoch == view.record.version.epoch &&
                            !member->report->incarnation.empty() &&
                            member->report->incarnation != incarnation;
    const bool unwanted = !gone && is_to_leave(view, name);
    // What it holds besides, or has missed for good, costs it its copy of the data: not while that
    // copy counts.
    const bool ends = !gone && !other_data && !unwanted && is_to_be_seeded(view, name);
    if (!gone && !other_data && !unwanted && !ends) continue;
    ClusterRecord record = next_version(view);
    record.leaving.insert(name);
    return Outcome{name.str() + (ends                ? " is to be seeded anew"
                                 : !unwanted         ? " no longer has the data that it "
                                                       "acknowledged with"
                                 : is_taken(*member) ? " is taken out by a person"
                                                     : " stands in the primary's zone, and enough "
                                                       "others do not"),
                   record};
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

// Where the primary waits for more than are left no marker gets through, and nothing new is
// acknowledged either: what was is what it has committed.
static int holders_of(const ClusterView& view, const GtidSet& committed) {
  return static_cast<int>(
      std::count_if(view.record.ackers.begin(), view.record.ackers.end(), [&](const auto& acker) {
        return same_incarnation(view, acker.first) && find_member(view, acker.first)->connected &&
               holdings(*find_member(view, acker.first)->report).contains(committed);
      }));
}

Match finish_leave(const ClusterView& view) {
  if (!steady_primary(view) || !view.policy.lossless || view.record.leaving.empty()) {
    return std::nullopt;
  }
  for (const NodeName& name : view.record.leaving) {
    const auto acker = view.record.ackers.find(name);
    if (acker != view.record.ackers.end() && !acker->second.empty()) return std::nullopt;
  }
  ClusterRecord record = next_version(view);
  for (const NodeName& name : record.leaving)
    record.ackers.erase(name);
  record.leaving.clear();
  // Fewer than k may be left where policy forbids to wait for fewer: then all of them hold it.
  record.acks_required = std::min(record.acks_required, static_cast<int>(record.ackers.size()));
  const NodeReport* primary = primary_now(view);
  const bool starved =
      primary->accepted == view.record.version && primary->server &&
      primary->server->semisync.source_enabled &&
      primary->server->semisync.acks_required > static_cast<int>(record.ackers.size());
  const auto holders = starved ? holders_of(view, primary->server->executed)
                               : static_cast<int>(holders_of_marker(view).size());
  if (holders < record.acks_required) return std::nullopt;
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
        is_taken(member) || member.report->state != NodeState::Replica) {
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

Match change_durability(const ClusterView& view) {
  if (!is_opened_phase(view.record.phase)) return std::nullopt;
  const ClusterRecord& now = view.record;
  ClusterRecord record = next_version(view);
  if (view.policy.lossless) {
    // From now on the primary may do without their holds: by record before it hears of it.
    if (now.voters.empty() && now.holds_required == 0) return std::nullopt;
    for (const NodeName& name : now.voters)
      record.leaving.erase(name);
    record.voters.clear();
    record.holds_required = 0;
    return Outcome{"acknowledgements take the place of voters", record};
  }
  if (now.acks_required > 0 || now.acks_wanted > 0 || now.ackers.empty()) return std::nullopt;
  // Nothing waits for them any more; as replicas they can become voters.
  for (const auto& [name, incarnation] : now.ackers)
    record.leaving.erase(name);
  record.ackers.clear();
  return Outcome{"nothing is acknowledged any more: the ackers are replicas", record};
}

Match drop_voter(const ClusterView& view) {
  if (!steady_primary(view) || view.policy.lossless) return std::nullopt;
  for (const NodeName& name : view.record.voters) {
    const MemberView* member = find_member(view, name);
    const bool gone = member == nullptr || view.removing.contains(name) || member->never_promote ||
                      is_taken(*member) ||
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
        view.removing.contains(name) || is_taken(member) || !is_current(view, name)) {
      continue;
    }
    // At need: others are too few for good, not for a moment.
    const bool need =
        view.record.acks_wanted < view.policy.acks || view.ackers_short_for >= view.policy.silence;
    if (acks_only_at_need(view, view.record.primary, name) &&
        (enough_ackers_elsewhere(view) || !need)) {
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
  // One rise after the other: each needs its own proof.
  if (!steady_primary(view) || !view.policy.lossless || !view.record.leaving.empty() ||
      view.record.acks_required != view.record.acks_wanted) {
    return std::nullopt;
  }
  const auto ready = static_cast<int>(
      std::count_if(view.record.ackers.begin(), view.record.ackers.end(), [&](const auto& acker) {
        const MemberView* member = find_member(view, acker.first);
        return same_incarnation(view, acker.first) && member->connected && !is_taken(*member) &&
               member->report->state == NodeState::Acker;
      }));
  if (ready <= view.record.acks_wanted || view.record.acks_wanted >= view.policy.acks) {
    return std::nullopt;
  }
  ClusterRecord record = next_version(view);
  record.acks_wanted = std::min(ready, view.policy.acks);
  return Outcome{
      fmt::format("{} of {} ackers are ready to acknowledge", ready, view.record.ackers.size()),
      record};
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
