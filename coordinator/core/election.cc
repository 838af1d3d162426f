#include "coordinator/core/election.h"

#include <algorithm>

#include <fmt/format.h>

namespace cdb::coordinator {
namespace {

using model::GtidSet;
using model::MysqldState;
using model::NodeName;
using model::NodeState;

// Asynchronous: a replica that lacks more of what the primary wrote than this is not promoted.
constexpr uint64_t kMostLost = 5000;

// Revoked for this epoch: it promised, its receiver stands still, and it can say what it holds.
bool revoked(const ClusterView& view, const NodeName& name) {
  if (!is_current(view, name)) return false;
  const auto& report = *find_member(view, name)->report;
  if (!report.server || report.mysqld != MysqldState::Running) return false;
  return report.server->replication.receiver == model::ThreadState::Off &&
         (report.state == NodeState::Revoked || report.state == NodeState::Draining ||
          report.state == NodeState::Promoting || report.state == NodeState::RejoinCheck);
}

// Among those that contain base nothing can be lost, and what a person ordered comes first. Where
// something can, more of the data does.
enum class Prefer { Policy, Data };

struct Better {
  const ClusterView& view;
  Prefer prefer{Prefer::Policy};

  bool operator()(const NodeName& a, const NodeName& b) const {
    const int by_policy = preferred(b) - preferred(a);
    if (prefer == Prefer::Policy && by_policy != 0) return by_policy < 0;
    const auto& ra = *find_member(view, a)->report;
    const auto& rb = *find_member(view, b)->report;
    const uint64_t held_a = holdings(ra).count();
    const uint64_t held_b = holdings(rb).count();
    if (held_a != held_b) return held_a > held_b;
    if (by_policy != 0) return by_policy < 0;
    const uint64_t applied_a = ra.server->executed.count();
    const uint64_t applied_b = rb.server->executed.count();
    if (applied_a != applied_b) return applied_a > applied_b;
    return find_member(view, a)->ordinal < find_member(view, b)->ordinal;
  }

 private:
  // The priority, and within one priority the zone of the former primary.
  int preferred(const NodeName& name) const {
    const MemberView* old = find_member(view, view.record.primary);
    const MemberView* member = find_member(view, name);
    const bool near = view.policy.candidate_from_same_zone && old != nullptr &&
                      !old->zone.empty() && old->zone == member->zone;
    return 2 * member->priority + (near ? 1 : 0);
  }
};

// Of these, the asked-for one if it contains base, else the best that does.
std::optional<NodeName> choose(const ClusterView& view, std::vector<NodeName> nodes,
                               const GtidSet& base, Prefer prefer = Prefer::Policy) {
  std::erase_if(nodes, [&](const NodeName& name) {
    return !holdings(*find_member(view, name)->report).contains(base);
  });
  if (nodes.empty()) return std::nullopt;
  const NodeName& wanted = view.record.candidate;
  if (!wanted.empty() && std::find(nodes.begin(), nodes.end(), wanted) != nodes.end()) {
    return wanted;
  }
  return *std::min_element(nodes.begin(), nodes.end(), Better{view, prefer});
}

std::vector<NodeName> revoked_and_fit(const ClusterView& view) {
  std::vector<NodeName> nodes;
  for (const auto& [name, member] : view.members) {
    if (name != view.record.primary && revoked(view, name) && unfit(view, name).empty()) {
      nodes.push_back(name);
    }
  }
  return nodes;
}

// The former primary is up, closed, and said all that it has: any node that contains it will do.
std::optional<Election> elect_from_final_set(const ClusterView& view) {
  const NodeName& old = view.record.primary;
  if (!is_current(view, old)) return std::nullopt;
  const auto& report = *find_member(view, old)->report;
  if (report.state != NodeState::Fenced || !report.final_set) return std::nullopt;
  Election election;
  election.base = view.record.base + *report.final_set;
  std::vector<NodeName> nodes = revoked_and_fit(view);
  election.candidate = choose(view, nodes, election.base);
  if (!election.candidate && report.server && report.server->executed.contains(election.base)) {
    election.candidate = old;
  }
  if (!election.candidate)
    election.waiting_for = "no reachable node contains the final set of " + old.str();
  return election;
}

Election elect_lossless(const ClusterView& view) {
  const ClusterRecord& record = view.record;
  std::vector<GtidSet> held;
  std::vector<std::string> missing;
  int without_hold = 0;
  for (const auto& [name, incarnation] : record.ackers) {
    if (has_what_it_acknowledged(view, name) && revoked(view, name)) {
      const auto& report = *find_member(view, name)->report;
      held.push_back(holdings(report) - errant_of(record, report));
      without_hold += report.holding_epoch == 0 ? 1 : 0;
    } else {
      missing.push_back(name.str());
    }
  }
  std::sort(missing.begin(), missing.end());
  const int needed = revocations_needed(record);
  Election election;
  if (record.acks_required == 0) {
    election.waiting_for = "the primary was writing without an acker, so only " +
                           record.primary.str() + " has every acknowledged write";
    return election;
  }
  if (static_cast<int>(held.size()) < needed) {
    std::string names;
    for (const auto& name : missing)
      names += (names.empty() ? "" : ", ") + name;
    election.waiting_for = fmt::format("{} of {} ackers reached, {} needed; missing: {}",
                                       held.size(), record.ackers.size(), needed, names);
    return election;
  }
  const int unreached = static_cast<int>(record.ackers.size() - held.size());
  const int copies = std::max(1, record.acks_required - unreached);
  election.base = record.base + held_by_at_least(held, static_cast<size_t>(copies));
  election.candidate = choose(view, revoked_and_fit(view), election.base);
  election.holds_over = without_hold >= needed;
  if (!election.candidate)
    election.waiting_for = "no reachable node contains every acknowledged write";
  return election;
}

// Voters that promised, and whose holds from before that are over: they say so, or time does.
int promises_without_holds(const ClusterView& view) {
  const Duration lapse = lapse_of(view.policy.ttl);
  return static_cast<int>(std::count_if(
      view.record.voters.begin(), view.record.voters.end(), [&](const NodeName& name) {
        if (!is_current(view, name)) return false;
        const MemberView& voter = *find_member(view, name);
        return voter.report->holding_epoch == 0 || voter.promised_for >= lapse;
      }));
}

Election elect_asynchronous(const ClusterView& view) {
  Election election;
  const NodeName& former = view.record.primary;
  if (!fenced(view, former) && !(view.policy.fence_by_time && lease_over(view, former))) {
    election.waiting_for = "no proof yet that " + former.str() + " is down";
    return election;
  }
  std::vector<NodeName> nodes = revoked_and_fit(view);
  std::string behind;
  std::erase_if(nodes, [&](const NodeName& name) {
    const std::string trouble = too_far_behind(view, name);
    if (!trouble.empty()) behind += "; " + name.str() + ": " + trouble;
    return !trouble.empty();
  });
  election.candidate = choose(view, nodes, view.record.base, Prefer::Data);
  if (!election.candidate) {
    election.waiting_for =
        "no reachable replica contains what the primary started with and most of what it wrote" +
        behind;
    return election;
  }
  const auto& chosen = *find_member(view, *election.candidate)->report;
  election.base = holdings(chosen);
  election.holds_over = promises_without_holds(view) >= promises_needed(view.record);
  const MemberView* old = find_member(view, view.record.primary);
  if (old != nullptr && old->last_executed) {
    const GtidSet lost = *old->last_executed - election.base;
    if (!lost.empty()) {
      election.loss = fmt::format("at least {} transactions that the old primary was seen to have",
                                  lost.count());
    }
  }
  return election;
}

// What is missing in `kept` although somebody was seen to have it.
std::string loss_text(const ClusterView& view, const GtidSet& kept) {
  constexpr size_t kShown = 300;
  std::vector<std::string> parts;
  const auto add = [&](const GtidSet& lost, const std::string& who) {
    if (lost.empty()) return;
    const std::string sets = lost.str();
    parts.push_back(fmt::format("{} transactions {} ({}{})", lost.count(), who,
                                sets.substr(0, kShown), sets.size() > kShown ? "..." : ""));
  };
  add(view.record.base - kept, "that the primary began its epoch with");
  const MemberView* old = find_member(view, view.record.primary);
  if (old != nullptr && old->last_executed) {
    add(*old->last_executed - view.record.base - kept,
        "that " + view.record.primary.str() + " was last seen to have");
  }
  std::string text = "whatever was written after that";
  for (const std::string& part : parts)
    text.insert(0, part + ", ");
  return text;
}

}  // namespace

Election elect_at_any_price(const ClusterView& view) {
  Election election;
  std::vector<NodeName> nodes;
  for (const auto& [name, member] : view.members) {
    const bool asked_for = view.record.candidate.empty() || view.record.candidate == name;
    // Before the epoch is committed nobody can have promised it yet.
    const bool promised = !view.record.allow_loss || revoked(view, name);
    if (name != view.record.primary && asked_for && promised && unfit(view, name).empty()) {
      nodes.push_back(name);
    }
  }
  election.candidate = choose(view, nodes, GtidSet{}, Prefer::Data);
  if (!election.candidate) {
    election.waiting_for = "no node that can be promoted is connected";
    return election;
  }
  election.base = holdings(*find_member(view, *election.candidate)->report);
  election.loss = loss_text(view, election.base);
  return election;
}

Acks acks_at_open(const ClusterView& view, size_t ackers) {
  if (!view.policy.lossless) return {};
  const int possible = std::min(view.policy.acks, static_cast<int>(ackers));
  if (view.policy.without_ackers == WithoutAckers::Block) return {view.policy.acks, possible};
  return {possible, possible};
}

bool fenced(const ClusterView& view, const NodeName& old) {
  const MemberView* member = find_member(view, old);
  if (member == nullptr || member->machine_off) return true;
  // Without its data it has nothing to acknowledge with, and none are made before another has
  // opened.
  return is_current(view, old) && (member->report->state == NodeState::Fenced ||
                                   member->report->mysqld == MysqldState::NotInitialised);
}

bool lease_over(const ClusterView& view, const NodeName& old) {
  const MemberView* member = find_member(view, old);
  if (member == nullptr) return true;
  if (!member->gated || member->lease_left > Duration::zero()) return false;
  if (view.record.phase == Phase::Promoting) {
    return view.record.holds_over || view.in_phase_for >= lapse_of(view.policy.ttl);
  }
  return view.record.phase == Phase::Revoking && view.record.holds_required > 0 &&
         promises_without_holds(view) >= promises_needed(view.record);
}

std::string too_far_behind(const ClusterView& view, const NodeName& name) {
  const MemberView* old = find_member(view, view.record.primary);
  // Nothing comes back from a primary that is no member any more, or whose data are gone.
  if (old == nullptr ||
      (old->connected && old->report && old->report->mysqld == MysqldState::NotInitialised)) {
    return {};
  }
  if (!old->last_executed) return "how much it lacks is not known";
  const uint64_t lacks = (*old->last_executed - holdings(*find_member(view, name)->report)).count();
  return lacks <= kMostLost ? std::string{} : fmt::format("it lacks {} transactions", lacks);
}

std::string unfit(const ClusterView& view, const NodeName& name) {
  const MemberView* member = find_member(view, name);
  if (member == nullptr) return "no such node";
  if (member->never_promote) return "policy says never";
  if (view.removing.contains(name)) return "it is being removed";
  if (member->maintenance) return "it is in maintenance";
  if (!member->reseed.empty()) return "it is to be seeded anew";
  if (!member->connected || !member->report) return "its agent is not connected";
  const auto& report = *member->report;
  if (report.mysqld != MysqldState::Running || !report.server) return "its mysqld does not run";
  if (report.disk_full) return "its disk takes no writes";
  const GtidSet errant = errant_of(view.record, report);
  if (!errant.empty()) return "it has transactions the cluster has not: " + errant.str();
  return {};
}

Election elect(const ClusterView& view) {
  if (auto election = elect_from_final_set(view); election && election->candidate) {
    return *election;
  }
  Election election = view.policy.lossless || view.record.acks_required > 0
                          ? elect_lossless(view)
                          : elect_asynchronous(view);
  if (election.candidate || !view.record.allow_loss) return election;
  return elect_at_any_price(view);
}

std::set<NodeName> first_voters(const ClusterView& view, const NodeName& candidate) {
  std::set<NodeName> voters;
  if (view.policy.lossless) return voters;
  for (const auto& [name, member] : view.members) {
    if (name != candidate && revoked(view, name) && unfit(view, name).empty()) voters.insert(name);
  }
  return voters;
}

std::map<NodeName, std::string> first_ackers(const ClusterView& view, const NodeName& candidate,
                                             const GtidSet& base) {
  std::map<NodeName, std::string> ackers;
  if (!view.policy.lossless) return ackers;
  for (const auto& [name, member] : view.members) {
    if (name == candidate || view.removing.contains(name) || is_taken(member)) continue;
    if (!member.connected || !member.report || !member.report->server) continue;
    const auto& report = *member.report;
    // Not more than the candidate will have, or it would be errant and could not follow.
    const bool follows = base.contains(holdings(report)) && report.errant.empty();
    const bool up = report.mysqld == MysqldState::Running && !report.incarnation.empty() &&
                    report.server->semisync.available;
    if (follows && up) ackers.emplace(name, report.incarnation);
  }
  std::map<NodeName, std::string> elsewhere = ackers;
  std::erase_if(elsewhere,
                [&](const auto& acker) { return acks_only_at_need(view, candidate, acker.first); });
  return static_cast<int>(elsewhere.size()) >= std::max(1, view.policy.acks) ? elsewhere : ackers;
}

}  // namespace cdb::coordinator
