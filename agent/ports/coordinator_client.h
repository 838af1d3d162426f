#pragma once
// The agent's end of the session with the coordinator. It dials, keeps dialling with backoff, and
// reconnects for ever; the database never depends on it.

#include <string>

#include "lib/model/report.h"

namespace cdb::agent {

// Called from the client's own threads; must return at once.
class CoordinatorEvents {
 public:
  virtual ~CoordinatorEvents() = default;
  virtual void goal_received(const model::NodeGoal& goal) = 0;
  virtual void connection_changed(bool connected, const std::string& why) = 0;
};

// Likewise, but it may take a lock for a moment.
class LeaseEvents {
 public:
  virtual ~LeaseEvents() = default;
  // The answer to a report: counted from when that was sent, at the latest.
  virtual void granted(const model::LeaseGrant& grant, Instant sent_at) = 0;
};

class CoordinatorClient {
 public:
  virtual ~CoordinatorClient() = default;
  // Sends this report at once; while there is no session, or the stream is busy, only the latest is
  // kept and sent when it can be. Any thread, returns at once.
  virtual void report(const model::NodeReport& report) = 0;
  // Sends the latest report again, with these words about the lease; nothing before the first one.
  // They stay with all later reports. Any thread, returns at once.
  virtual void heartbeat(const model::LeaseStatus& lease, uint64_t holding_epoch) = 0;
};

}  // namespace cdb::agent
