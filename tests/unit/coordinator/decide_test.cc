#include "coordinator/core/decide.h"

#include <random>

#include <doctest/doctest.h>

#include "coordinator/core/election.h"
#include "coordinator/core/goals.h"
#include "tests/support/view_builder.h"

namespace cdb::coordinator {

using model::NodeName;
using model::NodeState;
using test::gtids;
using test::uuid_of;
using test::ViewBuilder;
using test::written;

namespace {

ViewBuilder cluster(int nodes) {
  return ViewBuilder(nodes).steady();
}

ViewBuilder revoking(int nodes) {
  ViewBuilder builder = cluster(nodes);
  builder.view.record.version = {4, 1};
  builder.view.record.phase = Phase::Revoking;
  builder.view.record.unfenced = {NodeName("c-0")};
  builder.mysqld_dead("c-0");
  builder.view.in_phase_for = std::chrono::seconds(1);
  return builder;
}

ViewBuilder promoting(const std::string& candidate) {
  ViewBuilder builder = revoking(3);
  builder.revoked("c-1").revoked("c-2");
  builder.view.record.version = {4, 2};
  builder.view.record.phase = Phase::Promoting;
  builder.view.record.candidate = NodeName(candidate);
  builder.view.record.opened = false;
  builder.view.record.base = gtids(written("0:1-200"));
  builder.view.record.ackers = {{NodeName("c-2"), "c-2-data"}};
  builder.accepted(candidate, {4, 2}).state(candidate, NodeState::Promoting);
  return builder;
}

}  // namespace

TEST_CASE("a healthy cluster is left alone") {
  const Decision decision = decide(cluster(3));
  CHECK(decision.rule == "steady");
  CHECK_FALSE(decision.record);
}

TEST_CASE("the first node of a new cluster is prepared in epoch 1, and only an empty one") {
  ViewBuilder fresh(3);
  const Decision decision = decide(fresh);
  CHECK(decision.rule == "form");
  REQUIRE(decision.record);
  CHECK(decision.record->version == model::RecordVersion{1, 1});
  CHECK(decision.record->candidate == NodeName("c-0"));

  fresh.report("c-0").mysqld = model::MysqldState::Stopped;
  fresh.report("c-0").state = NodeState::RejoinCheck;
  CHECK(decide(fresh).record->blocked.find("already has data") != std::string::npos);
}

TEST_CASE("mysqld of the primary dead: the epoch is committed before anything else") {
  const Decision decision = decide(cluster(3).mysqld_dead("c-0"));
  CHECK(decision.rule == "primary_dead");
  REQUIRE(decision.record);
  CHECK(decision.record->version == model::RecordVersion{4, 1});
  CHECK(decision.record->phase == Phase::Revoking);
  CHECK(decision.record->unfenced.contains(NodeName("c-0")));
  CHECK(decision.record->acks_required == 1);
}

TEST_CASE("a dead primary is restarted in place where a failover could lose something") {
  struct Case {
    const char* name;
    ViewBuilder view;
  };
  ViewBuilder no_acks = cluster(3).mysqld_dead("c-0");
  no_acks.view.record.acks_required = 0;
  ViewBuilder paused = cluster(3).mysqld_dead("c-0");
  paused.view.policy.paused = true;
  std::vector<Case> cases{
      {"one of two ackers is gone and k = 1 needs both", cluster(3).mysqld_dead("c-0").lost("c-2")},
      {"the primary wrote without ackers", no_acks},
      {"an acker lost its data", cluster(3).mysqld_dead("c-0").incarnation("c-1", "other")},
      {"a person paused it", paused},
      {"there is no replica", cluster(1).mysqld_dead("c-0")},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Decision decision = decide(c.view);
    CHECK(decision.rule == "primary_dead");
    REQUIRE(decision.record);
    CHECK(decision.record->version == c.view.view.record.version);
    CHECK_FALSE(decision.record->blocked.empty());
  }
}

TEST_CASE("a primary that only the coordinator cannot see is not failed over") {
  CHECK_FALSE(decide(cluster(3).lost("c-0")).record);
  CHECK_FALSE(decide(cluster(3).lost("c-0").blind("c-1")).record);
  const Decision decision = decide(cluster(3).lost("c-0").blind("c-1").blind("c-2"));
  CHECK(decision.rule == "primary_lost");
  CHECK(decision.record->version.epoch == 4);
}

TEST_CASE("a primary that was lost a moment ago is waited for") {
  CHECK(decide(cluster(3).lost("c-0", std::chrono::milliseconds(100)).blind("c-1").blind("c-2"))
            .rule == "steady");
}

TEST_CASE("an election needs r = |A| - k + 1 ackers of this epoch") {
  CHECK(
      decide(revoking(3).revoked("c-1")).record->blocked.find("1 of 2 ackers reached, 2 needed") !=
      std::string::npos);
  const Decision decision = decide(revoking(3).revoked("c-1").revoked("c-2"));
  CHECK(decision.rule == "elect");
  CHECK(decision.record->phase == Phase::Promoting);
  CHECK_FALSE(decision.record->opened);
  CHECK(decision.record->acks_wanted == 1);
}

TEST_CASE("an acker whose data were replaced does not count for the quorum") {
  const ViewBuilder view = revoking(3).revoked("c-1").revoked("c-2").incarnation("c-2", "other");
  CHECK_FALSE(decide(view).record->blocked.empty());
}

TEST_CASE("the candidate contains everything that any reached acker holds") {
  const ViewBuilder view = revoking(3)
                               .revoked("c-1")
                               .revoked("c-2")
                               .holds("c-1", "0:1-200")
                               .holds("c-2", "0:1-200", "0:201-210");
  const Decision decision = decide(view);
  CHECK(decision.record->candidate == NodeName("c-2"));
  CHECK(decision.record->base == gtids(written("0:1-210")));
}

TEST_CASE("an errant node is never elected, nor are its transactions asked of anyone") {
  const ViewBuilder view = revoking(3)
                               .revoked("c-1")
                               .revoked("c-2")
                               .holds("c-1", "0:1-250,1:1-3")
                               .holds("c-2", "0:1-200");
  const Decision decision = decide(view);
  CHECK(decision.record->blocked.find("contains") != std::string::npos);
  const ViewBuilder level = revoking(3)
                                .revoked("c-1")
                                .revoked("c-2")
                                .holds("c-1", "0:1-200,1:1-3")
                                .holds("c-2", "0:1-200");
  CHECK(decide(level).record->candidate == NodeName("c-2"));
  CHECK(decide(level).record->ackers.empty());
}

TEST_CASE("a former primary that says all it has replaces the quorum") {
  ViewBuilder view = revoking(3).revoked("c-1");
  auto& old = view.report("c-0");
  old.accepted = {4, 1};
  old.mysqld = model::MysqldState::Running;
  old.state = NodeState::Fenced;
  old.server.emplace();
  old.server->executed = gtids(written("0:1-205"));
  old.final_set = gtids(written("0:1-205"));
  CHECK(decide(view).record->candidate == NodeName("c-0"));
  view.holds("c-1", "0:1-205");
  CHECK(decide(view).record->candidate == NodeName("c-1"));
}

TEST_CASE("opened and base are on record before the node is told to open") {
  const ViewBuilder view = promoting("c-1");
  const Decision decision = decide(view);
  CHECK(decision.rule == "open");
  CHECK(decision.record->opened);
  CHECK(decision.record->primary == NodeName("c-1"));
  CHECK(decision.record->primary_uuid == uuid_of(1));
  CHECK(decision.record->base == gtids(written("0:1-200")));
  CHECK(decision.record->open_boot == 4);
}

TEST_CASE("a candidate that does not know the present version or lacks base is not opened") {
  CHECK_FALSE(decide(promoting("c-1").accepted("c-1", {4, 1})).record);
  CHECK_FALSE(decide(promoting("c-1").holds("c-1", "0:1-199")).record->opened);
}

TEST_CASE("where the old primary could acknowledge alone no node opens before it is proved down") {
  ViewBuilder view = promoting("c-1");
  view.view.record.ackers.clear();
  view.view.record.acks_required = 0;
  view.view.record.acks_wanted = 0;
  CHECK(decide(view).rule == "open");  // the revoked ackers of the old epoch are fence enough
  view.view.record.proof_needed = true;
  CHECK(decide(view).record->blocked.find("no proof") != std::string::npos);
  view.report("c-0").accepted = {4, 2};
  view.report("c-0").state = NodeState::Fenced;
  CHECK(decide(view).rule == "open");
}

TEST_CASE(
    "a candidate lost before it opened is replaced by another holder of base in a new epoch") {
  const ViewBuilder view = promoting("c-1").lost("c-1");
  const Decision decision = decide(view);
  CHECK(decision.rule == "candidate_lost");
  CHECK(decision.record->version.epoch == 5);
  CHECK(decision.record->candidate == NodeName("c-2"));
  CHECK_FALSE(decision.record->ackers.contains(NodeName("c-1")));
  // It was never told to open: it owes no proof.
  CHECK_FALSE(decision.record->unfenced.contains(NodeName("c-1")));
  CHECK_FALSE(decide(promoting("c-1").lost("c-1").holds("c-2", "0:1-199")).record->blocked.empty());
}

TEST_CASE("a candidate that cannot come to hold base is replaced by one that does") {
  // The crash of its machine took the relay log that it was elected with.
  ViewBuilder lost_log = promoting("c-1").holds("c-1", "0:1-199").state("c-1", NodeState::Draining);
  CHECK(decide(lost_log).record->candidate == NodeName("c-2"));
  CHECK(decide(lost_log.holds("c-2", "0:1-150")).record->blocked.find("hold the base") !=
        std::string::npos);
  // Planned: the rest is still coming from the closed primary, until that is gone.
  ViewBuilder planned = promoting("c-1").holds("c-1", "0:1-199");
  planned.state("c-1", NodeState::CatchingUp);
  planned.report("c-1").server->replication.receiver = model::ThreadState::On;
  CHECK_FALSE(decide(planned).record);
  CHECK(decide(planned.blind("c-1")).record->candidate == NodeName("c-2"));
  // Its applier fails; two such nodes do not replace each other.
  ViewBuilder failing = promoting("c-1").holds("c-1", "0:1-199", "0:200");
  failing.state("c-1", NodeState::Draining);
  CHECK_FALSE(decide(failing).record);
  failing.report("c-1").server->replication.applier_error = "duplicate key";
  CHECK(decide(failing).record->candidate == NodeName("c-2"));
  failing.report("c-2").server->replication.applier_error = "duplicate key";
  CHECK_FALSE(decide(failing).record->blocked.empty());
}

TEST_CASE("a failover that a person asks for is not held up by what holds up the automatic one") {
  ViewBuilder paused = cluster(3).mysqld_dead("c-0");
  paused.view.policy.paused = true;
  paused.view.request = ElectionRequest{false, NodeName("c-2"), "asked"};
  const Decision decision = decide(paused);
  CHECK(decision.rule == "requested");
  CHECK(decision.record->phase == Phase::Revoking);
  CHECK(decision.record->candidate == NodeName("c-2"));
  // One that cannot be granted holds nothing up either.
  ViewBuilder dead = cluster(3).mysqld_dead("c-0");
  dead.view.request = ElectionRequest{true, NodeName("c-2"), "asked"};
  CHECK(decide(dead).rule == "primary_dead");
}

TEST_CASE("a switchover keeps the ackers until the old primary has closed") {
  ViewBuilder view = cluster(3);
  view.view.request = ElectionRequest{true, NodeName("c-2"), "asked"};
  const Decision begun = decide(view);
  CHECK(begun.record->phase == Phase::Demoting);
  CHECK(begun.record->version.epoch == 4);

  view.view.record = *begun.record;
  for (const char* node : {"c-0", "c-1", "c-2"})
    view.accepted(node, begun.record->version);
  CHECK_FALSE(decide(view).record);
  view.state("c-0", NodeState::Fenced).report("c-0").final_set = gtids(written("0:1-222"));
  view.report("c-0").server->executed = gtids(written("0:1-222"));
  const Decision closed = decide(view);
  CHECK(closed.rule == "demoted");
  CHECK(closed.record->candidate == NodeName("c-2"));
  CHECK(closed.record->base == gtids(written("0:1-222")));
  CHECK(closed.record->ackers.contains(NodeName("c-0")));
}

TEST_CASE("a switchover that takes too long is undone by electing the old primary anew") {
  ViewBuilder view = cluster(3);
  view.view.record.phase = Phase::Demoting;
  view.view.record.candidate = NodeName("c-2");
  view.view.in_phase_for = std::chrono::seconds(60);
  const Decision decision = decide(view);
  CHECK(decision.rule == "demotion_undone");
  CHECK(decision.record->version.epoch == 4);
  // Open at once, with the ackers it has: they are what it may need to come to an end at all.
  CHECK(decision.record->phase == Phase::Publishing);
  CHECK(decision.record->primary == NodeName("c-0"));
  CHECK(decision.record->candidate.empty());
  CHECK(decision.record->unfenced.empty());
  CHECK(decision.record->ackers == view.view.record.ackers);
  CHECK(decision.record->acks_required == 1);
}

TEST_CASE("a switchover is not undone because sessions are not back yet") {
  ViewBuilder view = cluster(3);
  view.view.record.version = {4, 1};
  view.view.record.phase = Phase::Demoting;
  view.view.record.candidate = NodeName("c-2");
  view.view.record.unfenced = {NodeName("c-0")};
  const Duration moment = std::chrono::milliseconds(100);
  // A coordinator has just started: nobody has called, or only some.
  CHECK_FALSE(decide(ViewBuilder(view).lost("c-0", moment).lost("c-2", moment)).record);
  CHECK_FALSE(decide(ViewBuilder(view).lost("c-2", moment)).record);
  CHECK_FALSE(decide(ViewBuilder(view).lost("c-0", moment)).record);
  CHECK(decide(ViewBuilder(view).lost("c-0")).record->phase == Phase::Revoking);
  // The candidate dies before the primary has said that it heard: it is alive all the same.
  const Decision undone = decide(ViewBuilder(view).accepted("c-0", {3, 7}).mysqld_dead("c-2"));
  CHECK(undone.record->phase == Phase::Publishing);
  CHECK(undone.record->primary == NodeName("c-0"));
}

TEST_CASE("a node is wiped only while the primary is open, which can give it everything again") {
  ViewBuilder view = cluster(2);
  view.incarnation("c-1", "a copy that counts for nothing");
  ClusterRow row;
  for (const auto& [name, member] : view.view.members)
    row.members[name].address = "127.0.0.1";
  const auto may_reseed = [&] { return goal_for(view, row, {}, NodeName("c-1"))->may_reseed; };
  auto& primary = *view.report("c-0").server;
  primary.version = {5, 7, 44};
  CHECK(may_reseed());
  primary.purged = gtids(written("0:1-50"));
  CHECK(may_reseed());
  view.state("c-0", NodeState::RejoinCheck);
  CHECK_FALSE(may_reseed());
}

TEST_CASE("a former primary may cut its tail only when another has opened, and commits waited") {
  ViewBuilder view = cluster(2);
  ClusterRow row;
  for (const auto& [name, member] : view.view.members)
    row.members[name].address = "127.0.0.1";
  const auto may_trim = [&](const char* node) {
    return goal_for(view, row, {}, NodeName(node))->may_trim;
  };
  CHECK(may_trim("c-1"));
  CHECK_FALSE(may_trim("c-0"));
  view.view.policy.lossless = false;
  CHECK_FALSE(may_trim("c-1"));
  ViewBuilder election = promoting("c-1");
  for (const auto& [name, member] : election.view.members) {
    row.members[name].address = "127.0.0.1";
    CAPTURE(name.str());
    CHECK_FALSE(goal_for(election, row, {}, name)->may_trim);
  }
}

TEST_CASE("a node whose fence proof is waited for stays fenced, also as an acker to be") {
  ViewBuilder view = promoting("c-1");
  view.view.record.ackers = {{NodeName("c-0"), "c-0-data"}, {NodeName("c-2"), "c-2-data"}};
  ClusterRow row;
  for (const auto& [name, member] : view.view.members)
    row.members[name].address = "127.0.0.1";
  CHECK(goal_for(view, row, {}, NodeName("c-0"))->state == NodeState::Acker);
  view.view.record.proof_needed = true;
  CHECK(goal_for(view, row, {}, NodeName("c-0"))->state == NodeState::Fenced);
  CHECK(goal_for(view, row, {}, NodeName("c-2"))->state == NodeState::Acker);
}

TEST_CASE("a restarted primary opens only when k ackers hold all of its binary log") {
  ViewBuilder view = cluster(3);
  view.report("c-0").mysqld_boot = 5;
  view.report("c-0").state = NodeState::RejoinCheck;
  view.holds("c-0", "0:1-203");
  CHECK_FALSE(decide(view).record->blocked.empty());
  view.holds("c-1", "0:1-203");
  const Decision decision = decide(view);
  CHECK(decision.rule == "reopen");
  CHECK(decision.record->open_boot == 5);
  CHECK(decision.record->version.epoch == 3);
}

TEST_CASE(
    "a primary that was restarted before it heard that it was to open is opened all the same") {
  ViewBuilder view = cluster(3);
  // Its agent still had the goal to be prepared when mysqld came up again.
  view.report("c-0").mysqld_boot = 5;
  view.report("c-0").state = NodeState::Promoting;
  view.holds("c-0", "0:1-203");
  CHECK_FALSE(decide(view).record->blocked.empty());
  view.holds("c-1", "0:1-203");
  CHECK(decide(view).rule == "reopen");
  CHECK(decide(view).record->open_boot == 5);
}

TEST_CASE("k is lowered on record only after ackers were missing for a while") {
  ViewBuilder view = cluster(2).lost("c-1");
  CHECK(decide(view).rule == "steady");
  view.view.ackers_short_for = std::chrono::seconds(10);
  const Decision decision = decide(view);
  CHECK(decision.rule == "weaken");
  CHECK(decision.record->acks_required == 0);
  CHECK(decision.record->ackers.size() == 1);
}

TEST_CASE(
    "an acker is on record before it acknowledges, and k is raised after enough hold everything") {
  ViewBuilder view = cluster(2);
  view.view.record.ackers.clear();
  view.view.record.acks_required = 0;
  view.view.record.acks_wanted = 0;
  view.state("c-1", NodeState::Replica);
  Decision decision = decide(view);
  CHECK(decision.rule == "add_acker");
  CHECK(decision.record->acks_wanted == 0);

  view.view.record = *decision.record;
  view.accepted("c-0", decision.record->version)
      .accepted("c-1", decision.record->version)
      .state("c-1", NodeState::Acker);
  decision = decide(view);
  CHECK(decision.rule == "raise_begin");
  CHECK(decision.record->acks_required == 0);
  CHECK(decision.record->acks_wanted == 1);

  view.view.record = *decision.record;
  view.accepted("c-0", decision.record->version);
  CHECK_FALSE(decide(view).record);  // no marker yet
  view.report("c-0").marker = gtids(written("0:1-230"));
  CHECK_FALSE(decide(view).record);  // nobody holds it
  view.holds("c-1", "0:1-200", "0:201-230");
  decision = decide(view);
  CHECK(decision.rule == "raise_end");
  CHECK(decision.record->acks_required == 1);
}

TEST_CASE("an acker with other data leaves A only when the rest holds what was written before") {
  ViewBuilder view = cluster(3).incarnation("c-2", "seeded-anew");
  Decision decision = decide(view);
  CHECK(decision.rule == "leave_begin");
  view.view.record = *decision.record;
  view.accepted("c-0", decision.record->version);
  CHECK_FALSE(decide(view).record);
  // While it still acknowledges, a marker proves nothing: a later write may be with it alone.
  view.report("c-0").marker = gtids(written("0:1-230"));
  view.holds("c-1", "0:1-230");
  CHECK_FALSE(decide(view).record);
  view.report("c-2").server->semisync.replica_acking = false;
  CHECK_FALSE(decide(view).record);  // it has not heard yet: it may begin again
  view.accepted("c-2", decision.record->version);
  decision = decide(view);
  CHECK(decision.rule == "leave_quiet");
  view.view.record = *decision.record;
  CHECK_FALSE(decide(view).record);
  view.accepted("c-0", decision.record->version);
  view.report("c-0").marker = gtids(written("0:1-240"));
  view.holds("c-2", "0:1-240");  // its own holding does not count
  CHECK_FALSE(decide(view).record);
  view.holds("c-1", "0:1-240");
  decision = decide(view);
  CHECK(decision.rule == "leave_end");
  CHECK_FALSE(decision.record->ackers.contains(NodeName("c-2")));
}

TEST_CASE("a store that is older than a node's promise decides nothing") {
  const Decision decision = decide(cluster(3).mysqld_dead("c-0").accepted("c-1", {9, 1}));
  CHECK(decision.rule == "store_is_old");
  CHECK(decision.record->version == model::RecordVersion{3, 7});
}

TEST_CASE(
    "asynchronous: the most advanced replica, and only with proof that the old primary is down") {
  ViewBuilder dead = cluster(3).asynchronous().mysqld_dead("c-0");
  CHECK(decide(dead).rule == "primary_dead");
  ViewBuilder view = revoking(3).asynchronous();
  view.revoked("c-1").revoked("c-2").holds("c-1", "0:1-190").holds("c-2", "0:1-195");
  CHECK(decide(view).record->blocked.find("no proof") != std::string::npos);
  view.report("c-0").accepted = {4, 1};
  view.state("c-0", NodeState::Fenced);
  const Decision decision = decide(view);
  CHECK(decision.rule == "elect");
  CHECK(decision.record->candidate == NodeName("c-2"));
  CHECK(decision.record->proof_needed);
}

TEST_CASE("asynchronous: a replica that lacks most of the data is not promoted") {
  // One that has just been made: before the first failover every base is empty.
  ViewBuilder dead = cluster(2).asynchronous().holds("c-1", "").mysqld_dead("c-0");
  dead.view.record.base = {};
  dead.view.members.at(NodeName("c-0")).last_executed = gtids(written("0:1-90000"));
  CHECK(decide(dead).record->phase == Phase::Steady);
  dead.holds("c-1", "0:1-89000");
  CHECK(decide(dead).record->phase == Phase::Revoking);
  dead.view.members.at(NodeName("c-0")).last_executed.reset();
  CHECK(decide(dead).record->phase == Phase::Steady);

  ViewBuilder view = revoking(2).asynchronous().revoked("c-1").holds("c-1", "0:1-200");
  view.accepted("c-0", {4, 1}).state("c-0", NodeState::Fenced);
  view.view.members.at(NodeName("c-0")).last_executed = gtids(written("0:1-90000"));
  CHECK(decide(view).record->blocked.find("lacks 89800") != std::string::npos);
  // It is back and closed: it is elected itself.
  ViewBuilder back = view;
  auto& old = back.report("c-0");
  old.mysqld = model::MysqldState::Running;
  old.server.emplace();
  old.server->executed = gtids(written("0:1-90000"));
  old.final_set = old.server->executed;
  CHECK(decide(back).record->candidate == NodeName("c-0"));
  // Its data are gone: what the replica has is all that there is.
  view.state("c-0", NodeState::New).report("c-0").mysqld = model::MysqldState::NotInitialised;
  CHECK(decide(view).record->candidate == NodeName("c-1"));
}

TEST_CASE("asynchronous: a primary that is only out of sight is never failed over without proof") {
  const Decision decision = decide(cluster(3).asynchronous().lost("c-0").blind("c-1").blind("c-2"));
  CHECK(decision.record->version.epoch == 3);
  CHECK(decision.record->blocked.find("no proof") != std::string::npos);
}

TEST_CASE("what at least n of the sets hold") {
  const std::vector<model::GtidSet> sets{gtids(written("0:1-10")), gtids(written("0:1-8")),
                                         gtids(written("0:1-12"))};
  CHECK(held_by_at_least(sets, 1) == gtids(written("0:1-12")));
  CHECK(held_by_at_least(sets, 2) == gtids(written("0:1-10")));
  CHECK(held_by_at_least(sets, 3) == gtids(written("0:1-8")));
  CHECK(held_by_at_least(sets, 4).empty());
}

TEST_CASE("whatever the view, no decision lowers (epoch, version) or acts on an old record") {
  std::mt19937 random(20260501);
  const auto any = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const std::vector<Phase> phases{Phase::Steady, Phase::Revoking, Phase::Demoting, Phase::Promoting,
                                  Phase::Publishing};
  for (int i = 0; i < 20000; ++i) {
    ViewBuilder view = cluster(1 + any(4));
    view.view.record.phase = phases[static_cast<size_t>(any(5))];
    view.view.record.opened = any(2) == 0;
    view.view.record.candidate = NodeName("c-" + std::to_string(any(4)));
    view.view.in_phase_for = std::chrono::seconds(any(20));
    view.view.ackers_short_for = std::chrono::seconds(any(5));
    view.view.dns_current = any(2) == 0;
    if (any(3) == 0) view.asynchronous();
    for (auto& [name, member] : view.view.members) {
      if (any(4) == 0) view.lost(name.str(), std::chrono::seconds(any(3)));
      if (any(4) == 0) view.state(name.str(), model::kAllNodeStates[static_cast<size_t>(any(15))]);
      if (any(6) == 0) view.incarnation(name.str(), "other");
      if (any(5) == 0) view.report(name.str()).final_set = gtids(written("0:1-300"));
      if (any(6) == 0) view.mysqld_dead(name.str());
    }
    CAPTURE(i);
    const Decision decision = decide(view);
    if (!decision.record) continue;
    const bool only_blocked = decision.record->version == view.view.record.version;
    CHECK(decision.record->version >= view.view.record.version);
    if (only_blocked) {
      ClusterRecord same = *decision.record;
      same.blocked = view.view.record.blocked;
      CHECK(same == view.view.record);
    }
    CHECK(decision.record->acks_required <= decision.record->acks_wanted);
    CHECK(decision.record->acks_required <= static_cast<int>(decision.record->ackers.size()));
    CHECK(decision.record->base.contains(view.view.record.base));
  }
}

}  // namespace cdb::coordinator
