#include "agent/core/lease.h"

#include <doctest/doctest.h>

#include "tests/support/fake_node.h"

namespace cdb::agent {
namespace {

using model::LeaseSource;
using model::NodeName;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kNow = Instant{} + std::chrono::hours(1);

LeaseTerms writer(int holds_required, std::vector<std::string> holders = {"c-1", "c-2"}) {
  LeaseTerms terms{.epoch = 4, .role = LeaseRole::Writer, .holds_required = holds_required};
  for (const std::string& name : holders)
    terms.holders.push_back({NodeName(name), "10.0.0." + name.substr(2), true, true});
  return terms;
}

}  // namespace

TEST_CASE("a closed node has no lease, whoever vouches for it") {
  LeaseTerms terms = writer(1);
  terms.role = LeaseRole::Closed;
  LeaseWords words{.granted_epoch = 4, .granted_until = kNow + seconds(2), .held_epoch = 4};
  words.held_until[NodeName("c-1")] = kNow + seconds(2);
  CHECK(lease_of(terms, words, kNow).until < kNow);
}

TEST_CASE("only words of the terms' own epoch count for a writer") {
  LeaseWords words{.granted_epoch = 3, .granted_until = kNow + seconds(2), .held_epoch = 3};
  words.held_until[NodeName("c-1")] = kNow + seconds(2);
  CHECK(lease_of(writer(1), words, kNow).until < kNow);
  words.granted_epoch = 4;
  CHECK(lease_of(writer(1), words, kNow) == Lease{kNow + seconds(2), LeaseSource::Coordinator});
}

TEST_CASE("a writer lives as long as the h-th longest hold of those that count") {
  LeaseWords words{.held_epoch = 4};
  words.held_until[NodeName("c-1")] = kNow + seconds(2);
  words.held_until[NodeName("c-2")] = kNow + seconds(1);
  words.held_until[NodeName("c-9")] = kNow + seconds(9);  // left A
  CHECK(lease_of(writer(1), words, kNow) == Lease{kNow + seconds(2), LeaseSource::Holds});
  CHECK(lease_of(writer(2), words, kNow) == Lease{kNow + seconds(1), LeaseSource::Holds});
  CHECK(lease_of(writer(3), words, kNow).until < kNow);
}

TEST_CASE("a primary that nobody could replace is never shut for want of a word") {
  const Lease lease = lease_of(writer(0), {}, kNow);
  CHECK(lease == Lease{kNow + seconds(2), LeaseSource::Own});
}

TEST_CASE("a reader lives by the coordinator's word, or while it receives from its source") {
  LeaseTerms terms{.epoch = 4, .role = LeaseRole::Reader};
  CHECK(lease_of(terms, {}, kNow).until < kNow);
  LeaseWords words{.streamed_at = kNow - milliseconds(500)};
  CHECK(lease_of(terms, words, kNow) == Lease{kNow + milliseconds(1500), LeaseSource::Stream});
}

TEST_CASE("holds are asked for once half a ttl has gone by without a grant") {
  LeaseWords words{.granted_epoch = 4, .granted_until = kNow + milliseconds(1500)};
  CHECK_FALSE(wants_holds(writer(1), words, kNow));
  CHECK(wants_holds(writer(1), words, kNow + milliseconds(600)));
  CHECK_FALSE(wants_holds(writer(0), words, kNow + seconds(9)));
  words.granted_epoch = 3;
  CHECK(wants_holds(writer(1), words, kNow));
}

TEST_CASE("a hold is given unless a higher epoch was promised") {
  const model::HoldRequest request{{}, 4, seconds(2)};
  CHECK(answer_hold({4, 9}, request).given);
  CHECK(answer_hold({3, 1}, request).given);
  CHECK_FALSE(answer_hold({5, 1}, request).given);
}

namespace {

struct Keeper {
  test::FakeFence fence{};
  test::FakePeers peers{};
  test::FakeClient client{};
  test::FakeClock clock{};
  std::unique_ptr<LeaseTask> task{};

  Keeper() { restart(); }
  void restart() {
    task = std::make_unique<LeaseTask>(model::NodeId{{"default", "c"}, NodeName("c-0")}, fence,
                                       peers, clock);
    task->set_client(client);
    task->start_with({4, 7}, seconds(2));
  }
  void pass(Duration time) {
    clock.at += time;
    // The kernel needs nobody to shut the gate.
    if (fence.until && *fence.until <= clock.at) fence.until.reset();
  }
};

}  // namespace

TEST_CASE("a grant counts from when the heartbeat was sent") {
  Keeper keeper;
  keeper.task->set_terms(writer(1));
  keeper.pass(milliseconds(300));
  keeper.task->granted({4, seconds(2)}, keeper.clock.at - milliseconds(300));
  CHECK(keeper.fence.until == keeper.clock.at + milliseconds(1700));
  // An answer that comes after its time opens nothing.
  keeper.pass(seconds(5));
  keeper.task->step();
  keeper.task->granted({4, seconds(2)}, keeper.clock.at - seconds(3));
  CHECK_FALSE(keeper.fence.until.has_value());
}

TEST_CASE("without a coordinator the holders keep a primary open, and one that promised does not") {
  Keeper keeper;
  keeper.task->set_terms(writer(1));
  keeper.task->granted({4, seconds(2)}, keeper.clock.at);
  keeper.peers.answers["10.0.0.1"] = {true, {4, 7}};
  for (int i = 0; i < 40; ++i) {
    keeper.task->step();
    CHECK(keeper.fence.until.has_value());
    keeper.pass(milliseconds(300));
  }
  CHECK(keeper.peers.asked.front().second.epoch == 4);
  CHECK(keeper.client.heartbeats.back().source == LeaseSource::Holds);

  keeper.peers.answers["10.0.0.1"] = {false, {5, 1}};
  for (int i = 0; i < 10; ++i) {
    keeper.pass(milliseconds(300));
    keeper.task->step();
  }
  CHECK_FALSE(keeper.fence.until.has_value());
  CHECK(keeper.fence.shuts > 0);
}

TEST_CASE("an agent that is started anew leaves the gate as it is until it knows its terms") {
  Keeper keeper;
  keeper.task->set_terms(writer(1));
  keeper.task->granted({4, seconds(2)}, keeper.clock.at);
  keeper.pass(milliseconds(500));
  keeper.restart();
  keeper.task->step();
  CHECK(keeper.fence.until.has_value());
  keeper.task->set_terms(writer(1));
  keeper.task->step();
  CHECK(keeper.fence.until.has_value());
  // What was left of the old lease is all that there is.
  keeper.pass(milliseconds(1600));
  keeper.task->step();
  CHECK_FALSE(keeper.fence.until.has_value());
}

TEST_CASE("after its start an agent is taken to hold for whoever it may have promised to") {
  Keeper keeper;
  keeper.task->step();
  CHECK(keeper.client.holding_epoch == 4);
  keeper.pass(milliseconds(2100));
  keeper.task->step();
  CHECK(keeper.client.holding_epoch == 0);
  CHECK(keeper.task->hold({{}, 4, seconds(2)}).given);
  keeper.pass(milliseconds(300));
  keeper.task->step();
  CHECK(keeper.client.holding_epoch == 4);
  keeper.task->promised({5, 1});
  CHECK_FALSE(keeper.task->hold({{}, 4, seconds(2)}).given);
}

TEST_CASE("before a planned absence a primary that nobody could replace lengthens its own lease") {
  Keeper keeper;
  keeper.task->set_terms(writer(0));
  keeper.task->step();
  CHECK(keeper.task->ask_longer(seconds(20), Deadline::after(milliseconds(1))));
  CHECK(keeper.fence.until == keeper.clock.at + seconds(20));
}

TEST_CASE("a gate that does not move is not counted on") {
  Keeper keeper;
  keeper.fence.broken = true;
  keeper.task->set_terms(writer(0));
  CHECK(keeper.task->said().lease.fence == "none");
  keeper.fence.broken = false;
  keeper.pass(milliseconds(300));
  keeper.task->step();
  CHECK(keeper.task->said().lease.fence == "kernel");
}

TEST_CASE("before a planned absence a longer lease is asked for") {
  Keeper keeper;
  keeper.task->set_terms(writer(1));
  keeper.task->granted({4, seconds(2)}, keeper.clock.at);
  CHECK_FALSE(keeper.task->ask_longer(seconds(20), Deadline::after(milliseconds(1))));
  CHECK(keeper.client.heartbeats.back().wanted_ms == 20000);
  keeper.task->granted({4, seconds(20)}, keeper.clock.at);
  CHECK(keeper.task->ask_longer(seconds(20), Deadline::after(milliseconds(1))));
  CHECK(keeper.fence.until == keeper.clock.at + seconds(20));
}

}  // namespace cdb::agent
