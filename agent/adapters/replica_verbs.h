#pragma once
// The verbs of a replica, on a session: what ConnectorMysqlServer does with a source, a receiver
// and an applier. Blocking; one thread at a time.

#include "agent/adapters/mysql_session.h"
#include "agent/adapters/status_rows.h"
#include "agent/ports/mysql_server.h"

namespace cdb::agent {

class ReplicaVerbs {
 public:
  ReplicaVerbs(MysqlSession& session, Deadline deadline) : session_(session), deadline_(deadline) {}

  Result<ReplicaState> replica();
  Result<model::ServerStatus> server();

  Status replicate_from(const ReplicationSource& source);
  Status stop_receiver();
  Status start_applier();
  Status stop_applier();
  Status wait_for_executed(const model::GtidSet& set);
  Status reset();

 private:
  Status change(Phrase statement);
  Status set_replica_side(const model::SemisyncStatus& semisync, bool acker);
  Status stop_receiver_thread();
  Status prove_applier(const ReplicaState& replica);
  Status drain(const ReplicaState& replica);
  Status change_source(const ReplicaState& replica, const ReplicationSource& source);
  Status nothing_lost(const ReplicaState& before);
  Status settle(const ReplicationSource& source);

  MysqlSession& session_;
  Deadline deadline_;
};

}  // namespace cdb::agent
