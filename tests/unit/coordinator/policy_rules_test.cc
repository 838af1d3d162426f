// How the rules follow the declared policy: k beyond 1, priorities, zones, maintenance, anti-flap
// and the audited way out of a blocked cluster.
#include <doctest/doctest.h>

#include "coordinator/core/decide.h"
#include "coordinator/core/election.h"
#include "coordinator/core/goals.h"
#include "coordinator/core/node_request.h"
#include "tests/support/view_builder.h"

namespace cdb::coordinator {

using model::NodeName;
using model::NodeState;
using test::gtids;
using test::ViewBuilder;
using test::written;

namespace {

ViewBuilder cluster(int nodes) {
  return ViewBuilder(nodes).steady();
}

MemberView& member(ViewBuilder& builder, const std::string& node) {
  return builder.view.members.at(NodeName(node));
}

ViewBuilder with_k(ViewBuilder builder, int k) {
  builder.view.policy.acks = k;
  builder.view.record.acks_wanted = k;
  builder.view.record.acks_required = k;
  builder.report("c-0").server->semisync.acks_required = k;
  return builder;
}

ViewBuilder revoking(int nodes, int k) {
  ViewBuilder builder = with_k(cluster(nodes), k);
  builder.view.record.version = {4, 1};
  builder.view.record.phase = Phase::Revoking;
  builder.view.record.unfenced = {NodeName("c-0")};
  builder.mysqld_dead("c-0");
  builder.view.in_phase_for = std::chrono::seconds(1);
  return builder;
}

// The record as decided, known and carried out by everybody.
Decision follow(ViewBuilder& builder) {
  const Decision decision = decide(builder);
  if (!decision.record) return decision;
  builder.view.record = *decision.record;
  for (auto& [name, each] : builder.view.members) {
    each.report->accepted = decision.record->version;
    if (name == decision.record->primary) {
      each.report->server->semisync.source_enabled = decision.record->acks_wanted > 0;
      each.report->server->semisync.acks_required = decision.record->acks_wanted;
      each.report->state =
          decision.record->acks_wanted > 0 ? NodeState::Primary : NodeState::PrimaryUnprotected;
      each.report->marker = gtids(written("0:200"));
      continue;
    }
    const bool acks =
        decision.record->ackers.contains(name) && !decision.record->leaving.contains(name);
    if (each.report->state == NodeState::Acker || each.report->state == NodeState::Replica)
      each.report->state = acks ? NodeState::Acker : NodeState::Replica;
    each.report->server->semisync.replica_acking = acks;
    each.report->server->semisync.replica_enabled = acks;
  }
  return decision;
}

// Until nothing changes any more; what was decided, in order.
std::vector<std::string> settle(ViewBuilder& builder) {
  std::vector<std::string> rules;
  for (int i = 0; i < 30; ++i) {
    const Decision decision = follow(builder);
    if (!decision.record) break;
    rules.emplace_back(decision.rule);
  }
  return rules;
}

using Rules = std::vector<std::string>;

}  // namespace

TEST_CASE("k rises from 1 to 2 when policy asks for it and enough ackers hold what was written") {
  ViewBuilder view = cluster(3);
  view.view.policy.acks = 2;
  CHECK(settle(view) == Rules{"raise_begin", "raise_end"});
  CHECK(view.view.record.acks_required == 2);
  // Not before the second acker holds the row that was written after the primary began to wait.
  ViewBuilder slow = cluster(3);
  slow.view.policy.acks = 2;
  slow.holds("c-2", "0:1-150");
  CHECK(settle(slow) == Rules{"raise_begin"});
  CHECK(slow.view.record.acks_required == 1);
  CHECK(slow.view.record.acks_wanted == 2);
}

TEST_CASE("k rises from nothing to 2 in one step where both ackers are ready") {
  ViewBuilder view = with_k(cluster(3), 0);
  view.view.record.ackers.clear();
  view.state("c-0", NodeState::PrimaryUnprotected);
  view.view.policy.acks = 2;
  for (const char* node : {"c-1", "c-2"}) {
    view.state(node, NodeState::Replica);
    view.report(node).server->semisync.replica_acking = false;
  }
  const Rules rules = settle(view);
  CHECK(view.view.record.acks_required == 2);
  CHECK(rules.back() == "raise_end");
}

TEST_CASE("k is lowered when policy asks for less, on record before anything is told") {
  ViewBuilder view = with_k(cluster(3), 2);
  view.view.policy.acks = 1;
  const Decision decision = decide(view);
  CHECK(decision.rule == "lower");
  CHECK(decision.record->acks_required == 1);
  CHECK(decision.record->acks_wanted == 1);
  view.view.policy.lossless = false;
  CHECK(decide(view).record->acks_wanted == 0);
}

TEST_CASE("with k = 2 of two ackers one is enough for a failover, for both hold every write") {
  CHECK(decide(revoking(3, 2).revoked("c-1")).record->candidate == NodeName("c-1"));
  // Of three ackers, two: any write is held by two of the three.
  CHECK_FALSE(decide(revoking(4, 2).revoked("c-1")).record->blocked.empty());
  CHECK(decide(revoking(4, 2).revoked("c-1").revoked("c-3")).record->phase == Phase::Promoting);
}

TEST_CASE("with k = 2 base is what as many hold as must, those unreached counted in favour") {
  // All three reached: an acknowledged write is on two of them.
  ViewBuilder all = revoking(4, 2).revoked("c-1").revoked("c-2").revoked("c-3");
  all.holds("c-1", "0:1-200", "0:201-230").holds("c-2", "0:1-200", "0:201-220");
  CHECK(decide(all).record->base == gtids(written("0:1-220")));
  // One is missing and may be the second holder of what only c-1 has.
  ViewBuilder two = revoking(4, 2).revoked("c-1").revoked("c-2");
  two.holds("c-1", "0:1-200", "0:201-230").holds("c-2", "0:1-200", "0:201-220");
  CHECK(decide(two).record->base == gtids(written("0:1-230")));
}

TEST_CASE("a new primary waits for as many as policy wants and are there") {
  ViewBuilder view = revoking(4, 2).revoked("c-1").revoked("c-2").revoked("c-3");
  CHECK(decide(view).record->acks_required == 2);
  ViewBuilder alone = revoking(3, 2).revoked("c-1");
  alone.lost("c-2");
  CHECK(decide(alone).record->acks_wanted == 0);
  alone.view.policy.without_ackers = WithoutAckers::Block;
  CHECK(decide(alone).record->acks_wanted == 2);
  CHECK(decide(alone).record->acks_required == 0);
}

TEST_CASE("with one of two ackers gone k = 2 becomes 1, and writes wait where policy says so") {
  ViewBuilder view = with_k(cluster(3), 2).lost("c-2");
  view.view.ackers_short_for = std::chrono::seconds(5);
  const Decision decision = decide(view);
  CHECK(decision.rule == "weaken");
  CHECK(decision.record->acks_wanted == 1);
  CHECK(decision.record->acks_required == 1);
  view.view.policy.without_ackers = WithoutAckers::Block;
  CHECK(decide(view).rule == "forbid");
  CHECK(decide(view).record->blocked ==
        "1 of 2 ackers are connected and policy forbids fewer: writes wait");
}

TEST_CASE("policy that lets writes wait still lets an acker with new data leave and come back") {
  ViewBuilder view = with_k(cluster(2), 1);
  view.view.policy.without_ackers = WithoutAckers::Block;
  view.incarnation("c-1", "copied");
  view.state("c-1", NodeState::Acker);
  const Rules rules = settle(view);
  CHECK(rules == Rules{"leave_begin", "leave_quiet", "leave_end", "add_acker", "raise_end"});
  CHECK(view.view.record.acks_required == 1);
  CHECK(view.view.record.ackers.at(NodeName("c-1")) == "copied");
}

TEST_CASE("a restarted primary opens for reads, also where policy makes its writes wait") {
  ViewBuilder view = with_k(cluster(2), 1);
  view.view.policy.without_ackers = WithoutAckers::Block;
  view.incarnation("c-1", "rebooted").state("c-0", NodeState::RejoinCheck);
  view.report("c-0").mysqld_boot = 5;
  view.report("c-0").server->read_only = true;
  CHECK_FALSE(decide(view).record->blocked.empty());
  view.view.ackers_short_for = std::chrono::seconds(4);
  const Decision decision = decide(view);
  CHECK(decision.rule == "reopen");
  CHECK(decision.record->open_boot == 5);
  CHECK(decision.record->acks_required == 0);
  CHECK(decision.record->acks_wanted == 1);
}

TEST_CASE("with fewer left than are waited for no marker gets through: what is committed counts") {
  ViewBuilder view = with_k(cluster(3), 2);
  view.view.policy.without_ackers = WithoutAckers::Block;
  view.view.record.leaving = {NodeName("c-2")};
  view.view.record.ackers[NodeName("c-2")].clear();
  view.incarnation("c-2", "copied").state("c-2", NodeState::Replica);
  CHECK_FALSE(view.report("c-0").marker);
  const Decision decision = decide(view);
  CHECK(decision.rule == "leave_end");
  CHECK(decision.record->acks_required == 1);
  CHECK(decision.record->acks_wanted == 2);
  CHECK_FALSE(decide(view.holds("c-1", "0:1-199")).record);
}

TEST_CASE("among those that contain base the preferred is elected, never one that does not") {
  ViewBuilder view = revoking(4, 1).revoked("c-1").revoked("c-2").revoked("c-3");
  member(view, "c-3").priority = 10;
  CHECK(decide(view).record->candidate == NodeName("c-3"));
  view.holds("c-1", "0:1-205");
  CHECK(decide(view).record->candidate == NodeName("c-1"));
  member(view, "c-1").priority = -10;
  CHECK(decide(view).record->candidate == NodeName("c-1"));
}

TEST_CASE("within one priority the zone of the former primary is preferred") {
  ViewBuilder view = revoking(4, 1).revoked("c-1").revoked("c-2").revoked("c-3");
  member(view, "c-0").zone = member(view, "c-2").zone = "a";
  member(view, "c-1").zone = member(view, "c-3").zone = "b";
  CHECK(decide(view).record->candidate == NodeName("c-2"));
  member(view, "c-3").priority = 1;
  CHECK(decide(view).record->candidate == NodeName("c-3"));
  view.view.policy.candidate_from_same_zone = false;
  member(view, "c-3").priority = 0;
  CHECK(decide(view).record->candidate == NodeName("c-1"));
}

TEST_CASE("asynchronous: more of the data comes before what is preferred") {
  ViewBuilder view = revoking(3, 1);
  view.asynchronous().revoked("c-1").revoked("c-2");
  view.report("c-0").accepted = {4, 1};
  view.report("c-0").state = NodeState::Fenced;
  member(view, "c-2").priority = 50;
  view.holds("c-1", "0:1-200").holds("c-2", "0:1-190");
  CHECK(decide(view).record->candidate == NodeName("c-1"));
  view.holds("c-2", "0:1-200");
  CHECK(decide(view).record->candidate == NodeName("c-2"));
}

TEST_CASE("a replica of the primary's zone acknowledges only while others are too few") {
  ViewBuilder view = cluster(3);
  member(view, "c-0").zone = member(view, "c-1").zone = "a";
  member(view, "c-2").zone = "b";
  CHECK(settle(view) == Rules{"leave_begin", "leave_quiet", "leave_end"});
  CHECK(view.view.record.ackers.size() == 1);
  CHECK(view.view.record.ackers.contains(NodeName("c-2")));
  // The other zone is gone: it comes back, but not for a moment's sake.
  view.lost("c-2");
  CHECK_FALSE(decide(view).record);
  view.view.ackers_short_for = std::chrono::seconds(2);
  CHECK(decide(view).rule == "add_acker");
  view.view.policy.acks_from_other_zone = false;
  CHECK(decide(view).rule == "add_acker");
}

TEST_CASE("a node in maintenance leaves A by proof, is let alone then, and is not elected") {
  ViewBuilder view = cluster(3);
  member(view, "c-2").maintenance = true;
  ClusterRow row;
  for (const auto& [name, each] : view.view.members)
    row.members[name].address = "127.0.0.1";
  const auto goal = [&] { return goal_for(view, row, {}, NodeName("c-2"))->state; };
  CHECK(goal() == NodeState::Acker);
  CHECK(settle(view) == Rules{"leave_begin", "leave_quiet", "leave_end"});
  CHECK(goal() == NodeState::Maintenance);
  CHECK(unfit(view, NodeName("c-2")) == "it is in maintenance");
  CHECK(first_ackers(view, NodeName("c-1"), gtids(written("0:1-200"))).size() == 1);
  // Back again.
  member(view, "c-2").maintenance = false;
  CHECK(settle(view) == Rules{"add_acker"});
}

TEST_CASE("the only acker in maintenance: fewer are waited for before it goes, not after") {
  ViewBuilder view = cluster(2);
  member(view, "c-1").maintenance = true;
  const Rules rules = settle(view);
  CHECK(rules.front() == "weaken");
  CHECK(view.view.record.ackers.empty());
  CHECK(view.view.record.acks_wanted == 0);
}

TEST_CASE("maintenance is refused where it would hurt, and says what helps") {
  struct Case {
    const char* says;
    const char* hint;
    ViewBuilder view;
    NodeRequest request;
  };
  ViewBuilder block = cluster(2);
  block.view.policy.without_ackers = WithoutAckers::Block;
  ViewBuilder taken = cluster(3);
  member(taken, "c-2").maintenance = true;
  const std::vector<Case> cases{
      {"c-0 is the primary", "cdb switchover", cluster(3), {NodeName("c-0")}},
      {"an election is under way", "wait", cluster(3).phase(Phase::Revoking), {NodeName("c-1")}},
      {"without c-1 0 of 1 ackers", "--allow-unprotected", cluster(2), {NodeName("c-1")}},
      {"without c-1 0 of 1 ackers", "without_ackers", block, {NodeName("c-1"), true}},
      {"c-2 is in maintenance already", "", taken, {NodeName("c-2")}},
      {"without c-1 0 of 1 ackers", "--allow-unprotected", taken, {NodeName("c-1")}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.says);
    const Status status = check_maintenance(c.view, c.request);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == Code::Precondition);
    CHECK(status.error().message.find(c.says) == 0);
    CHECK(status.error().hint.find(c.hint) != std::string::npos);
  }
  CHECK(check_maintenance(cluster(3), {NodeName("c-1")}).ok());
  CHECK(check_maintenance(cluster(2), {NodeName("c-1"), true}).ok());
  CHECK(check_maintenance(cluster(3), {NodeName("c-9")}).error().code == Code::NotFound);
}

TEST_CASE("a node is seeded anew by word only where another holds all that is the cluster's") {
  CHECK(check_reseed(cluster(3), NodeName("c-1")).ok());
  // Errant transactions are archived; they are no reason.
  CHECK(check_reseed(cluster(3).holds("c-1", "0:1-200,1:1-3"), NodeName("c-1")).ok());
  const auto refusal = [](const ViewBuilder& view, const char* node) {
    const Status status = check_reseed(view, NodeName(node));
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == Code::Precondition);
    return status.error().message;
  };
  CHECK(refusal(cluster(3), "c-0").find("c-0 is the primary") == 0);
  CHECK(refusal(cluster(3).holds("c-1", "0:1-210").blind("c-1"), "c-1")
            .find("c-1 holds 10 transactions") == 0);
  // The primary's report is only older.
  CHECK(check_reseed(cluster(3).holds("c-1", "0:1-210"), NodeName("c-1")).ok());
  CHECK(refusal(cluster(3).mysqld_dead("c-0"), "c-1").find("there is no open primary") == 0);
  CHECK(refusal(cluster(3).lost("c-1"), "c-1").find("the agent of c-1 is not connected") == 0);
}

TEST_CASE("data are replaced only once the node has left A") {
  ViewBuilder view = cluster(3);
  view.report("c-0").server->version = {9, 7, 0};
  member(view, "c-2").reseed = "c-2-data";
  ClusterRow row;
  for (const auto& [name, each] : view.view.members)
    row.members[name].address = "127.0.0.1";
  CHECK(goal_for(view, row, {}, NodeName("c-2"))->reseed.empty());
  CHECK(settle(view) == Rules{"leave_begin", "leave_quiet", "leave_end"});
  CHECK(goal_for(view, row, {}, NodeName("c-2"))->reseed == "c-2-data");
}

TEST_CASE(
    "enough failovers for now: a primary that can come back is given the chance, for a while") {
  ViewBuilder view = cluster(3).mysqld_dead("c-0");
  view.view.recent_failovers = 3;
  const Decision held = decide(view);
  CHECK(held.record->version.epoch == 3);
  CHECK(held.record->blocked.find("3 automatic failovers are enough for now (anti_flap)") !=
        std::string::npos);
  // It did not come back in time, or cannot: a cluster that could have a primary gets one.
  view.view.without_primary_for = std::chrono::seconds(30);
  CHECK(decide(view).record->version.epoch == 4);
  view.view.without_primary_for = {};
  view.state("c-0", NodeState::New).report("c-0").mysqld = model::MysqldState::NotInitialised;
  CHECK(decide(view).record->version.epoch == 4);
  // Nor where it is not there to come back.
  ViewBuilder gone = cluster(3).lost("c-0").blind("c-1").blind("c-2");
  gone.view.recent_failovers = 3;
  CHECK(decide(gone).record->version.epoch == 4);
}

TEST_CASE("data loss is allowed only where nothing safe is left") {
  const auto refusal = [](ViewBuilder view, const char* to) {
    view.view.request = ElectionRequest{false, NodeName(to), "asked", true};
    const Status status = check_request(view, *view.view.request);
    REQUIRE_FALSE(status.ok());
    CHECK(decide(view).rule != "override");
    return status.error().message;
  };
  CHECK(refusal(cluster(3), "").find("the primary c-0 is up") == 0);
  CHECK(refusal(revoking(3, 1).revoked("c-1").revoked("c-2"), "")
            .find("the cluster is not blocked") == 0);
  ViewBuilder blocked = revoking(3, 1).revoked("c-1");
  blocked.lost("c-2");
  blocked.view.record.blocked = "1 of 2 ackers reached";
  CHECK(refusal(blocked, "c-2") == "c-2 cannot become primary: its agent is not connected");
  CHECK(refusal(blocked, "c-9").find("no node c-9") == 0);
  ViewBuilder nobody = blocked;
  nobody.lost("c-1");
  CHECK(refusal(nobody, "").find("no node can be promoted, whatever it lacks; c-1:") == 0);
}

TEST_CASE(
    "an allowed loss elects the node that holds most, at a new epoch, and says what is lost") {
  ViewBuilder view = revoking(4, 1).revoked("c-1").revoked("c-2");
  view.lost("c-3").holds("c-1", "0:1-150").holds("c-2", "0:1-180");
  view.view.record.blocked = decide(view).record->blocked;
  CHECK(view.view.record.blocked.find("2 of 3 ackers reached") == 0);
  view.view.request = ElectionRequest{false, NodeName(), "allowed by jane: fire", true};
  const Decision begun = decide(view);
  CHECK(begun.rule == "override");
  CHECK(begun.record->version == model::RecordVersion{5, 1});
  CHECK(begun.record->allow_loss);
  CHECK(begun.record->cause == "allowed by jane: fire");

  view.view.record = *begun.record;
  view.view.request.reset();
  // Nobody has promised the new epoch yet.
  CHECK_FALSE(decide(view).record->phase == Phase::Promoting);
  view.revoked("c-1").revoked("c-2");
  const Decision elected = decide(view);
  CHECK(elected.rule == "elect");
  CHECK(elected.record->candidate == NodeName("c-2"));
  CHECK(elected.record->base == gtids(written("0:1-180")));
  CHECK(elected.record->loss.find("20 transactions that c-0 was last seen to have") == 0);
  CHECK_FALSE(elected.record->proof_needed);

  view.view.record = *elected.record;
  view.accepted("c-2", elected.record->version).state("c-2", NodeState::Promoting);
  const Decision opened = decide(view);
  CHECK(opened.rule == "open");
  CHECK_FALSE(opened.record->allow_loss);
}

TEST_CASE("an allowed loss loses nothing where the old primary says all that it has after all") {
  ViewBuilder view = revoking(3, 1).revoked("c-1");
  view.lost("c-2");
  view.view.record.allow_loss = true;
  auto& old = view.report("c-0");
  old.accepted = view.view.record.version;
  old.mysqld = model::MysqldState::Running;
  old.state = NodeState::Fenced;
  old.server.emplace();
  old.server->executed = gtids(written("0:1-205"));
  old.final_set = old.server->executed;
  CHECK(decide(view).record->candidate == NodeName("c-0"));
  CHECK(decide(view).record->loss.empty());
}

}  // namespace cdb::coordinator
