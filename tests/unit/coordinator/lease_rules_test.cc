// What leases, holds and fence proofs have to say in a decision.
#include <doctest/doctest.h>

#include "coordinator/core/decide.h"
#include "coordinator/core/election.h"
#include "coordinator/core/goals.h"
#include "coordinator/core/grants.h"
#include "tests/support/view_builder.h"

namespace cdb::coordinator {
namespace {

using model::NodeName;
using model::NodeState;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::gtids;
using test::ViewBuilder;
using test::written;

ViewBuilder cluster(int nodes) {
  ViewBuilder builder = ViewBuilder(nodes).steady();
  for (auto& [name, member] : builder.view.members)
    member.gated = true;
  return builder;
}

MemberView& member(ViewBuilder& builder, const std::string& node) {
  return builder.view.members.at(NodeName(node));
}

ViewBuilder asynchronous(int nodes) {
  ViewBuilder builder = cluster(nodes).asynchronous();
  for (int i = 1; i < nodes; ++i)
    builder.view.record.voters.insert(NodeName("c-" + std::to_string(i)));
  builder.view.record.holds_required = nodes > 1 ? 1 : 0;
  return builder;
}

// An election whose candidate is ready; the former primary's machine says nothing.
ViewBuilder ready() {
  ViewBuilder builder = cluster(3);
  builder.view.record.version = {4, 2};
  builder.view.record.phase = Phase::Promoting;
  builder.view.record.candidate = NodeName("c-1");
  builder.view.record.opened = false;
  builder.view.record.unfenced = {NodeName("c-0")};
  builder.view.record.ackers = {{NodeName("c-2"), "c-2-data"}};
  builder.revoked("c-1").revoked("c-2");
  builder.state("c-1", NodeState::Promoting).lost("c-0");
  return builder;
}

}  // namespace

TEST_CASE(
    "a primary that the coordinator alone does not see is not failed over while a peer holds") {
  ViewBuilder builder = cluster(3).lost("c-0").blind("c-1").blind("c-2");
  builder.report("c-2").holding_epoch = 3;
  const Decision decision = decide(builder);
  CHECK_FALSE(decision.record);
  CHECK(decision.why.find("c-2 holds for it") != std::string::npos);
  builder.report("c-2").holding_epoch = 2;  // of another epoch's primary
  CHECK(decide(builder).rule == "primary_lost");
  CHECK(decide(builder).record);
}

TEST_CASE("a primary whose agent is gone but whose lease runs is kept while an acker sees it") {
  ViewBuilder builder = cluster(3).lost("c-0");
  member(builder, "c-0").lease_left = seconds(1);
  CHECK_FALSE(decide(builder).record);
  // Its port is shut by now: whoever replicates from it, it serves nobody.
  member(builder, "c-0").lease_left = {};
  const Decision decision = decide(builder);
  REQUIRE(decision.record);
  CHECK(decision.record->phase == Phase::Revoking);
  // Without a gate the same silence says nothing.
  member(builder, "c-0").gated = false;
  CHECK_FALSE(decide(builder).record);
}

TEST_CASE("an agent that said that it would be away is waited for as long as its lease runs") {
  ViewBuilder builder = cluster(3).lost("c-0").blind("c-1").blind("c-2");
  member(builder, "c-0").excused = true;
  member(builder, "c-0").lease_left = seconds(9);
  CHECK_FALSE(decide(builder).record);
  member(builder, "c-0").excused = false;
  CHECK(decide(builder).record);
}

TEST_CASE("a candidate opens once the former primary's lease has lapsed or its agent said so") {
  ViewBuilder builder = ready();
  member(builder, "c-0").lease_left = milliseconds(400);
  builder.view.in_phase_for = seconds(5);
  CHECK(decide(builder).why == "the lease of c-0 runs out");
  member(builder, "c-0").lease_left = {};
  CHECK(decide(builder).rule == "open");
  // A hold may have been given up to the last promise.
  builder.view.in_phase_for = milliseconds(2100);
  CHECK(decide(builder).why == "the lease of c-0 runs out");
  builder.view.policy.wait_for_proof = false;
  CHECK(decide(builder).rule == "open");
  CHECK(decide(builder).record->unfenced.contains(NodeName("c-0")));
}

TEST_CASE(
    "where those who promised hold for nobody, the former primary's grant alone is waited for") {
  ViewBuilder builder = ready();
  builder.view.record.holds_over = true;
  member(builder, "c-0").lease_left = milliseconds(1);
  CHECK(decide(builder).why == "the lease of c-0 runs out");
  member(builder, "c-0").lease_left = {};
  CHECK(decide(builder).rule == "open");
}

TEST_CASE("an election notes whether a hold may still run") {
  for (const bool holds : {false, true}) {
    CAPTURE(holds);
    ViewBuilder builder = cluster(3).lost("c-0");
    builder.view.record.version = {4, 1};
    builder.view.record.phase = Phase::Revoking;
    builder.view.in_phase_for = seconds(1);
    builder.revoked("c-1").revoked("c-2");
    builder.report("c-2").holding_epoch = holds ? 3 : 0;
    const Decision decision = decide(builder);
    REQUIRE(decision.rule == "elect");
    CHECK(decision.record->holds_over == !holds);
  }
}

TEST_CASE("all former primaries owe a proof, not only the last one") {
  ViewBuilder builder = ready();
  builder.view.record.proof_needed = true;
  builder.view.record.unfenced = {NodeName("c-0"), NodeName("c-2")};
  builder.view.in_phase_for = seconds(5);
  member(builder, "c-2").lease_left = seconds(1);
  builder.state("c-2", NodeState::CatchingUp);
  CHECK(decide(builder).why.find("c-2 is down") != std::string::npos);
  member(builder, "c-2").lease_left = {};
  CHECK(decide(builder).rule == "open");
  builder.view.policy.fence_by_time = false;
  CHECK(decide(builder).why.find("no proof yet") != std::string::npos);
}

TEST_CASE("a proof that is still owed in an open epoch is noted when it comes") {
  ViewBuilder builder = cluster(3);
  builder.view.record.unfenced = {NodeName("c-2")};
  builder.report("c-2").mysqld = model::MysqldState::Stalled;
  CHECK(decide(builder).rule != "fence_proved");
  builder.report("c-2").mysqld = model::MysqldState::Running;
  const Decision decision = decide(builder);
  CHECK(decision.rule == "fence_proved");
  CHECK(decision.record->unfenced.empty());
}

TEST_CASE("asynchronous: time is a proof once the voters' holds and the lease have lapsed") {
  ViewBuilder builder = asynchronous(3).lost("c-0");
  REQUIRE(decide(builder).record);
  builder.view.record = *decide(builder).record;
  builder.revoked("c-1").revoked("c-2");
  builder.view.in_phase_for = seconds(3);
  builder.report("c-1").holding_epoch = 3;
  builder.report("c-2").holding_epoch = 3;
  member(builder, "c-1").promised_for = seconds(3);
  CHECK(decide(builder).why.find("no proof yet") != std::string::npos);
  member(builder, "c-2").promised_for = seconds(3);
  CHECK(decide(builder).rule == "elect");
  member(builder, "c-0").lease_left = milliseconds(1);
  CHECK_FALSE(decide(builder).rule == "steady");
  CHECK(decide(builder).why.find("no proof yet") != std::string::npos);
  member(builder, "c-0").lease_left = {};
  builder.view.policy.fence_by_time = false;
  CHECK(decide(builder).why.find("no proof yet") != std::string::npos);
}

TEST_CASE("asynchronous: a primary that needs nobody's hold is not failed over on suspicion") {
  ViewBuilder builder = asynchronous(3).lost("c-0");
  builder.view.record.holds_required = 0;
  CHECK(decide(builder).why.find("no proof that it is down") != std::string::npos);
}

TEST_CASE(
    "asynchronous: voters come by record first, and the primary's need for them by its word") {
  ViewBuilder builder = asynchronous(3);
  builder.view.record.voters.clear();
  builder.view.record.holds_required = 0;
  Decision decision = decide(builder);
  CHECK(decision.rule == "add_voter");
  builder.view.record = *decision.record;
  decision = decide(builder);
  CHECK(decision.rule == "add_voter");
  builder.view.record = *decision.record;
  CHECK(decide(builder).rule == "steady");  // the primary has not heard of them
  for (auto& [name, other] : builder.view.members)
    other.report->accepted = builder.view.record.version;
  decision = decide(builder);
  CHECK(decision.rule == "voters_confirmed");
  CHECK(decision.record->holds_required == 1);
}

TEST_CASE("asynchronous: a voter that is gone leaves once the primary does without its hold") {
  ViewBuilder builder = asynchronous(3).lost("c-2");
  Decision decision = decide(builder);
  CHECK(decision.rule == "drop_voter");
  CHECK(decision.record->voters.contains(NodeName("c-2")));
  builder.view.record = *decision.record;
  CHECK(promises_needed(builder.view.record) == 2);
  CHECK(decide(builder).rule == "steady");
  builder.accepted("c-0", builder.view.record.version);
  decision = decide(builder);
  CHECK(decision.rule == "voter_dropped");
  CHECK(promises_needed(*decision.record) == 1);
}

TEST_CASE(
    "asynchronous: the last voter's hold is given up by record before the primary hears of it") {
  ViewBuilder builder = asynchronous(2).lost("c-1");
  const Decision decision = decide(builder);
  CHECK(decision.rule == "drop_voter");
  CHECK(decision.record->holds_required == 0);
}

TEST_CASE("an acker that stays away leaves A once the primary's gate keeps it out") {
  ViewBuilder builder = cluster(3).lost("c-2");
  Decision decision = decide(builder);
  CHECK(decision.rule == "leave_begin");
  builder.view.record = *decision.record;
  CHECK(decide(builder).rule == "steady");
  builder.accepted("c-0", builder.view.record.version);
  CHECK(decide(builder).rule == "steady");
  builder.report("c-0").gate = builder.view.record.version;
  decision = decide(builder);
  CHECK(decision.rule == "leave_quiet");
  builder.view.record = *decision.record;
  // What it acknowledged alone must be held by the rest before it counts no more.
  CHECK(decide(builder).rule == "steady");
  builder.accepted("c-0", builder.view.record.version);
  builder.report("c-0").marker = gtids(written("0:201"));
  CHECK(decide(builder).rule == "steady");
  builder.holds("c-1", "0:1-200", "0:201");
  decision = decide(builder);
  CHECK(decision.rule == "leave_end");
  CHECK(revocations_needed(*decision.record) == 1);
}

TEST_CASE("without a gate, or as the last one, an acker that is away stays in A") {
  ViewBuilder two = cluster(2).lost("c-1");
  CHECK(decide(two).rule == "steady");
  ViewBuilder ungated = cluster(3).lost("c-2");
  member(ungated, "c-0").gated = false;
  CHECK(decide(ungated).rule == "steady");
}

TEST_CASE("a primary that no acker receives from gives way to several that are well") {
  ViewBuilder builder = cluster(3).blind("c-1").blind("c-2");
  CHECK(decide(builder).rule == "steady");
  builder.view.ackers_short_for = seconds(4);
  const Decision decision = decide(builder);
  CHECK(decision.rule == "primary_cut_off");
  CHECK(decision.record->phase == Phase::Revoking);
  // Alone it would protect nothing more than the primary does.
  ViewBuilder two = cluster(2).blind("c-1");
  two.view.ackers_short_for = seconds(4);
  CHECK(decide(two).rule == "weaken");
}

TEST_CASE(
    "a stalled server and a full disk cost the primary its place, where another can have it") {
  ViewBuilder stalled = cluster(3);
  stalled.report("c-0").mysqld = model::MysqldState::Stalled;
  CHECK(decide(stalled).record->cause == "mysqld of c-0 does not answer");
  ViewBuilder full = cluster(3);
  full.report("c-0").disk_full = true;
  CHECK(decide(full).record->cause == "the disk of c-0 takes no writes");
  full.report("c-1").disk_full = true;
  CHECK(unfit(full, NodeName("c-1")) == "its disk takes no writes");
  full.report("c-2").disk_full = true;
  CHECK(decide(full).record->phase == Phase::Steady);
  CHECK_FALSE(decide(full).record->blocked.empty());
}

TEST_CASE("an acker that has to be seeded anew leaves A before its copy of the data goes") {
  ViewBuilder builder = cluster(3);
  ClusterRow row;
  row.record = builder.view.record;
  for (int i = 0; i < 3; ++i)
    row.members[NodeName("c-" + std::to_string(i))].address = "10.0.0." + std::to_string(i);
  const auto may_reseed = [&] {
    row.record = builder.view.record;
    return goal_for(builder, row, {}, NodeName("c-2"))->may_reseed;
  };
  builder.report("c-2").errant = gtids(written("2:1"));
  CHECK_FALSE(may_reseed());
  const Decision decision = decide(builder);
  CHECK(decision.rule == "leave_begin");
  builder.view.record = *decision.record;
  CHECK_FALSE(may_reseed());
  builder.view.record.ackers[NodeName("c-2")].clear();
  CHECK(may_reseed());
}

TEST_CASE("a change of durability leaves nobody behind who counted for the old one") {
  ViewBuilder lossless = cluster(3);
  lossless.view.record.voters = {NodeName("c-1")};
  lossless.view.record.holds_required = 1;
  Decision decision = decide(lossless);
  CHECK(decision.rule == "durability_changed");
  CHECK(decision.record->voters.empty());
  CHECK(decision.record->holds_required == 0);

  ViewBuilder builder = cluster(3);
  builder.view.policy.lossless = false;
  decision = decide(builder);
  CHECK(decision.rule == "lower");
  builder.view.record = *decision.record;
  for (auto& [name, other] : builder.view.members)
    other.report->accepted = builder.view.record.version;
  decision = decide(builder);
  CHECK(decision.rule == "durability_changed");
  CHECK(decision.record->ackers.empty());
}

TEST_CASE("while acknowledgements are on record an election needs those who gave them") {
  ViewBuilder builder = cluster(3).lost("c-0").lost("c-2");
  builder.view.policy.lossless = false;
  builder.view.record.version = {4, 1};
  builder.view.record.phase = Phase::Revoking;
  builder.view.in_phase_for = seconds(1);
  builder.revoked("c-1");
  CHECK(decide(builder).why.find("1 of 2 ackers reached, 2 needed") != std::string::npos);
}

TEST_CASE(
    "an acker that is back before it was quiet counts in an election, though it was to leave") {
  ViewBuilder builder = cluster(3).lost("c-0");
  builder.view.record.leaving = {NodeName("c-2")};
  builder.view.record.version = {4, 1};
  builder.view.record.phase = Phase::Revoking;
  builder.view.in_phase_for = seconds(1);
  builder.revoked("c-1").revoked("c-2");
  CHECK(decide(builder).record->phase == Phase::Promoting);
  builder.view.record.ackers[NodeName("c-2")].clear();
  CHECK(decide(builder).record->phase == Phase::Revoking);
}

TEST_CASE("a lease is for the opened primary of the node's own epoch, and for readers") {
  ViewBuilder builder = cluster(3);
  const auto granted = [&](const std::string& node) {
    return grant_for(builder.view.record, builder.view.policy, NodeName(node),
                     builder.report(node));
  };
  CHECK(granted("c-0") == model::LeaseGrant{3, seconds(2)});
  CHECK(granted("c-1") == model::LeaseGrant{3, seconds(2)});
  builder.report("c-0").lease.wanted_ms = 20000;
  CHECK(granted("c-0")->ttl == seconds(20));
  builder.report("c-0").lease.wanted_ms = 86400000;
  CHECK(granted("c-0")->ttl == kLongestAbsence);
  builder.report("c-0").accepted.epoch = 2;
  CHECK_FALSE(granted("c-0"));
  builder.report("c-0").accepted = builder.view.record.version;
  for (const Phase phase : {Phase::Revoking, Phase::Demoting, Phase::Promoting}) {
    builder.phase(phase);
    CHECK_FALSE(granted("c-0"));
    CHECK(granted("c-1"));
  }
  builder.view.record.unfenced = {NodeName("c-1")};
  CHECK_FALSE(granted("c-1"));
}

TEST_CASE("only ackers, and those that said they acknowledge nothing, may replicate from a node") {
  ViewBuilder builder = cluster(4);
  builder.view.record.ackers.erase(NodeName("c-3"));
  ClusterRow row;
  row.record = builder.view.record;
  for (int i = 0; i < 4; ++i) {
    Member m;
    m.address = "10.0.0." + std::to_string(i);
    row.members[NodeName("c-" + std::to_string(i))] = m;
  }
  const auto peer = [&](const std::string& name) {
    const auto goal = goal_for(builder, row, {}, NodeName("c-0"));
    for (const model::Peer& p : goal->peers) {
      if (p.name.str() == name) return p;
    }
    return model::Peer{};
  };
  CHECK(peer("c-1").admitted);
  CHECK(peer("c-1").holder);
  CHECK_FALSE(peer("c-3").admitted);  // it still acknowledges, as in the epoch before
  CHECK_FALSE(peer("c-3").holder);
  builder.report("c-3").server->semisync.replica_acking = false;
  // An acker's goal of a moment ago may still be carried out.
  CHECK_FALSE(peer("c-3").admitted);
  builder.state("c-3", NodeState::Replica);
  CHECK(peer("c-3").admitted);
  // What does not answer goes on as it was.
  builder.report("c-3").server.reset();
  builder.report("c-3").mysqld = model::MysqldState::Stalled;
  CHECK_FALSE(peer("c-3").admitted);
  builder.view.record.leaving = {NodeName("c-1")};
  CHECK_FALSE(peer("c-1").admitted);
  CHECK_FALSE(peer("c-1").holder);
  CHECK(goal_for(builder, row, {}, NodeName("c-0"))->holds_required == 1);
}

}  // namespace cdb::coordinator
