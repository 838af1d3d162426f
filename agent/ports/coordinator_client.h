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

class CoordinatorClient {
 public:
  virtual ~CoordinatorClient() = default;
  // Sends this report at once; while there is no session, or the stream is busy, only the latest is
  // kept and sent when it can be. Any thread, returns at once.
  virtual void report(const model::NodeReport& report) = 0;
};

}  // namespace cdb::agent
