#include "agent/core/transitions.h"

#include <set>
#include <string>

#include <doctest/doctest.h>

namespace cdb::agent {

using model::MysqldState;
using model::NodeState;
using model::ThreadState;

namespace {

const std::string kSource = "10000000-0000-0000-0000-000000000000";
const std::string kOwn = "20000000-0000-0000-0000-000000000000";

// A server that runs read-only, without a source, at epoch 5.
Situation node(NodeState goal) {
  Situation s;
  s.goal.state = goal;
  s.goal.record = {5, 2};
  s.goal.source = model::Endpoint{"127.0.0.2", 3306};
  s.goal.source_uuid = kSource;
  s.goal.base = model::GtidSet::parse(kSource + ":1-100").value();
  s.goal.acks_required = 1;
  s.goal.open_boot = 3;
  s.boot = 3;
  s.coordinator_connected = true;
  s.mysqld = MysqldState::Running;
  s.server.emplace();
  s.server->executed = model::GtidSet::parse(kSource + ":1-120").value();
  return s;
}

Situation replica(NodeState goal, bool acking) {
  Situation s = node(goal);
  s.server->replication.source = s.goal.source;
  s.server->replication.receiver = ThreadState::On;
  s.server->replication.applier = ThreadState::On;
  s.server->semisync.replica_acking = acking;
  return s;
}

Situation writable(NodeState goal) {
  Situation s = node(goal);
  s.server->read_only = false;
  s.server->super_read_only = false;
  s.server->semisync.source_enabled = true;
  s.server->semisync.acks_required = 1;
  return s;
}

Situation down(NodeState goal, Duration since) {
  Situation s = node(goal);
  s.server.reset();
  s.mysqld = MysqldState::Stopped;
  s.mysqld_down_for = since;
  return s;
}

Action next(const Situation& s) {
  return next_transition(s).action;
}

}  // namespace

TEST_CASE("every goal that the coordinator assigns has a row for every state of a running server") {
  const std::set<NodeState> goals{NodeState::Replica, NodeState::Acker,
                                  NodeState::Revoked, NodeState::Promoting,
                                  NodeState::Primary, NodeState::PrimaryUnprotected,
                                  NodeState::Fenced};
  // New, Seeding and Lost are no states of a running server; Maintenance is nobody's yet.
  const std::set<NodeState> reported{NodeState::CatchingUp, NodeState::Replica,
                                     NodeState::Acker,      NodeState::Revoked,
                                     NodeState::Draining,   NodeState::Promoting,
                                     NodeState::Primary,    NodeState::PrimaryUnprotected,
                                     NodeState::Fenced,     NodeState::RejoinCheck,
                                     NodeState::Quarantined};
  for (const NodeState goal : goals) {
    for (const NodeState state : reported) {
      bool found = false;
      for (const TransitionRow& row : transition_table()) {
        found = found || (row.goal == goal && (!row.reported || *row.reported == state));
      }
      CAPTURE(std::string(to_string(goal)));
      CAPTURE(std::string(to_string(state)));
      CHECK(found);
    }
  }
}

TEST_CASE("a deposed primary that is writable is killed, whatever it is to become") {
  for (const NodeState goal :
       {NodeState::Replica, NodeState::Acker, NodeState::Revoked, NodeState::Fenced}) {
    CHECK(next(writable(goal)) == Action::Kill);
  }
  Situation planned = writable(NodeState::Fenced);
  planned.goal.planned = true;
  CHECK(next(planned) == Action::Close);
}

TEST_CASE("a deposed primary that does not answer is killed, any other server is left alone") {
  Situation s = node(NodeState::Fenced);
  s.server.reset();
  s.mysqld = MysqldState::Stalled;
  CHECK(next(s) == Action::Kill);
  s.goal.planned = true;
  CHECK(next(s) == Action::None);
  s.goal.state = NodeState::Primary;
  CHECK(next(s) == Action::None);
}

TEST_CASE("closed is said only after read-only was waited for in this epoch") {
  Situation s = node(NodeState::Fenced);
  CHECK(classify(s) == NodeState::RejoinCheck);
  CHECK(next(s) == Action::Close);
  s.closed_epoch = 4;
  CHECK(classify(s) == NodeState::RejoinCheck);
  s.closed_epoch = 5;
  CHECK(classify(s) == NodeState::Fenced);
  CHECK(next(s) == Action::None);
}

TEST_CASE("a node that was revoked stops its receiver first and then waits") {
  CHECK(next(replica(NodeState::Revoked, true)) == Action::StopReceiver);
  Situation s = replica(NodeState::Revoked, false);
  s.server->replication.receiver = ThreadState::Off;
  CHECK(classify(s) == NodeState::Revoked);
  CHECK(next(s) == Action::None);
}

TEST_CASE("a primary opens only the boot that the coordinator named, unless it is alone") {
  Situation s = node(NodeState::Primary);
  CHECK(next(s) == Action::Open);
  s.boot = 4;
  CHECK(next(s) == Action::None);
  s.goal.sole = true;
  CHECK(next(s) == Action::Open);
}

TEST_CASE("a primary that still replicates is never opened") {
  CHECK(next(replica(NodeState::Primary, false)) == Action::None);
}

TEST_CASE(
    "a dead mysqld of a primary waits for the coordinator's verdict, alone it starts at once") {
  CHECK(next(down(NodeState::Primary, std::chrono::milliseconds(10))) == Action::None);
  CHECK(next(down(NodeState::Primary, std::chrono::seconds(5))) == Action::Start);
  Situation alone = down(NodeState::PrimaryUnprotected, std::chrono::milliseconds(10));
  alone.goal.sole = true;
  CHECK(next(alone) == Action::Start);
  Situation cut_off = down(NodeState::Primary, std::chrono::milliseconds(10));
  cut_off.coordinator_connected = false;
  CHECK(next(cut_off) == Action::None);  // an agent that has just begun is not connected yet
  cut_off.mysqld_down_for = std::chrono::seconds(4);
  CHECK(next(cut_off) == Action::Start);
  CHECK(next(down(NodeState::Fenced, std::chrono::milliseconds(10))) == Action::None);
  CHECK(classify(down(NodeState::Fenced, std::chrono::milliseconds(10))) == NodeState::Fenced);
  CHECK(next(down(NodeState::Replica, std::chrono::milliseconds(10))) == Action::Start);
}

TEST_CASE("a former primary is started only after what nobody acknowledged was cut off") {
  for (const NodeState goal : {NodeState::Replica, NodeState::Acker}) {
    Situation s = down(goal, std::chrono::milliseconds(10));
    s.written_epoch = 4;
    s.goal.may_trim = true;
    CHECK(next(s) == Action::Trim);
    // While nobody has opened it cannot be told what that is; it is not waited for without end.
    s.goal.source_uuid.clear();
    s.goal.may_trim = false;
    CHECK(next(s) == Action::None);
    s.mysqld_down_for = std::chrono::seconds(11);
    CHECK(next(s) == Action::Start);
  }
}

TEST_CASE("nothing is cut off without leave, in the same epoch, or of data that no primary wrote") {
  Situation s = down(NodeState::Replica, std::chrono::milliseconds(10));
  s.written_epoch = 4;
  CHECK(next(s) == Action::Start);
  s.goal.may_trim = true;
  s.written_epoch = 5;
  CHECK(next(s) == Action::Start);
  s.written_epoch = 0;
  CHECK(next(s) == Action::Start);
  s.written_epoch = 4;
  s.goal.state = NodeState::Fenced;
  s.mysqld_down_for = std::chrono::seconds(9);
  CHECK(next(s) == Action::Start);
  s.goal.state = NodeState::Primary;
  CHECK(next(s) == Action::Start);
  // A server that runs has committed its tail already.
  Situation up = node(NodeState::Replica);
  up.written_epoch = 4;
  up.goal.may_trim = true;
  up.server->executed.add(kOwn, {1, 3});
  up.goal.may_reseed = true;
  CHECK(next(up) == Action::Reseed);
}

TEST_CASE("data from which a cut tail did not vanish are quarantined, whatever their GTIDs say") {
  Situation s = node(NodeState::Acker);
  CHECK(classify(s) == NodeState::RejoinCheck);
  s.trim_failed = true;
  CHECK(classify(s) == NodeState::Quarantined);
  s.goal.may_reseed = true;
  CHECK(next(s) == Action::Reseed);
}

TEST_CASE("an empty directory is filled only where the coordinator says so") {
  Situation s = down(NodeState::Primary, std::chrono::seconds(9));
  s.mysqld = MysqldState::NotInitialised;
  CHECK(next(s) == Action::None);
  s.goal.may_initialise = true;
  CHECK(next(s) == Action::Initialise);
}

TEST_CASE(
    "transactions that the cluster lacks quarantine a node, and it is seeded only with leave") {
  Situation s = replica(NodeState::Replica, false);
  s.server->executed.add(kOwn, {1, 3});
  CHECK(errant_of(s).str() == kOwn + ":1-3");
  CHECK(classify(s) == NodeState::Quarantined);
  CHECK(next(s) == Action::None);
  s.goal.may_reseed = true;
  CHECK(next(s) == Action::Reseed);
}

TEST_CASE("what the present primary wrote in this epoch is never errant") {
  Situation s = replica(NodeState::Replica, false);
  CHECK(classify(s) == NodeState::Replica);
  s.goal.source_uuid.clear();  // an election: the candidate has written nothing yet
  CHECK(classify(s) == NodeState::Quarantined);
}

TEST_CASE("a replica becomes an acker by replicating anew, and is level only with the base") {
  CHECK(next(replica(NodeState::Acker, false)) == Action::Follow);
  CHECK(next(replica(NodeState::Acker, true)) == Action::None);
  CHECK(next(replica(NodeState::Replica, true)) == Action::Follow);
  Situation behind = replica(NodeState::Replica, false);
  behind.server->executed = model::GtidSet::parse(kSource + ":1-99").value();
  CHECK(classify(behind) == NodeState::CatchingUp);
}

TEST_CASE("the primary is adjusted and marked once for each record") {
  Situation s = writable(NodeState::Primary);
  CHECK(next(s) == Action::Adjust);
  s.marked = s.goal.record;
  CHECK(next(s) == Action::None);
  s.goal.record.version++;
  CHECK(next(s) == Action::Adjust);
  s.marked = s.goal.record;
  s.goal.acks_required = 0;
  CHECK(next(s) == Action::Adjust);
}

TEST_CASE("a candidate prepares once an epoch") {
  Situation s = replica(NodeState::Promoting, true);
  CHECK(next(s) == Action::Prepare);
  s = node(NodeState::Promoting);
  CHECK(next(s) == Action::Prepare);
  s.prepared_epoch = 5;
  CHECK(classify(s) == NodeState::Promoting);
  CHECK(next(s) == Action::None);
}

TEST_CASE("in maintenance a node is left alone, once it can neither write nor acknowledge") {
  Situation s = replica(NodeState::Maintenance, true);
  s.server->semisync.replica_enabled = true;
  CHECK(next(s) == Action::Follow);
  s.server->semisync = {};
  CHECK(classify(s) == NodeState::Maintenance);
  CHECK(next(s) == Action::None);
  // Whatever a person does to it.
  s.server->replication = {};
  CHECK(next(s) == Action::None);
  CHECK(next(down(NodeState::Maintenance, std::chrono::hours(1))) == Action::None);
  Situation stalled = down(NodeState::Maintenance, {});
  stalled.mysqld = MysqldState::Stalled;
  CHECK(next(stalled) == Action::None);
  // But for this.
  CHECK(next(writable(NodeState::Maintenance)) == Action::Kill);
}

TEST_CASE("a copy of the data that a person gave up is replaced once, and only where it may be") {
  Situation s = replica(NodeState::Replica, false);
  s.incarnation = "old";
  s.goal.reseed = "old";
  CHECK(next(s) == Action::None);
  s.goal.may_reseed = true;
  CHECK(next(s) == Action::Reseed);
  s.incarnation = "new";
  CHECK(next(s) == Action::None);
  s.incarnation = "old";
  CHECK(next(writable(NodeState::Replica)) == Action::Kill);
}

}  // namespace cdb::agent
