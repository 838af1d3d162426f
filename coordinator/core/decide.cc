#include "coordinator/core/decide.h"

#include <array>

#include "coordinator/core/election.h"
#include "coordinator/core/rules.h"

namespace cdb::coordinator {
namespace {

using rules::Match;

struct Rule {
  std::string_view id;
  std::string_view sentence;
  Match (*match)(const ClusterView&);
};

constexpr std::array kRules{
    Rule{"store_is_old", "A node has seen a newer record than the store holds: nothing is decided",
         rules::store_is_old},
    Rule{"form", "A new cluster starts with its first node, in epoch 1", rules::form},
    Rule{"override",
         "A person allows that data are lost: the node that holds most is elected, at a new epoch",
         rules::begin_override},
    Rule{"elect",
         "Enough ackers promised the new epoch: the best node that contains base is prepared",
         rules::elect_candidate},
    Rule{"demoted", "The old primary closed with its final set: the candidate drains to it",
         rules::finish_demotion},
    Rule{"demotion_undone",
         "A switchover that cannot go on elects the old primary at a higher epoch",
         rules::undo_demotion},
    Rule{"open", "The candidate is drained, prepared and holds base: it becomes the primary",
         rules::open_candidate},
    Rule{"candidate_lost",
         "The candidate is lost before it opened: another holder of base is prepared",
         rules::replace_candidate},
    Rule{"requested", "A person asked for another primary", rules::begin_requested},
    Rule{"reopen", "A primary restarted in place opens once k ackers hold its whole binary log",
         rules::reopen_in_place},
    Rule{"primary_dead", "The primary's agent says that mysqld has ended: fail over",
         rules::primary_dead},
    Rule{"primary_lost", "The primary's agent is gone and enough ackers do not see it: fail over",
         rules::primary_lost},
    Rule{"primary_cut_off",
         "No acker replicates from the primary, and several are well: fail over to them",
         rules::primary_cut_off},
    Rule{"published", "The names point to the primary: the cluster is steady", rules::published},
    Rule{"lower", "Policy asks for fewer acknowledgements: fewer are waited for", rules::lower},
    Rule{"weaken", "Fewer than k ackers are left: fewer are waited for, and it is shown",
         rules::weaken},
    Rule{"leave_begin",
         "An acker lost the data that it acknowledged with, or is not wanted any more: it is to "
         "leave A",
         rules::begin_leave},
    Rule{"leave_quiet", "An acker that is to leave acknowledges no more", rules::note_quiet},
    Rule{"leave_end", "The rest of A holds everything written before: it has left A",
         rules::finish_leave},
    Rule{"fence_proved", "A former primary has proved that it is down", rules::note_proof},
    Rule{"durability_changed",
         "Policy asks for another durability: who counted for the old one counts no more",
         rules::change_durability},
    Rule{"drop_voter", "A voter is gone: the primary is told to do without its hold",
         rules::drop_voter},
    Rule{"voter_dropped", "The primary does without the voter's hold: no failover waits for it",
         rules::voter_dropped},
    Rule{"add_voter", "A level replica becomes a voter", rules::add_voter},
    Rule{"voters_confirmed", "The primary knows that it needs a voter's hold",
         rules::confirm_voters},
    Rule{"add_acker", "A level replica joins A before its acknowledgements count",
         rules::add_acker},
    Rule{"raise_begin", "An acker is ready: the primary is told to wait for it",
         rules::begin_raise},
    Rule{"raise_end", "Everything written is held by k ackers: k is raised", rules::finish_raise},
    Rule{"forbid", "Fewer than k ackers are left and policy forbids fewer: writes wait",
         rules::forbid},
    Rule{"unblock", "The reason for being blocked is gone", rules::unblock},
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

// Only where nothing safe is left.
static Status check_override(const ClusterView& view, const ElectionRequest& request) {
  const ClusterRecord& record = view.record;
  if (record.phase == Phase::Forming) {
    return precondition("the cluster has never had a primary, so there is nothing to give up");
  }
  const model::NodeReport* primary = rules::primary_now(view);
  if (rules::is_opened_phase(record.phase) && primary != nullptr && rules::is_writable(*primary)) {
    return precondition("the primary " + record.primary.str() + " is up: nothing has to be lost",
                        "use cdb switchover, or cdb failover without --allow-data-loss");
  }
  if (record.blocked.empty()) {
    return precondition("the cluster is not blocked: nothing has to be lost",
                        "wait for the election, or use cdb failover without --allow-data-loss");
  }
  if (!request.to.empty() && !view.members.contains(request.to)) {
    return not_found("no node " + request.to.str() + " in this cluster");
  }
  ClusterView wanted = view;
  wanted.record.candidate = request.to;
  if (elect_at_any_price(wanted).candidate) return {};
  if (!request.to.empty()) {
    return precondition(request.to.str() + " cannot become primary: " + unfit(view, request.to));
  }
  std::string why;
  for (const auto& [name, member] : view.members) {
    if (name != record.primary) why += "; " + name.str() + ": " + unfit(view, name);
  }
  return precondition("no node can be promoted, whatever it lacks" + why,
                      "bring one of the nodes back");
}

Status check_request(const ClusterView& view, const ElectionRequest& request) {
  const ClusterRecord& record = view.record;
  if (request.allow_loss) return check_override(view, request);
  if (!rules::is_opened_phase(record.phase)) {
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
    const std::string obstacle = rules::cannot_elect(view);
    if (obstacle.empty()) return {};
    return precondition("a failover could not end well now: " + obstacle);
  }
  const model::NodeReport* primary = rules::primary_now(view);
  if (primary == nullptr || !rules::is_writable(*primary)) {
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
