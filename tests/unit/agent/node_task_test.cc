#include "agent/tasks/node_task.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/support/eventually.h"
#include "tests/support/fake_node.h"

namespace cdb::agent {

using model::NodeState;
using testing::eventually;

namespace {

const std::string kFirst = "10000000-0000-0000-0000-000000000000";
const std::string kOwn = "20000000-0000-0000-0000-000000000000";

model::Credentials accounts() {
  return {Secret("r"), Secret("a"), Secret("p"), Secret("u")};
}

model::NodeGoal goal(NodeState state, uint64_t epoch, uint64_t version) {
  model::NodeGoal g;
  g.state = state;
  g.record = {epoch, version};
  g.credentials = accounts();
  g.base = model::GtidSet{};
  g.may_initialise = true;
  if (state == NodeState::Replica || state == NodeState::Acker) {
    g.source = model::Endpoint{"127.0.0.9", 3306};
    g.source_uuid = kFirst;
  }
  return g;
}

// The system's, with leaps.
struct LeapingClock final : Clock {
  Duration ahead{};
  [[nodiscard]] Instant now() const override { return BootTime::now() + ahead; }
  [[nodiscard]] WallTime wall() const override { return SystemClock().wall(); }
};

// A node's worker on a machine that can be broken.
struct Node {
  test::FakeMachine machine{};
  test::FakeServer server{machine};
  test::FakeProcess process{machine};
  test::FakeConfig config{};
  test::FakeMemory memory{machine};
  test::FakeClient client{};
  LeapingClock clock{};
  test::FakeFence fence{};
  test::FakePeers peers{};
  std::unique_ptr<LeaseTask> lease{};
  DiskState disk{};
  std::unique_ptr<NodeTask> task{};

  Node() { restart_agent(); }

  void restart_agent(const std::string& machine_boot = "boot-1") {
    lease = std::make_unique<LeaseTask>(model::NodeId{{"default", "c"}, model::NodeName("c-1")},
                                        fence, peers, clock);
    task = std::make_unique<NodeTask>(
        NodePorts{server, process, config, memory, *lease}, [this] { return disk; }, machine_boot,
        clock);
    task->set_client(client);
    REQUIRE(task->load().ok());
    task->connection_changed(true, "test");
  }

  // So many looks that everything that follows from the goal has been done.
  void settle() {
    for (int i = 0; i < 12; ++i)
      task->step();
  }

  void reach(const model::NodeGoal& g) {
    task->goal_received(g);
    settle();
  }

  const model::NodeReport& last() { return client.reports.back(); }
  long count(const std::string& call) {
    return std::count(machine.calls.begin(), machine.calls.end(), call);
  }
};

void make_primary(Node& node, int holds_required = 0) {
  node.reach(goal(NodeState::Promoting, 1, 1));
  model::NodeGoal open = goal(NodeState::PrimaryUnprotected, 1, 2);
  open.open_boot = node.last().mysqld_boot;
  open.holds_required = holds_required;
  node.reach(open);
}

}  // namespace

TEST_CASE("the first node makes the accounts, a data directory, and waits read-only to be opened") {
  Node node;
  model::NodeGoal first = goal(NodeState::Promoting, 1, 1);
  first.credentials.reset();
  node.reach(first);
  CHECK(node.last().state == NodeState::Promoting);
  CHECK(node.last().credentials->complete());
  CHECK(node.machine.status.read_only);
  CHECK(node.count("initialise") == 1);
  CHECK(node.count("accounts") == 1);

  model::NodeGoal open = goal(NodeState::PrimaryUnprotected, 1, 2);
  open.credentials = node.last().credentials;
  open.open_boot = node.last().mysqld_boot;
  node.reach(open);
  CHECK(node.last().state == NodeState::PrimaryUnprotected);
  CHECK(node.last().marker);
}

TEST_CASE("a lower (epoch, version) than ever seen is refused, also by the next agent") {
  Node node;
  make_primary(node);
  node.reach(goal(NodeState::Replica, 5, 1));
  CHECK(node.last().accepted == model::RecordVersion{5, 1});
  node.restart_agent();
  model::NodeGoal stale = goal(NodeState::PrimaryUnprotected, 4, 9);
  stale.open_boot = node.last().mysqld_boot;
  stale.sole = true;
  node.reach(stale);
  CHECK(node.last().accepted == model::RecordVersion{5, 1});
  CHECK(node.machine.status.read_only);
}

TEST_CASE("a promise that cannot be saved is neither kept nor told") {
  Node node;
  make_primary(node);
  node.machine.disk_full = true;
  node.reach(goal(NodeState::Replica, 7, 1));
  CHECK(node.last().accepted.epoch == 1);
  CHECK(node.last().problem.find("no space") != std::string::npos);
  CHECK_FALSE(node.machine.status.read_only);
}

TEST_CASE("a restarted agent adopts mysqld and changes nothing about it") {
  Node node;
  make_primary(node);
  const auto calls = node.machine.calls.size();
  const auto boot = node.last().mysqld_boot;
  node.restart_agent();
  node.settle();
  CHECK(node.last().state == NodeState::PrimaryUnprotected);
  CHECK(node.last().mysqld_boot == boot);
  CHECK(node.machine.starts == 1);
  CHECK(node.count("kill") == 0);
  // Accounts are looked at once more, and the marker is written anew: nothing else.
  CHECK(node.machine.calls.size() <= calls + 2);
}

TEST_CASE("a deposed primary is killed, comes back closed and replicates") {
  Node node;
  make_primary(node);
  node.reach(goal(NodeState::Replica, 2, 3));
  CHECK(node.count("kill") == 1);
  CHECK(node.machine.starts == 2);
  CHECK(node.last().state == NodeState::Replica);
  CHECK(node.machine.status.read_only);
}

TEST_CASE("a primary whose mysqld was restarted stays closed until its boot is named") {
  Node node;
  make_primary(node);
  model::NodeGoal again = goal(NodeState::PrimaryUnprotected, 1, 2);
  again.open_boot = node.last().mysqld_boot;
  node.machine.running = false;
  node.task->connection_changed(false, "test");
  node.settle();
  CHECK(node.machine.starts == 1);
  node.clock.ahead += std::chrono::seconds(5);
  node.settle();
  CHECK(node.machine.starts == 2);
  CHECK(node.last().state == NodeState::RejoinCheck);
  CHECK(node.machine.status.read_only);
  again.record.version = 3;
  again.open_boot = node.last().mysqld_boot;
  node.reach(again);
  CHECK(node.last().state == NodeState::PrimaryUnprotected);
}

TEST_CASE("a candidate drains what it received before it forgets its source") {
  Node node;
  node.reach(goal(NodeState::Acker, 1, 3));
  CHECK(node.last().state == NodeState::Acker);
  node.machine.status.replication.retrieved = model::GtidSet::parse(kFirst + ":1-9").value();
  node.reach(goal(NodeState::Revoked, 2, 1));
  CHECK(node.last().state == NodeState::Revoked);
  node.reach(goal(NodeState::Promoting, 2, 2));
  CHECK(node.last().state == NodeState::Promoting);
  CHECK(node.machine.status.executed.contains(model::GtidSet::parse(kFirst + ":1-9").value()));
  CHECK(node.machine.status.read_only);
}

TEST_CASE("a node with transactions of its own is wiped only when the coordinator allows it") {
  Node node;
  node.reach(goal(NodeState::Replica, 1, 3));
  const std::string incarnation = node.last().incarnation;
  node.machine.write(kOwn + ":1-2");
  node.settle();
  CHECK(node.last().state == NodeState::Quarantined);
  CHECK(node.last().errant.str() == kOwn + ":1-2");
  CHECK(node.count("wipe") == 0);

  model::NodeGoal reseed = goal(NodeState::Replica, 1, 4);
  reseed.may_reseed = true;
  node.reach(reseed);
  CHECK(node.count("wipe") == 1);
  CHECK(node.last().incarnation != incarnation);
  CHECK(node.last().state == NodeState::Replica);
}

namespace {

// A primary of epoch 1 whose mysqld was killed while three commits waited; another has opened.
model::NodeGoal depose(Node& node) {
  make_primary(node);
  node.machine.running = false;
  node.machine.tail = {.kind = TailPlan::Kind::Cut,
                       .file = "binlog.000003",
                       .offset = 99,
                       .transactions = 3,
                       .gtids = model::GtidSet::parse(kOwn + ":7-9").value()};
  model::NodeGoal follow = goal(NodeState::Acker, 2, 3);
  follow.may_trim = true;
  follow.may_reseed = true;
  return follow;
}

}  // namespace

TEST_CASE("a deposed primary keeps its tail aside, cuts it off, starts, proves it and replicates") {
  Node node;
  const model::NodeGoal follow = depose(node);
  const std::string incarnation = node.last().incarnation;
  node.machine.rolled_back = 4;  // one had not reached the binary log
  node.reach(follow);
  const auto at = [&](const std::string& call) {
    return std::find(node.machine.calls.begin(), node.machine.calls.end(), call);
  };
  CHECK(at("keep_tail") < at("cut_tail"));
  CHECK(node.count("cut_tail") == 1);
  CHECK(node.count("wipe") == 0);
  CHECK(node.machine.start_options == std::vector<std::string>{"--log_error_verbosity=3"});
  CHECK(node.count("set log_error_verbosity=2") == 1);
  CHECK(node.last().state == NodeState::Acker);
  CHECK(node.last().incarnation == incarnation);
  REQUIRE(node.last().discarded);
  CHECK(node.last().discarded->gtids.str() == kOwn + ":7-9");
  CHECK(node.last().discarded->archive == "archive/tail-epoch1-" + incarnation);
  CHECK(node.last().discarded->trimmed);
  // That it was primary once is over: a restart as a replica looks at no binary log.
  const long looks = node.count("find_tail");
  node.machine.running = false;
  node.settle();
  CHECK(node.machine.running);
  CHECK(node.count("find_tail") == looks);
  CHECK(node.machine.start_options.empty());
}

TEST_CASE("a tail of which not everything was rolled back is followed by a new seed") {
  Node node;
  const model::NodeGoal follow = depose(node);
  const std::string incarnation = node.last().incarnation;
  node.machine.rolled_back = 2;
  node.reach(follow);
  CHECK(node.count("cut_tail") == 1);
  CHECK(node.count("wipe") == 1);
  CHECK(node.last().incarnation != incarnation);
  CHECK(node.last().state == NodeState::Acker);
}

TEST_CASE("a tail that is still there after the start is followed by a new seed") {
  Node node;
  const model::NodeGoal follow = depose(node);
  node.machine.write(kOwn + ":7-9");  // committed, whatever the binary log says
  node.reach(follow);
  CHECK(node.count("wipe") == 1);
  CHECK(node.last().state == NodeState::Acker);
  CHECK_FALSE(node.last().discarded->trimmed);
}

TEST_CASE("an agent that died before the cut, or before the proof, is carried on by the next") {
  Node node;
  const model::NodeGoal follow = depose(node);
  const TailPlan tail = node.machine.tail;
  node.machine.start_fails = true;
  node.task->goal_received(follow);
  node.settle();
  CHECK(node.count("cut_tail") == 1);
  CHECK(node.machine.saved->trim_unproved);
  node.machine.tail = tail;  // as if it had not been cut
  node.machine.start_fails = false;
  node.machine.rolled_back = 1;
  node.restart_agent();
  node.reach(follow);
  CHECK(node.count("cut_tail") == 2);
  CHECK(node.count("wipe") == 1);  // the proof was not forgotten
  CHECK(node.last().state == NodeState::Acker);
}

TEST_CASE(
    "a tail that cannot be cut is left, and a state that cannot be saved lets nothing be cut") {
  Node node;
  const model::NodeGoal follow = depose(node);
  node.machine.tail.kind = TailPlan::Kind::Leave;
  node.reach(follow);
  CHECK(node.count("cut_tail") == 0);
  CHECK(node.last().state == NodeState::Acker);

  Node full;
  const model::NodeGoal same = depose(full);
  full.machine.archive_fills_disk = true;
  full.reach(same);
  CHECK(full.count("keep_tail") >= 1);
  CHECK(full.count("cut_tail") == 0);
  CHECK_FALSE(full.machine.running);
  CHECK(full.last().problem.find("no space") != std::string::npos);
}

TEST_CASE("a mysqld that does not start is told with its own words, and tried again later") {
  Node node;
  node.machine.start_fails = true;
  node.reach(goal(NodeState::Promoting, 1, 1));
  CHECK(node.count("start") >= 1);
  CHECK(node.last().state != NodeState::Promoting);
}

TEST_CASE("a primary whose semi-sync was tampered with is put right, and marked again") {
  Node node;
  make_primary(node);
  model::NodeGoal protect = goal(NodeState::Primary, 1, 3);
  protect.acks_required = 1;
  protect.open_boot = node.last().mysqld_boot;
  node.reach(protect);
  CHECK(node.last().marker);
  node.machine.status.semisync.source_enabled = false;
  node.settle();
  CHECK(node.machine.status.semisync.source_enabled);
  CHECK(node.last().marker);
}

TEST_CASE(
    "a node is copied anew for what its source has purged, not for any trouble with its log") {
  Node node;
  model::NodeGoal follow = goal(NodeState::Replica, 1, 3);
  follow.may_reseed = true;
  node.reach(follow);
  node.machine.write(kFirst + ":1-5");
  auto& replication = node.machine.status.replication;
  replication.receiver = model::ThreadState::Off;
  replication.receiver_error =
      "Got fatal error 1236 from source when reading data from binary log: 'A replica with the "
      "same server_uuid/server_id as this replica has connected to the source'";
  node.restart_agent();  // else it waits a while before it does anything about a receiver
  node.settle();
  CHECK(node.count("clone_from") == 0);
  replication.receiver = model::ThreadState::Off;
  replication.receiver_error =
      "Got fatal error 1236 from source when reading data from binary log: 'Cannot replicate "
      "because the source purged required binary logs.'";
  node.restart_agent();
  node.settle();
  CHECK(node.count("clone_from") >= 1);
}

namespace {

// An empty replica of MySQL 5.6 whose source has purged what it would need.
model::NodeGoal need_copy(Node& node) {
  node.machine.version = {5, 6, 24};
  node.machine.copied = model::GtidSet::parse(kFirst + ":1-9").value();
  model::NodeGoal follow = goal(NodeState::Replica, 1, 3);
  follow.base = model::GtidSet::parse(kFirst + ":1-5").value();
  follow.may_reseed = true;
  node.reach(follow);
  CHECK(node.count("replicate_from") >= 1);
  CHECK(node.count("copy_from") == 0);
  auto& replication = node.machine.status.replication;
  replication.receiver = model::ThreadState::Off;
  replication.receiver_error =
      "Got fatal error 1236 from master when reading data from binary log: 'The slave is "
      "connecting using CHANGE MASTER TO MASTER_AUTO_POSITION = 1, but the master has purged "
      "binary logs containing GTIDs that the slave requires.'";
  node.restart_agent();
  return follow;
}

}  // namespace

TEST_CASE("a server that cannot clone is copied row by row when its source has purged its logs") {
  Node node;
  const model::NodeGoal follow = need_copy(node);
  const std::string incarnation = node.last().incarnation;
  node.reach(follow);
  CHECK(node.count("copy_from") == 1);
  CHECK(node.count("wipe") == 0);
  CHECK(node.last().incarnation != incarnation);
  CHECK(node.last().state == NodeState::Replica);
  CHECK_FALSE(node.machine.saved->seeding);
  const bool told = std::any_of(node.client.reports.begin(), node.client.reports.end(),
                                [](const auto& r) { return r.doing == "copying: 1 of 2 tables"; });
  CHECK(told);
}

TEST_CASE("a copy that was cut short counts for nothing, and is wiped and begun anew") {
  Node node;
  const model::NodeGoal follow = need_copy(node);
  node.machine.copy_fails = true;
  node.task->goal_received(follow);
  node.task->step();
  REQUIRE(node.count("copy_from") == 1);
  const std::string half = node.machine.saved->incarnation;
  node.machine.status.executed = node.machine.copied;  // looks complete
  node.restart_agent();
  node.task->step();
  CHECK(node.last().state == NodeState::Seeding);
  node.machine.copy_fails = false;
  node.reach(follow);
  CHECK(node.count("wipe") >= 1);
  CHECK_FALSE(node.machine.saved->seeding);
  CHECK(node.last().incarnation != half);
}

TEST_CASE("half of a copy is neither revoked nor promoted") {
  Node node;
  (void)need_copy(node);
  node.machine.copy_fails = true;
  node.task->goal_received(*node.machine.saved->goal);
  node.task->step();
  node.machine.status.executed = node.machine.copied;
  for (const NodeState state : {NodeState::Revoked, NodeState::Promoting}) {
    node.reach(goal(state, 2, state == NodeState::Revoked ? 1 : 2));
    CHECK(node.last().state == NodeState::Seeding);
    CHECK(node.machine.status.read_only);
  }
}

TEST_CASE("a planned close tells the final set and kills nobody") {
  Node node;
  make_primary(node);
  node.machine.write(kOwn + ":1-5");
  model::NodeGoal close = goal(NodeState::Fenced, 2, 1);
  close.planned = true;
  node.reach(close);
  CHECK(node.last().state == NodeState::Fenced);
  CHECK(node.last().final_set->str() == kOwn + ":1-5");
  CHECK(node.count("kill") == 0);
  CHECK(node.machine.status.read_only);
}

TEST_CASE("a setting that is refused stays told, and the node goes on") {
  Node node;
  make_primary(node);
  node.config.refusal = invalid("connect_timeout: 'abc' is no number");
  node.settle();
  CHECK(node.last().problem.find("connect_timeout") != std::string::npos);
  CHECK(node.last().state == NodeState::PrimaryUnprotected);
  // Nor does it keep a dead mysqld from being started with the file that is there.
  node.machine.running = false;
  node.task->connection_changed(false, "test");
  node.settle();
  node.clock.ahead += std::chrono::seconds(5);
  node.settle();
  CHECK(node.machine.starts == 2);
  node.config.refusal.reset();
  node.settle();
  CHECK(node.last().problem.empty());
}

TEST_CASE("the gate opens for an open primary that holds a grant, and shuts before another epoch") {
  Node node;
  make_primary(node, 1);
  CHECK(node.last().state == NodeState::PrimaryUnprotected);
  CHECK_FALSE(node.fence.until.has_value());
  node.lease->granted({1, std::chrono::seconds(2)}, node.clock.now());
  CHECK(node.fence.until.has_value());

  auto fenced = goal(NodeState::Fenced, 2, 1);
  node.task->goal_received(fenced);
  node.task->step();
  CHECK_FALSE(node.fence.until.has_value());
  CHECK(node.fence.shuts > 0);
  // A grant of the old epoch that was under way opens nothing.
  node.lease->granted({1, std::chrono::seconds(2)}, node.clock.now());
  CHECK_FALSE(node.fence.until.has_value());
}

TEST_CASE(
    "who may replicate is in force before anything is done, and is reported with its record") {
  Node node;
  auto g = goal(NodeState::Promoting, 1, 1);
  g.peers = {{model::NodeName("c-2"), "10.0.0.2", true, true},
             {model::NodeName("c-3"), "10.0.0.3", false, false}};
  node.fence.broken = true;
  node.reach(g);
  CHECK_FALSE(node.last().gate.has_value());
  CHECK(node.last().problem.find("does not move") != std::string::npos);
  CHECK(node.last().state == NodeState::RejoinCheck);

  node.fence.broken = false;
  node.settle();
  CHECK(node.fence.admission.admitted == std::set<std::string>{"10.0.0.2"});
  CHECK(node.fence.admission.barred == std::set<std::string>{"10.0.0.3"});
  CHECK(node.last().gate == model::RecordVersion{1, 1});
  CHECK(node.last().state == NodeState::Promoting);
}

TEST_CASE(
    "a machine that was started anew makes another copy of what its relay log may have lost") {
  Node node;
  make_primary(node);
  const std::string before = node.machine.saved->incarnation;
  node.restart_agent();
  CHECK(node.machine.saved->incarnation == before);
  node.restart_agent("boot-2");
  CHECK(node.machine.saved->incarnation != before);
}

TEST_CASE("a mysqld that is stopped by a signal is stalled, one that is slow is not at once") {
  Node node;
  make_primary(node);
  node.machine.suspended = true;
  CHECK(eventually([&] {
    node.task->step();
    return node.last().mysqld == model::MysqldState::Stalled;
  }));
  node.machine.suspended = false;
  node.task->step();
  CHECK(node.last().mysqld == model::MysqldState::Running);
}

TEST_CASE("a disk that is full, and one that does not answer, are told apart and both told") {
  Node node;
  make_primary(node);
  node.task->step();
  CHECK_FALSE(node.last().disk_full);
  node.disk.free_bytes = 1 << 20;
  node.task->step();
  CHECK(node.last().disk_full);
  CHECK(node.last().problem.find("is full") != std::string::npos);
  node.disk = {.silent_for = std::chrono::seconds(8)};  // a busy one
  node.task->step();
  CHECK_FALSE(node.last().disk_full);
  node.disk.silent_for = std::chrono::seconds(9);
  node.task->step();
  CHECK(node.last().disk_full);
  CHECK(node.last().problem.find("has not answered a write for more than 9") != std::string::npos);
}

TEST_CASE("a data directory without a memory is not touched") {
  Node node;
  node.machine.initialised = true;
  node.machine.saved.reset();
  NodeTask task(
      {node.server, node.process, node.config, node.memory, *node.lease},
      [] { return DiskState{}; }, "boot-1", node.clock);
  const Status loaded = task.load();
  CHECK(loaded.error().code == Code::Precondition);
}

}  // namespace cdb::agent
