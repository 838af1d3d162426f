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

static std::string cannot_fail_over(const ClusterView& view) {
  return view.policy.paused ? "automatic failover is paused" : cannot_elect(view);
}

static Outcome fail_over(const ClusterView& view, std::string cause) {
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

}  // namespace cdb::coordinator::rules
