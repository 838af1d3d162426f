#pragma once
// The way to the agents of the other members, while the coordinator is away.

#include <functional>
#include <string>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/model/report.h"

namespace cdb::agent {

class PeerClient {
 public:
  virtual ~PeerClient() = default;
  // Asks the agent at this address (of its mysqld; the port is every agent's peer port). Returns at
  // once; `answered` is called exactly once, from a thread of the client's, at the deadline at the
  // latest.
  virtual void ask_hold(const std::string& address, const model::HoldRequest& request,
                        Deadline deadline,
                        std::function<void(const Result<model::HoldAnswer>&)> answered) = 0;
};

}  // namespace cdb::agent
