#include "agent/core/situation.h"

namespace cdb::agent {

using model::GtidSet;
using model::MysqldState;
using model::NodeState;
using model::ServerStatus;
using model::ThreadState;

namespace {

// A replica that has this many transactions still to apply is not level.
constexpr uint64_t kLevelTransactions = 5000;

bool follows_goal(const Situation& s) {
  return s.goal.source && s.server->replication.source == s.goal.source;
}

NodeState classify_replica(const Situation& s) {
  const ServerStatus& server = *s.server;
  const auto& replication = server.replication;
  if (replication.receiver == ThreadState::Off) {
    if (s.goal.state == NodeState::Promoting) return NodeState::Draining;
    return s.goal.state == NodeState::Revoked ? NodeState::Revoked : NodeState::CatchingUp;
  }
  // Right after a promotion, or while its source is down, it is connecting.
  const bool streams =
      replication.receiver == ThreadState::On && replication.applier == ThreadState::On;
  if (!streams) return NodeState::CatchingUp;
  if (s.goal.source && !follows_goal(s)) return NodeState::CatchingUp;
  const bool has_base = !s.goal.base || server.executed.contains(*s.goal.base);
  if (!has_base || (replication.retrieved - server.executed).count() > kLevelTransactions) {
    return NodeState::CatchingUp;
  }
  return server.semisync.replica_acking ? NodeState::Acker : NodeState::Replica;
}

}  // namespace

GtidSet errant_of(const Situation& s) {
  const bool replica = s.goal.state == NodeState::Replica || s.goal.state == NodeState::Acker;
  if (!replica || !s.server || !s.goal.base) return {};
  GtidSet errant = s.server->executed - *s.goal.base;
  if (!s.goal.source_uuid.empty()) errant = errant.without_source(s.goal.source_uuid);
  return errant;
}

NodeState classify(const Situation& s) {
  if (s.seeding) return NodeState::Seeding;
  if (s.mysqld == MysqldState::NotInitialised) return NodeState::New;
  // Hands are off once it can neither be written to nor acknowledge.
  const bool harmless = !s.server || (s.server->read_only && !s.server->semisync.replica_enabled &&
                                      !s.server->semisync.replica_acking);
  if (s.goal.state == NodeState::Maintenance && harmless) return NodeState::Maintenance;
  if (s.mysqld != MysqldState::Running || !s.server) {
    return s.goal.state == NodeState::Fenced && s.mysqld == MysqldState::Stopped
               ? NodeState::Fenced
               : NodeState::RejoinCheck;
  }
  const ServerStatus& server = *s.server;
  if (!server.read_only) {
    return server.semisync.source_enabled && server.semisync.acks_required > 0
               ? NodeState::Primary
               : NodeState::PrimaryUnprotected;
  }
  if (s.trim_failed || !errant_of(s).empty()) return NodeState::Quarantined;
  if (server.replication.source) return classify_replica(s);
  if (s.goal.state == NodeState::Fenced && s.closed_epoch == s.goal.record.epoch) {
    return NodeState::Fenced;
  }
  if (s.goal.state == NodeState::Promoting && s.prepared_epoch == s.goal.record.epoch) {
    return NodeState::Promoting;
  }
  // Primary goals keep the state until the node has opened.
  const bool to_open =
      s.goal.state == NodeState::Primary || s.goal.state == NodeState::PrimaryUnprotected;
  if (to_open && s.prepared_epoch == s.goal.record.epoch) return NodeState::Promoting;
  return NodeState::RejoinCheck;
}

}  // namespace cdb::agent
