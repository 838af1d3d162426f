// The rules of a cluster whose primary is or was open.
#include <algorithm>

#include <fmt/format.h>

#include "coordinator/core/decide.h"
#include "coordinator/core/election.h"
#include "coordinator/core/rules.h"

namespace cdb::coordinator::rules {

using model::GtidSet;
using model::MysqldState;
using model::NodeName;
using model::NodeReport;
using model::NodeState;

Match begin_override(const ClusterView& view) {
  if (!view.request || !view.request->allow_loss) return std::nullopt;
  if (!check_request(view, *view.request)) return std::nullopt;
  ClusterRecord record = next_epoch(view);
  if (record.opened && record.phase == Phase::Promoting) record.unfenced.insert(record.candidate);
  record.unfenced.insert(record.primary);
  record.candidate = view.request->to;
  record.cause = view.request->cause;
  record.phase = Phase::Revoking;
  record.allow_loss = true;
  return Outcome{view.request->cause, record};
}

Match begin_requested(const ClusterView& view) {
  if (!view.request || view.request->allow_loss || !is_opened_phase(view.record.phase)) {
    return std::nullopt;
  }
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
      report->mysqld_boot == view.record.open_boot) {
    return std::nullopt;
  }
  // One that was restarted before it heard that it was to open has prepared itself once more.
  const bool closed =
      report->state == NodeState::RejoinCheck || report->state == NodeState::Promoting;
  if (!closed) return std::nullopt;
  int holders = 0;
  for (const auto& [name, incarnation] : view.record.ackers) {
    const MemberView* member = find_member(view, name);
    if (same_incarnation(view, name) && member->connected &&
        holdings(*member->report).contains(report->server->executed)) {
      ++holders;
    }
  }
  if (holders < view.record.acks_required && view.ackers_short_for >= view.policy.weaken_after) {
    // With so many on record no quorum can discard what clients will now read. How many are waited
    // for is policy's to say.
    ClusterRecord record = next_version(view);
    record.acks_required = holders;
    if (view.policy.without_ackers != WithoutAckers::Block) record.acks_wanted = holders;
    record.open_boot = report->mysqld_boot;
    return Outcome{holders == 0
                       ? "no acker is there to hold the binary log of " +
                             view.record.primary.str() + ": it is reopened unprotected"
                       : fmt::format("{} is reopened with {} instead of {} ackers",
                                     view.record.primary.str(), holders, view.record.acks_required),
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
    if (!has_what_it_acknowledged(view, name) || !member->connected ||
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

static std::string cannot_fail_over(const ClusterView& view) {
  return view.policy.paused ? "automatic failover is paused" : cannot_elect(view);
}

// Enough failovers for now, and the old primary may come back where it is. Never where that has
// been hoped for long enough: a cluster that could have a primary gets one.
static std::string flaps(const ClusterView& view) {
  if (view.recent_failovers < view.policy.most_failovers ||
      view.without_primary_for >= view.policy.reopen_patience) {
    return {};
  }
  return fmt::format("{} automatic failovers are enough for now (anti_flap)",
                     view.recent_failovers);
}

static Outcome fail_over(const ClusterView& view, std::string cause) {
  ClusterRecord record = next_epoch(view);
  record.phase = Phase::Revoking;
  record.candidate = NodeName{};
  record.unfenced.insert(record.primary);
  record.cause = std::move(cause);
  return {record.cause, record};
}

// What its own agent says is wrong with a primary; empty: nothing that another would do better.
static std::string trouble_of(const NodeName& name, const NodeReport& report) {
  switch (report.mysqld) {
    case MysqldState::Stopped: return "mysqld of " + name.str() + " has ended";
    case MysqldState::NotInitialised: return "the data directory of " + name.str() + " is gone";
    case MysqldState::Stalled: return "mysqld of " + name.str() + " does not answer";
    case MysqldState::Starting:
    case MysqldState::Running: break;
  }
  return report.disk_full ? "the disk of " + name.str() + " takes no writes" : std::string{};
}

Match primary_dead(const ClusterView& view) {
  if (!is_opened_phase(view.record.phase)) return std::nullopt;
  const MemberView* member = find_member(view, view.record.primary);
  if (member == nullptr || !member->connected || !member->report) return std::nullopt;
  const std::string trouble = trouble_of(view.record.primary, *member->report);
  if (trouble.empty()) return std::nullopt;
  const bool restarts = member->report->mysqld == MysqldState::Stopped;
  std::string obstacle = cannot_fail_over(view);
  if (obstacle.empty() && restarts) obstacle = flaps(view);
  if (!obstacle.empty()) {
    return blocked(view,
                   trouble + "; " + obstacle + (restarts ? ", so it is restarted in place" : ""));
  }
  return fail_over(view, trouble);
}

// Somebody who would have to promise says that the primary lives; empty: nobody does.
static std::string seen_by(const ClusterView& view, bool lapsed) {
  for (const auto& [name, other] : view.members) {
    if (name == view.record.primary || !other.connected || !other.report) continue;
    if (other.report->holding_epoch == view.record.version.epoch) {
      return name.str() + " holds for it";
    }
    // A primary whose port is shut serves nobody, whoever still replicates from it.
    const bool counts = !view.policy.lossless || same_incarnation(view, name);
    if (!lapsed && counts && streams_from(*other.report, view.record.primary_uuid)) {
      return name.str() + " still replicates from it";
    }
  }
  return {};
}

// Why a failover from a primary that only its silence accuses cannot begin; empty: it can.
static std::string cannot_accuse(const ClusterView& view, bool lapsed) {
  if (const std::string obstacle = cannot_fail_over(view); !obstacle.empty()) return obstacle;
  const MemberView* member = find_member(view, view.record.primary);
  if (!view.policy.lossless) {
    if (fenced(view, view.record.primary)) return {};
    const bool time_will_tell =
        view.policy.fence_by_time && member->gated && view.record.holds_required > 0;
    return time_will_tell ? std::string{} : "there is no proof that it is down";
  }
  int blind = 0;  // those that say, now, that they get nothing from it either
  for (const auto& [name, incarnation] : view.record.ackers) {
    const MemberView* other = find_member(view, name);
    if (!same_incarnation(view, name) || !other->connected) continue;
    blind += streams_from(*other->report, view.record.primary_uuid) ? 0 : 1;
  }
  if (lapsed || blind >= revocations_needed(view.record)) return {};
  return "too few ackers say that they do not see it";
}

Match primary_lost(const ClusterView& view) {
  if (!is_opened_phase(view.record.phase)) return std::nullopt;
  const MemberView* member = find_member(view, view.record.primary);
  if (member != nullptr && (member->connected || member->silent_for < view.policy.silence)) {
    return std::nullopt;
  }
  if (member != nullptr && member->excused) {
    return wait("the agent of " + view.record.primary.str() + " said that it would be away");
  }
  const bool lapsed = member == nullptr || member->machine_off ||
                      (member->gated && member->lease_left == Duration::zero());
  const std::string lost = "the agent of " + view.record.primary.str() + " is not connected";
  if (const std::string seen = seen_by(view, lapsed); !seen.empty()) {
    return wait(lost + ", but " + seen + ": not failed over");
  }
  if (const std::string obstacle = cannot_accuse(view, lapsed); !obstacle.empty()) {
    return blocked(view, lost + "; " + obstacle);
  }
  return fail_over(view, lost + (lapsed ? " and its lease is over" : " and no acker sees it"));
}

// It is up and its commits wait, because nobody who could acknowledge reaches it: where two or more
// ackers are well, one of them does better with the others.
Match primary_cut_off(const ClusterView& view) {
  if (!is_opened_phase(view.record.phase) || !view.policy.lossless ||
      view.record.acks_wanted == 0 || view.ackers_short_for < view.policy.weaken_after) {
    return std::nullopt;
  }
  if (view.policy.without_ackers != WithoutAckers::FailOver ||
      view.recent_failovers >= view.policy.most_failovers) {
    return std::nullopt;
  }
  const NodeReport* primary = primary_now(view);
  if (primary == nullptr || !is_writable(*primary) || !cannot_fail_over(view).empty()) {
    return std::nullopt;
  }
  const auto well =
      std::count_if(view.record.ackers.begin(), view.record.ackers.end(), [&](const auto& acker) {
        const MemberView* member = find_member(view, acker.first);
        return same_incarnation(view, acker.first) && member->connected && member->report->server;
      });
  if (well <= view.record.acks_wanted) return std::nullopt;
  return fail_over(view, fmt::format("{} ackers are well, but do not replicate from {}", well,
                                     view.record.primary.str()));
}

Match published(const ClusterView& view) {
  if (view.record.phase != Phase::Publishing || !view.dns_current) return std::nullopt;
  const NodeReport* report = primary_now(view);
  if (report == nullptr || !is_writable(*report)) return std::nullopt;
  ClusterRecord record = next_version(view);
  record.phase = Phase::Steady;
  return Outcome{"the names are published", record};
}

}  // namespace cdb::coordinator::rules
