#include "agent/adapters/replica_verbs.h"

#include <string>

#include <fmt/format.h>

#include "agent/core/statements.h"
#include "lib/base/backoff.h"

namespace cdb::agent {
namespace {

using model::GtidSet;
using model::ThreadState;
using std::chrono::milliseconds;

std::string subset_test(const GtidSet& set) {
  return fmt::format("SELECT GTID_SUBSET({}, @@GLOBAL.gtid_executed) AS contained",
                     quoted(set.str()));
}

}  // namespace

Status ReplicaVerbs::change(Phrase statement) {
  return session_.change(std::string(session_.words(statement)), deadline_);
}

Result<ReplicaState> ReplicaVerbs::replica() {
  CDB_ASSIGN_OR_RETURN(
      const SqlRows rows,
      session_.read(std::string(session_.words(Phrase::ShowReplicaStatus)), deadline_));
  return parse_replica_state(rows, session_.version());
}

Result<model::ServerStatus> ReplicaVerbs::server() {
  CDB_ASSIGN_OR_RETURN(
      const SqlRows rows,
      session_.read(read_server_state(session_.version(), session_.has_semisync()), deadline_));
  CDB_ASSIGN_OR_RETURN(model::ServerStatus status,
                       parse_server_state(rows, session_.version(), session_.has_semisync()));
  // The figures cost the server a walk over all its sessions: only where something is switched on.
  if (status.semisync.source_enabled || status.semisync.replica_enabled) {
    CDB_ASSIGN_OR_RETURN(
        const SqlRows figures,
        session_.read(fmt::format("SHOW GLOBAL STATUS WHERE Variable_name IN ('{}', '{}', '{}')",
                                  session_.words(Phrase::SemisyncSourceClients),
                                  session_.words(Phrase::SemisyncSourceWaitSessions),
                                  session_.words(Phrase::SemisyncReplicaStatus)),
                      deadline_));
    add_semisync_figures(figures, session_.version(), status.semisync);
  }
  return status;
}

Status ReplicaVerbs::set_replica_side(const model::SemisyncStatus& semisync, bool acker) {
  if (!semisync.available && acker)
    return precondition("semi-sync: its plugins are not loaded",
                        "plugin_load_add must name them in my.cnf");
  if (!semisync.available || semisync.replica_enabled == acker) return {};
  return session_.change(
      fmt::format("SET GLOBAL {} = {}", session_.words(Phrase::SemisyncReplicaEnabled),
                  acker ? "ON" : "OFF"),
      deadline_);
}

// A receiver that tries to reach a black hole takes replica_net_timeout to stop.
Status ReplicaVerbs::stop_receiver_thread() {
  CDB_TRY(change(Phrase::StopReceiver));
  CDB_ASSIGN_OR_RETURN(const ReplicaState now, replica());
  if (now.status.receiver != ThreadState::Off)
    return outcome_unknown("the receiver still runs after it was stopped");
  return {};
}

Status ReplicaVerbs::stop_receiver() {
  CDB_ASSIGN_OR_RETURN(const model::ServerStatus status, server());
  // First, so that nothing that starts the receiver later makes it acknowledge; a connected
  // receiver goes on acknowledging until it stops.
  CDB_TRY(set_replica_side(status.semisync, false));
  CDB_ASSIGN_OR_RETURN(const ReplicaState now, replica());
  if (!now.configured || now.status.receiver == ThreadState::Off) return {};
  return stop_receiver_thread();
}

Status ReplicaVerbs::start_applier() {
  CDB_ASSIGN_OR_RETURN(const ReplicaState before, replica());
  if (!before.configured) return precondition("the applier has nothing to do: no source is set");
  if (before.status.applier == ThreadState::On) return {};
  CDB_TRY(change(Phrase::StartApplier));
  CDB_ASSIGN_OR_RETURN(const ReplicaState after, replica());
  if (after.status.applier == ThreadState::On) return {};
  return precondition("the applier stopped at once: " + after.status.applier_error);
}

Status ReplicaVerbs::stop_applier() {
  CDB_ASSIGN_OR_RETURN(const ReplicaState before, replica());
  if (!before.configured || before.status.applier == ThreadState::Off) return {};
  CDB_TRY(change(Phrase::StopApplier));
  CDB_ASSIGN_OR_RETURN(const ReplicaState after, replica());
  if (after.status.applier == ThreadState::Off) return {};
  return outcome_unknown("the applier still runs after it was stopped");
}

// WAIT_FOR_EXECUTED_GTID_SET answers within a millisecond of the commit, but takes whole seconds in
// some versions (and 0 for ever), and 5.6 has it not at all (its other function answers NULL): so
// whole seconds by it, the rest by looking.
Status ReplicaVerbs::wait_for_executed(const GtidSet& set) {
  if (set.empty()) return {};
  Backoff backoff(milliseconds(1), milliseconds(20));
  while (true) {
    CDB_ASSIGN_OR_RETURN(const SqlRows rows, session_.read(subset_test(set), deadline_));
    if (is_on(rows.text("contained"))) return {};
    CDB_ASSIGN_OR_RETURN(const ReplicaState now, replica());
    if (now.configured && now.status.applier == ThreadState::Off)
      return precondition("the applier does not run, so what is missing is not executed: " +
                          now.status.applier_error);
    if (deadline_.passed())
      return deadline_exceeded("not everything that was asked for is executed");
    if (session_.version().at_least(5, 7, 5) && deadline_.left() > milliseconds(1200)) {
      CDB_ASSIGN_OR_RETURN(
          const SqlRows waited,
          session_.read(fmt::format("SELECT WAIT_FOR_EXECUTED_GTID_SET({}, 1)", quoted(set.str())),
                        deadline_));
      continue;
    }
    pause(backoff.next(), deadline_);
  }
}

// With everything executed there is no relay log to lose.
Status ReplicaVerbs::drain(const ReplicaState& replica_state) {
  CDB_ASSIGN_OR_RETURN(const model::ServerStatus status, server());
  if (backlog(replica_state, status.executed).empty()) return {};
  CDB_TRY(start_applier());
  return wait_for_executed(replica_state.status.retrieved);
}

// An applier that stops between a look at it and the change takes its relay log with it. One that
// was off may stop again at once: it counts as running when it has applied something, or has been
// busy for a second.
Status ReplicaVerbs::prove_applier(const ReplicaState& before) {
  CDB_ASSIGN_OR_RETURN(model::ServerStatus status, server());
  const GtidSet waiting = backlog(before, status.executed);
  const Status started = start_applier();
  if (waiting.empty()) return {};
  CDB_TRY(started);
  if (before.status.applier == ThreadState::On) return {};
  const Deadline until = deadline_.sooner_of(std::chrono::seconds(1));
  Backoff backoff(milliseconds(1), milliseconds(20));
  while (true) {
    CDB_ASSIGN_OR_RETURN(const ReplicaState now, replica());
    if (now.status.applier == ThreadState::Off)
      return precondition("the applier stopped again: " + now.status.applier_error);
    CDB_ASSIGN_OR_RETURN(status, server());
    if (status.executed.intersects(waiting) || until.passed()) return {};
    pause(backoff.next(), until);
  }
}

// The receiver is stopped. With the applier running the relay log is kept; with both stopped the
// change discards it, so that it must have been applied.
Status ReplicaVerbs::change_source(const ReplicaState& before, const ReplicationSource& source) {
  const SourceOptions options{
      .endpoint = source.endpoint, .user = model::kReplicationUser, .password = source.password};
  const bool same_way =
      before.configured && before.user == model::kReplicationUser && before.auto_position;
  if (same_way && source_changes_under_applier(session_.version())) {
    if (const Status runs = prove_applier(before); !runs)
      return runs.error().in("the source cannot change while received transactions wait");
    return session_.change(change_source_of_receiver(session_.version(), options), deadline_);
  }
  if (before.configured) {
    CDB_TRY(drain(before));
    CDB_TRY(stop_applier());
  }
  return session_.change(change_source_fully(session_.version(), options), deadline_);
}

Status ReplicaVerbs::nothing_lost(const ReplicaState& before) {
  CDB_ASSIGN_OR_RETURN(const ReplicaState after, replica());
  CDB_ASSIGN_OR_RETURN(const model::ServerStatus status, server());
  const GtidSet lost = backlog(before, status.executed) - after.status.retrieved;
  if (lost.empty()) return {};
  return internal(
      fmt::format("received transactions vanished with the change of the source: {}", lost.str()));
}

// A receiver that was refused sleeps for CONNECT_RETRY; starting it anew costs some 20 ms. It is
// looked at for a moment only: a source that is away is not this call's business.
Status ReplicaVerbs::settle(const ReplicationSource& source) {
  const Deadline until = deadline_.sooner_of(milliseconds(250));
  bool again = true;
  Backoff backoff(milliseconds(2), milliseconds(20));
  while (true) {
    CDB_ASSIGN_OR_RETURN(const ReplicaState now, replica());
    if (now.status.receiver == ThreadState::On) return {};
    if (now.status.receiver == ThreadState::Off)
      return precondition(fmt::format("the receiver of {} stopped at once: {}",
                                      source.endpoint.str(), now.status.receiver_error));
    if (until.passed()) return {};
    if (again && !now.status.receiver_error.empty()) {
      again = false;
      CDB_TRY(change(Phrase::StopReceiver));
      CDB_TRY(change(Phrase::StartReceiver));
    }
    pause(backoff.next(), until);
  }
}

Status ReplicaVerbs::replicate_from(const ReplicationSource& source) {
  CDB_ASSIGN_OR_RETURN(const model::ServerStatus status, server());
  CDB_ASSIGN_OR_RETURN(ReplicaState before, replica());
  if (status.semisync.source_enabled)
    return precondition("semi-sync's source side is on, which would hang the applier",
                        "it must have been switched off first");
  const bool same_source = before.configured && before.status.source == source.endpoint &&
                           before.user == model::kReplicationUser && before.auto_position;
  const bool same_side =
      !status.semisync.available ? !source.acker : status.semisync.replica_enabled == source.acker;
  const bool connected = before.status.receiver == ThreadState::On;
  const bool acks_so = status.semisync.replica_acking == source.acker;
  if (same_source && same_side && connected && acks_so) return start_applier();

  if (before.configured && before.status.receiver != ThreadState::Off)
    CDB_TRY(stop_receiver_thread());
  CDB_ASSIGN_OR_RETURN(before, replica());  // all that the old source will ever have given
  CDB_TRY(set_replica_side(status.semisync, source.acker));
  if (!same_source) CDB_TRY(change_source(before, source));
  const Status kept = nothing_lost(before);
  CDB_TRY(start_applier());
  CDB_TRY(change(Phrase::StartReceiver));
  CDB_TRY(kept);
  return settle(source);
}

Status ReplicaVerbs::reset() {
  CDB_ASSIGN_OR_RETURN(ReplicaState now, replica());
  if (!now.configured) return {};
  if (now.status.receiver != ThreadState::Off) CDB_TRY(stop_receiver_thread());
  for (const bool applier_stopped : {false, true}) {
    CDB_ASSIGN_OR_RETURN(now, replica());
    CDB_ASSIGN_OR_RETURN(const model::ServerStatus status, server());
    if (const GtidSet left = backlog(now, status.executed); !left.empty())
      return precondition(
          fmt::format("{} received transactions are not executed yet", left.count()));
    if (!applier_stopped) CDB_TRY(stop_applier());
  }
  return change(Phrase::ResetReplica);
}

}  // namespace cdb::agent
