#pragma once
// The running mysqld, as verbs: never SQL. Each call blocks until its deadline at most, is safe to
// repeat, and tells a refusal (Precondition), a server that cannot be reached (Unavailable, nothing
// done) and a lost answer (OutcomeUnknown) apart. Calls are made from one thread at a time.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/model/report.h"

namespace cdb::agent {

// How a replica reaches its source.
struct ReplicationSource {
  model::Endpoint endpoint{};
  Secret password{};  // of model::kReplicationUser
  bool acker{false};  // whether the receiver is to acknowledge
};

class MysqlServer {
 public:
  virtual ~MysqlServer() = default;

  // One look at everything a report needs. Works with performance_schema off, while commits wait
  // for acknowledgements, and with every connection taken.
  virtual Result<model::ServerStatus> status(Deadline deadline) = 0;

  // Makes or repairs the accounts of model::Credentials outside the binary log, also on a
  // super_read_only server (which is read-only again when this returns). The first call on a new
  // data directory logs in as root without a password.
  virtual Status ensure_accounts(const model::Credentials& credentials, Deadline deadline) = 0;

  // --- replica ---
  // Replicates from this source by GTID auto-position: sets semi-sync's replica side, changes the
  // source and (re)starts the receiver. A running applier is kept running while the source changes,
  // because a change with both threads stopped discards relay log without a word; fails with
  // Internal, having changed the source, when the retrieved set shrank.
  virtual Status replicate_from(const ReplicationSource& source, Deadline deadline) = 0;
  // Stops the receiver and leaves the applier running; afterwards nothing is acknowledged here.
  virtual Status stop_receiver(Deadline deadline) = 0;
  virtual Status start_applier(Deadline deadline) = 0;
  virtual Status stop_applier(Deadline deadline) = 0;
  // Until everything of `set` has been executed.
  virtual Status wait_for_executed(const model::GtidSet& set, Deadline deadline) = 0;
  // Forgets the source. Refuses (Precondition) while retrieved transactions are not all executed.
  virtual Status reset_replication(Deadline deadline) = 0;

  // --- primary ---
  // Semi-sync's source side. acks > 0: lossless, never falling back, waiting even with no replica
  // connected. acks = 0: off (which releases waiting commits: only after the record says so).
  virtual Status set_acks_required(int acks, Deadline deadline) = 0;
  virtual Status set_writable(Deadline deadline) = 0;
  // Read-only for everyone; returns once no commit can follow. Waits for commits that wait for
  // acknowledgements: needs ackers or a deadline.
  virtual Status set_read_only(Deadline deadline) = 0;
  // Ends the sessions of everyone but ourselves and replication.
  virtual Status kill_client_sessions(Deadline deadline) = 0;
  // Writes one row, so that ackers that were added have something to acknowledge. The row names the
  // record version. Returns the GTID set that contains it.
  virtual Result<model::GtidSet> write_marker(model::RecordVersion version, Deadline deadline) = 0;

  // --- anyone ---
  // SET GLOBAL, read back. Precondition with the server's own words when it is refused or clamped.
  virtual Status set_variable(const std::string& name, const std::string& value,
                              Deadline deadline) = 0;
  virtual Result<std::map<std::string, std::string>> variables(
      const std::vector<std::string>& names, Deadline deadline) = 0;
  // Replaces this server's whole data by a copy of the donor's (8.0.17+). The server stops itself
  // at the end; the caller starts it again. Precondition where the version cannot.
  virtual Status clone_from(const ReplicationSource& donor, Deadline deadline) = 0;
  // The same by reading every row of the donor and writing it here, for servers that cannot clone;
  // within one series. This server's user data are dropped first. Afterwards, whatever the result,
  // it holds something half-made or is left writable to administrators: the caller stops it, and
  // counts it as a copy only after success. `progress` is called every second or so with some
  // words; its false gives up (Cancelled). Unavailable: the donor could not begin now.
  virtual Status copy_from(const ReplicationSource& donor,
                           const std::function<bool(const std::string&)>& progress,
                           Deadline deadline) = 0;
};

// How to log in to the server of this node.
struct MysqlAccess {
  std::string socket{};
  Secret agent_password{};
};

}  // namespace cdb::agent
