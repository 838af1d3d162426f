#include "coordinator/core/decide.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "coordinator/core/election.h"

namespace cdb::coordinator {
namespace {

using model::GtidSet;
using model::MysqldState;
using model::NodeName;
using model::NodeReport;
using model::NodeState;

struct Outcome {
  std::string why{};
  std::optional<ClusterRecord> record{};
};
using Match = std::optional<Outcome>;

ClusterRecord next_version(const ClusterView& view) {
  ClusterRecord record = view.record;
  ++record.version.version;
  record.blocked.clear();
  return record;
}

ClusterRecord next_epoch(const ClusterView& view) {
  ClusterRecord record = view.record;
  record.version = {record.version.epoch + 1, 1};
  record.blocked.clear();
  return record;
}

// The same record that says why it does not go on. No new version: nothing is asked of anyone.
Outcome blocked(const ClusterView& view, std::string why) {
  if (view.record.blocked == why) return {why, std::nullopt};
  ClusterRecord record = view.record;
  record.blocked = why;
  return {std::move(why), std::move(record)};
}

Outcome wait(std::string why) {
  return {std::move(why), std::nullopt};
}

const NodeReport* report_of(const ClusterView& view, const NodeName& name) {
  const MemberView* member = find_member(view, name);
  return member != nullptr && member->report ? &*member->report : nullptr;
}

// The primary's report, if its session is open and it knows the present record.
const NodeReport* primary_now(const ClusterView& view) {
  return is_current(view, view.record.primary) ? report_of(view, view.record.primary) : nullptr;
}

bool is_writable(const NodeReport& report) {
  return report.state == NodeState::Primary || report.state == NodeState::PrimaryUnprotected;
}

bool is_opened_phase(Phase phase) {
  return phase == Phase::Steady || phase == Phase::Publishing;
}

// --- the beginning ---

Match store_is_old(const ClusterView& view) {
  for (const auto& [name, member] : view.members) {
    if (member.report && member.report->accepted > view.record.version) {
      return blocked(view, fmt::format("{} has seen epoch {} version {}, the store only {} and {}: "
                                       "the store is an old copy",
                                       name.str(), member.report->accepted.epoch,
                                       member.report->accepted.version, view.record.version.epoch,
                                       view.record.version.version));
    }
  }
  return std::nullopt;
}

Match form(const ClusterView& view) {
  if (view.record.phase != Phase::Forming) return std::nullopt;
  for (const auto& [name, member] : view.members) {
    if (view.removing.contains(name)) continue;
    if (!member.connected || !member.report) continue;
    const bool empty = member.report->state == NodeState::New &&
                       member.report->mysqld == MysqldState::NotInitialised;
    if (!empty) {
      return blocked(view, name.str() + " of a new cluster already has data: it is not used");
    }
    const bool first =
        std::all_of(view.members.begin(), view.members.end(), [&](const auto& other) {
          return view.removing.contains(other.first) || other.second.ordinal >= member.ordinal;
        });
    if (!first) continue;
    ClusterRecord record = next_epoch(view);
    record.phase = Phase::Promoting;
    record.candidate = name;
    record.cause = "created";
    return Outcome{"the first node is there", record};
  }
  return wait("waiting for the first node");
}

// --- an election under way ---

Match elect_candidate(const ClusterView& view) {
  if (view.record.phase != Phase::Revoking) return std::nullopt;
  for (const auto& [name, member] : view.members) {
    const bool may_answer = name != view.record.primary && member.connected && member.report &&
                            member.report->mysqld == MysqldState::Running;
    if (may_answer && member.report->accepted.epoch < view.record.version.epoch &&
        view.in_phase_for < view.policy.settle) {
      return wait("waiting for the promise of " + name.str());
    }
  }
  const Election election = elect(view);
  if (!election.candidate) {
    // Answers come within milliseconds; only what lasts is worth an event.
    if (view.in_phase_for < view.policy.settle) return wait(election.waiting_for);
    return blocked(view, election.waiting_for);
  }
  ClusterRecord record = next_version(view);
  record.phase = Phase::Promoting;
  record.candidate = *election.candidate;
  record.base = election.base;
  record.opened = false;
  record.proof_needed = record.proof_needed || !view.policy.lossless || record.acks_required == 0;
  record.ackers = first_ackers(view, *election.candidate, election.base);
  record.leaving.clear();
  record.acks_wanted = record.ackers.empty() ? 0 : 1;
  record.acks_required = record.acks_wanted;
  if (!election.loss.empty()) record.cause += "; " + election.loss;
  return Outcome{election.candidate->str() + " contains every acknowledged write", record};
}

Match finish_demotion(const ClusterView& view) {
  if (view.record.phase != Phase::Demoting) return std::nullopt;
  const NodeReport* old = report_of(view, view.record.primary);
  if (!is_current(view, view.record.primary) || old == nullptr || old->state != NodeState::Fenced ||
      !old->final_set) {
    return std::nullopt;
  }
  const NodeReport* candidate = report_of(view, view.record.candidate);
  if (candidate == nullptr || !unfit(view, view.record.candidate).empty()) return std::nullopt;
  ClusterRecord record = next_version(view);
  record.phase = Phase::Promoting;
  record.base.add(*old->final_set);
  record.opened = false;
  record.ackers = first_ackers(view, record.candidate, record.base);
  record.leaving.clear();
  record.acks_wanted = record.ackers.empty() ? 0 : 1;
  record.acks_required = record.acks_wanted;
  return Outcome{record.primary.str() + " is closed with its final set", record};
}

// Its session is closed, but not for long enough to mean anything: its agent restarts, or this
// coordinator has just started and nobody has had the time to call.
bool away_a_moment(const ClusterView& view, const NodeName& name) {
  const MemberView* member = find_member(view, name);
  return member != nullptr && !member->connected && member->silent_for <= view.policy.silence;
}

// There is no way back inside an epoch: undoing a switchover opens the old primary at a higher one.
// With the same ackers it need not close first, which it perhaps cannot.
Match undo_demotion(const ClusterView& view) {
  if (view.record.phase != Phase::Demoting) return std::nullopt;
  const bool late = view.in_phase_for > view.policy.demotion_limit;
  for (const NodeName& name : {view.record.primary, view.record.candidate}) {
    if (!late && away_a_moment(view, name)) return wait(name.str() + " is waited for");
  }
  const MemberView* member = find_member(view, view.record.primary);
  const bool heard = member != nullptr && member->connected && member->report;
  const bool old_alive = heard && member->report->mysqld == MysqldState::Running;
  const std::string trouble = unfit(view, view.record.candidate);
  if (trouble.empty() && !late) {
    const bool dead = !heard || member->report->mysqld == MysqldState::Stopped;
    if (!dead) return wait(view.record.primary.str() + " is closing");
  }
  ClusterRecord record = next_epoch(view);
  if (!old_alive) {
    record.phase = Phase::Revoking;
    record.unfenced.insert(record.primary);
    record.cause = "the primary died during a switchover";
    return Outcome{record.cause, record};
  }
  record.phase = Phase::Publishing;
  record.cause = trouble.empty() ? "switchover undone: the primary did not close in time"
                                 : "switchover undone: " + record.candidate.str() + ": " + trouble;
  record.candidate = NodeName{};
  record.unfenced.clear();
  record.opened = true;
  return Outcome{record.cause, record};
}

Match open_candidate(const ClusterView& view) {
  if (view.record.phase != Phase::Promoting) return std::nullopt;
  const ClusterRecord& now = view.record;
  const NodeReport* report = report_of(view, now.candidate);
  if (report == nullptr || !is_current(view, now.candidate) || report->accepted < now.version ||
      report->state != NodeState::Promoting || !report->server) {
    return std::nullopt;
  }
  if (!report->server->executed.contains(now.base)) return std::nullopt;
  if (now.proof_needed) {
    for (const NodeName& old : now.unfenced) {
      if (old != now.candidate && !fenced(view, old)) {
        return blocked(view, "no proof yet that " + old.str() + " is down");
      }
    }
  }
  ClusterRecord record = next_version(view);
  record.phase = Phase::Publishing;
  record.primary = now.candidate;
  record.primary_uuid = report->server->server_uuid;
  record.candidate = NodeName{};
  record.base = report->server->executed;
  record.opened = true;
  record.open_boot = report->mysqld_boot;
  record.unfenced.clear();
  record.proof_needed = false;
  return Outcome{now.candidate.str() + " is drained and ready", record};
}

// It runs and cannot come to hold the base: a crash of its machine took what it had received, the
// closed primary that it still had to receive from is gone, or its applier fails.
bool stranded(const ClusterView& view) {
  const NodeReport* report = report_of(view, view.record.candidate);
  if (report == nullptr || !is_current(view, view.record.candidate) || !report->server ||
      report->server->executed.contains(view.record.base)) {
    return false;
  }
  const auto& replication = report->server->replication;
  return !replication.applier_error.empty() || (!holdings(*report).contains(view.record.base) &&
                                                replication.receiver != model::ThreadState::On);
}

Match replace_candidate(const ClusterView& view) {
  if (view.record.phase != Phase::Promoting) return std::nullopt;
  const ClusterRecord& now = view.record;
  const MemberView* member = find_member(view, now.candidate);
  const bool gone = member == nullptr || view.removing.contains(now.candidate) ||
                    (!member->connected && member->silent_for > view.policy.silence) ||
                    (member->connected && member->report && now.version.epoch > 1 &&
                     (member->report->mysqld == MysqldState::Stopped ||
                      member->report->mysqld == MysqldState::NotInitialised));
  const bool stuck = !gone && !now.opened && now.version.epoch > 1 && stranded(view);
  if (!gone && !stuck) return wait(now.candidate.str() + " is being prepared");
  if (now.opened) {
    // An undone switchover: only the old primary is known to have every acknowledged write, unless
    // a quorum can say so.
    ClusterRecord record = next_epoch(view);
    record.phase = Phase::Revoking;
    record.unfenced.insert(now.candidate);
    record.cause = "the primary died while it was being reopened";
    return Outcome{record.cause, record};
  }
  // Nothing was acknowledged in this epoch: any holder of base will do, without a new quorum.
  for (const auto& [name, other] : view.members) {
    if (name == now.candidate || !unfit(view, name).empty()) continue;
    if (now.version.epoch > 1 && !holdings(*other.report).contains(now.base)) continue;
    if (now.base.empty() && now.version.epoch == 1) continue;
    // Else two such nodes would replace each other for ever.
    if (stuck && !other.report->server->replication.applier_error.empty()) continue;
    ClusterRecord record = next_epoch(view);
    record.phase = Phase::Promoting;
    record.candidate = name;
    record.ackers = first_ackers(view, name, now.base);
    record.ackers.erase(now.candidate);
    record.acks_wanted = record.ackers.empty() ? 0 : 1;
    record.acks_required = record.acks_wanted;
    record.cause += "; " + now.candidate.str() + " was lost while being prepared";
    return Outcome{name.str() + " holds the base too", record};
  }
  return blocked(view, now.candidate.str() +
                           (stuck ? " cannot come to hold the base" : " is gone") +
                           " and no other reachable node contains the base");
}

// --- a primary that is or was open ---

Match begin_requested(const ClusterView& view) {
  if (!view.request || !is_opened_phase(view.record.phase)) return std::nullopt;
  if (!check_request(view, *view.request)) return std::nullopt;
  ClusterRecord record = next_epoch(view);
  record.candidate = view.request->to;
  record.cause = view.request->cause;
  record.unfenced.insert(record.primary);
  record.phase = view.request->planned ? Phase::Demoting : Phase::Revoking;
  return Outcome{view.request->cause, record};
}

// mysqld was restarted where it was: it may hold a tail that nobody acknowledged. Once k ackers
// hold all of it, opening it can neither lose nor invent anything.
Match reopen_in_place(const ClusterView& view) {
  if (!is_opened_phase(view.record.phase)) return std::nullopt;
  const NodeReport* report = primary_now(view);
  if (report == nullptr || report->mysqld != MysqldState::Running || !report->server ||
      report->mysqld_boot == view.record.open_boot || report->state != NodeState::RejoinCheck) {
    return std::nullopt;
  }
  int holders = 0;
  for (const auto& [name, incarnation] : view.record.ackers) {
    const MemberView* member = find_member(view, name);
    if (same_incarnation(view, name) && member->connected &&
        holdings(*member->report).contains(report->server->executed)) {
      ++holders;
    }
  }
  if (holders < view.record.acks_required && view.ackers_short_for >= view.policy.weaken_after) {
    // With k = 0 on record no quorum can discard what clients will now read.
    ClusterRecord record = next_version(view);
    record.acks_required = 0;
    record.acks_wanted = 0;
    record.open_boot = report->mysqld_boot;
    return Outcome{"no acker is there to hold the binary log of " + view.record.primary.str() +
                       ": it is reopened unprotected",
                   record};
  }
  if (holders < view.record.acks_required) {
    return blocked(view,
                   fmt::format("{} was restarted; {} of {} ackers hold all of its binary log",
                               view.record.primary.str(), holders, view.record.acks_required));
  }
  ClusterRecord record = next_version(view);
  record.open_boot = report->mysqld_boot;
  return Outcome{view.record.primary.str() + " was restarted and has nothing that k ackers lack",
                 record};
}

// Whether a failover could succeed now, by those that are connected.
std::string cannot_elect(const ClusterView& view) {
  if (!view.policy.lossless) {
    for (const auto& [name, member] : view.members) {
      if (name != view.record.primary && unfit(view, name).empty() &&
          too_far_behind(view, name).empty()) {
        return {};
      }
    }
    return "no replica that can be promoted has nearly all that it wrote";
  }
  if (view.record.acks_required == 0) return "the primary was writing without an acker";
  int reachable = 0;
  bool candidate = false;
  for (const auto& [name, incarnation] : view.record.ackers) {
    const MemberView* member = find_member(view, name);
    if (!same_incarnation(view, name) || !member->connected ||
        member->report->mysqld != MysqldState::Running) {
      continue;
    }
    ++reachable;
    candidate = candidate || unfit(view, name).empty();
  }
  if (reachable < revocations_needed(view.record)) {
    return fmt::format("{} of {} ackers reachable, {} needed", reachable, view.record.ackers.size(),
                       revocations_needed(view.record));
  }
  return candidate ? std::string{} : "no acker can be promoted";
}

std::string cannot_fail_over(const ClusterView& view) {
  return view.policy.paused ? "automatic failover is paused" : cannot_elect(view);
}

Outcome fail_over(const ClusterView& view, std::string cause) {
  ClusterRecord record = next_epoch(view);
  record.phase = Phase::Revoking;
  record.candidate = NodeName{};
  record.unfenced.insert(record.primary);
  record.cause = std::move(cause);
  return {record.cause, record};
}

Match primary_dead(const ClusterView& view) {
  if (!is_opened_phase(view.record.phase)) return std::nullopt;
  const MemberView* member = find_member(view, view.record.primary);
  if (member == nullptr || !member->connected || !member->report) return std::nullopt;
  const MysqldState mysqld = member->report->mysqld;
  if (mysqld != MysqldState::Stopped && mysqld != MysqldState::NotInitialised) return std::nullopt;
  const std::string dead = mysqld == MysqldState::Stopped
                               ? "mysqld of " + view.record.primary.str() + " has ended"
                               : "the data directory of " + view.record.primary.str() + " is gone";
  if (const std::string obstacle = cannot_fail_over(view); !obstacle.empty()) {
    return blocked(view, dead + "; " + obstacle + ", so it is restarted in place");
  }
  return fail_over(view, dead);
}

Match primary_lost(const ClusterView& view) {
  if (!is_opened_phase(view.record.phase)) return std::nullopt;
  const MemberView* member = find_member(view, view.record.primary);
  if (member != nullptr && (member->connected || member->silent_for < view.policy.silence)) {
    return std::nullopt;
  }
  const std::string lost = "the agent of " + view.record.primary.str() + " is not connected";
  int blind = 0;  // those that say, now, that they get nothing from it either
  for (const auto& [name, other] : view.members) {
    if (name == view.record.primary || !other.connected || !other.report) continue;
    const bool counts = !view.policy.lossless || same_incarnation(view, name);
    if (!streams_from(*other.report, view.record.primary_uuid)) {
      blind += counts ? 1 : 0;
    } else if (counts) {
      return wait(lost + ", but " + name.str() + " still replicates from it: not failed over");
    }
  }
  if (const std::string obstacle = cannot_fail_over(view); !obstacle.empty()) {
    return blocked(view, lost + "; " + obstacle);
  }
  if (view.policy.lossless && blind < revocations_needed(view.record)) {
    return blocked(view, lost + "; too few ackers say that they do not see it");
  }
  if (!view.policy.lossless && !fenced(view, view.record.primary)) {
    return blocked(view, lost + ", and there is no proof that it is down");
  }
  return fail_over(view, lost + " and no acker sees it");
}

Match published(const ClusterView& view) {
  if (view.record.phase != Phase::Publishing || !view.dns_current) return std::nullopt;
  const NodeReport* report = primary_now(view);
  if (report == nullptr || !is_writable(*report)) return std::nullopt;
  ClusterRecord record = next_version(view);
  record.phase = Phase::Steady;
  return Outcome{"the names are published", record};
}

// --- who acknowledges ---

bool steady_primary(const ClusterView& view) {
  if (!is_opened_phase(view.record.phase)) return false;
  const NodeReport* report = primary_now(view);
  return report != nullptr && is_writable(*report);
}

// The primary wrote a row after the present version took effect; true for those who hold it.
std::vector<NodeName> holders_of_marker(const ClusterView& view) {
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
bool is_quiet(const ClusterView& view, const NodeName& name) {
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

struct Rule {
  std::string_view id;
  std::string_view sentence;
  Match (*match)(const ClusterView&);
};

constexpr std::array kRules{
    Rule{"store_is_old", "A node has seen a newer record than the store holds: nothing is decided",
         store_is_old},
    Rule{"form", "A new cluster starts with its first node, in epoch 1", form},
    Rule{"elect",
         "Enough ackers promised the new epoch: the best node that contains base is prepared",
         elect_candidate},
    Rule{"demoted", "The old primary closed with its final set: the candidate drains to it",
         finish_demotion},
    Rule{"demotion_undone",
         "A switchover that cannot go on elects the old primary at a higher epoch", undo_demotion},
    Rule{"open", "The candidate is drained, prepared and holds base: it becomes the primary",
         open_candidate},
    Rule{"candidate_lost",
         "The candidate is lost before it opened: another holder of base is prepared",
         replace_candidate},
    Rule{"requested", "A person asked for another primary", begin_requested},
    Rule{"reopen", "A primary restarted in place opens once k ackers hold its whole binary log",
         reopen_in_place},
    Rule{"primary_dead", "The primary's agent says that mysqld has ended: fail over", primary_dead},
    Rule{"primary_lost", "The primary's agent is gone and enough ackers do not see it: fail over",
         primary_lost},
    Rule{"published", "The names point to the primary: the cluster is steady", published},
    Rule{"weaken", "Fewer than k ackers are left: writes go on unprotected, and say so", weaken},
    Rule{"leave_begin", "An acker lost the data that it acknowledged with: it is to leave A",
         begin_leave},
    Rule{"leave_quiet", "An acker that is to leave acknowledges no more", note_quiet},
    Rule{"leave_end", "The rest of A holds everything written before: it has left A", finish_leave},
    Rule{"add_acker", "A level replica joins A before its acknowledgements count", add_acker},
    Rule{"raise_begin", "An acker is ready: the primary is told to wait for it", begin_raise},
    Rule{"raise_end", "Everything written is held by k ackers: k is raised", finish_raise},
    Rule{"unblock", "The reason for being blocked is gone", unblock},
};

}  // namespace

Decision decide(const ClusterView& view) {
  for (const Rule& rule : kRules) {
    if (Match outcome = rule.match(view)) {
      return {rule.id, std::move(outcome->why), std::move(outcome->record)};
    }
  }
  return {"steady", "nothing to do", std::nullopt};
}

std::vector<RuleInfo> decision_rules() {
  std::vector<RuleInfo> rules;
  for (const Rule& rule : kRules)
    rules.push_back({rule.id, rule.sentence});
  return rules;
}

Status check_request(const ClusterView& view, const ElectionRequest& request) {
  const ClusterRecord& record = view.record;
  if (!is_opened_phase(record.phase)) {
    return precondition("an election is under way (" + std::string(to_string(record.phase)) + ")",
                        "wait until the cluster is steady");
  }
  if (view.members.size() < 2) {
    return precondition("there is no replica to switch to", "raise spec.replica first");
  }
  if (!request.to.empty()) {
    if (request.to == record.primary) {
      return precondition(request.to.str() + " is the primary already");
    }
    if (!view.members.contains(request.to)) {
      return not_found("no node " + request.to.str() + " in this cluster");
    }
    if (const std::string trouble = unfit(view, request.to); !trouble.empty()) {
      return precondition(request.to.str() + " cannot become primary: " + trouble);
    }
  }
  if (!request.planned) {
    const std::string obstacle = cannot_elect(view);
    if (obstacle.empty()) return {};
    return precondition("a failover could not end well now: " + obstacle);
  }
  const NodeReport* primary = primary_now(view);
  if (primary == nullptr || !is_writable(*primary)) {
    return precondition(
        "the primary " + record.primary.str() + " is not up, so it cannot co-operate",
        "use failover, or wait until it is back");
  }
  if (record.acks_wanted > 0 && live_ackers(view) < record.acks_wanted) {
    return precondition("fewer ackers than needed are connected, so the primary could not close");
  }
  const MemberView* target = find_member(view, request.to);
  if (target == nullptr || !streams_from(*target->report, record.primary_uuid) ||
      target->report->server->replication.applier != model::ThreadState::On) {
    return precondition(request.to.str() + " does not replicate from the primary now");
  }
  return {};
}

}  // namespace cdb::coordinator
