// The rules of a cluster that has no open primary: its beginning, and an election under way.
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

static void set_acks(const ClusterView& view, ClusterRecord& record) {
  const Acks acks = acks_at_open(view, record.ackers.size());
  record.acks_wanted = acks.wanted;
  record.acks_required = acks.required;
}

// Who counts from the first write of the record's candidate on.
static void name_followers(const ClusterView& view, ClusterRecord& record) {
  record.ackers = first_ackers(view, record.candidate, record.base);
  record.leaving.clear();
  set_acks(view, record);
  // The candidate hears of its voters with the order to open: it needs their holds from then on.
  record.voters = first_voters(view, record.candidate);
  record.holds_required = record.voters.empty() ? 0 : 1;
}

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
  record.holds_over = election.holds_over;
  record.proof_needed = record.proof_needed || !view.policy.lossless || record.acks_required == 0;
  // A person answers for it.
  record.proof_needed = record.proof_needed && !record.allow_loss;
  name_followers(view, record);
  for (const auto& [name, member] : view.members) {
    if (fenced(view, name)) record.unfenced.erase(name);
  }
  record.loss = election.loss;
  if (!election.loss.empty()) record.cause += "; may be lost: " + election.loss;
  return Outcome{election.candidate->str() + (election.loss.empty()
                                                  ? " contains every acknowledged write"
                                                  : " is elected; may be lost: " + election.loss),
                 record};
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
  record.unfenced.erase(record.primary);
  name_followers(view, record);
  record.loss.clear();
  return Outcome{record.primary.str() + " is closed with its final set", record};
}

// Its session is closed, but not for long enough to mean anything: its agent restarts, or this
// coordinator has just started and nobody has had the time to call.
static bool away_a_moment(const ClusterView& view, const NodeName& name) {
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
  for (const NodeName& old : now.unfenced) {
    if (old == now.candidate || fenced(view, old)) continue;
    const MemberView* member = find_member(view, old);
    const bool lapses = member != nullptr && member->gated;
    if (now.proof_needed) {
      if (view.policy.fence_by_time && lease_over(view, old)) continue;
      return blocked(view, "no proof yet that " + old.str() + " is down");
    }
    // Where the port does not shut by itself the revoked ackers must do.
    if (view.policy.wait_for_proof && lapses && !lease_over(view, old)) {
      return wait("the lease of " + old.str() + " runs out");
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
  record.holds_over = false;
  record.unfenced.erase(now.candidate);
  for (const auto& [name, member] : view.members) {
    if (fenced(view, name) || lease_over(view, name)) record.unfenced.erase(name);
  }
  record.proof_needed = false;
  record.allow_loss = false;
  return Outcome{now.candidate.str() + " is drained and ready", record};
}

// It runs and cannot come to hold the base: a crash of its machine took what it had received, the
// closed primary that it still had to receive from is gone, or its applier fails.
static bool stranded(const ClusterView& view) {
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
    name_followers(view, record);
    record.ackers.erase(now.candidate);
    set_acks(view, record);
    record.cause += "; " + now.candidate.str() + " was lost while being prepared";
    return Outcome{name.str() + " holds the base too", record};
  }
  return blocked(view, now.candidate.str() +
                           (stuck ? " cannot come to hold the base" : " is gone") +
                           " and no other reachable node contains the base");
}

}  // namespace cdb::coordinator::rules
