#pragma once
// The agent's gRPC end of the session: dials, introduces the node, sends reports, receives goals,
// and dials again for ever. One thread of its own dials; events are called from that thread and
// from gRPC's, one at a time. Nothing here ever touches the database.

#include <memory>
#include <string>
#include <vector>

#include "agent/ports/coordinator_client.h"
#include "lib/base/clock.h"

namespace cdb::agent {

struct SessionClientConfig {
  std::vector<std::string> coordinators{};  // "host:port" or "unix:path"; tried in turn; not empty
  model::NodeId node{};
  std::string address{};  // where this node's mysqld listens
  std::string agent_version{};
  std::string boot_id{};  // of the machine
  WallTime started{};     // of this agent

  Duration first_pause{std::chrono::milliseconds(100)};  // doubles up to
  Duration longest_pause{std::chrono::seconds(2)};
  // After an answer that dialling soon cannot change: the node was deleted, another agent took over
  // its name.
  Duration refused_pause{std::chrono::seconds(10)};
  Duration connect_timeout{std::chrono::seconds(2)};
  Duration first_answer_timeout{std::chrono::seconds(10)};
  // A connection that is silent for `keepalive` is pinged, and ended when the answer takes longer
  // than `keepalive_timeout`.
  Duration keepalive{std::chrono::seconds(2)};
  Duration keepalive_timeout{std::chrono::seconds(2)};
};

class SessionClient final : public CoordinatorClient {
 public:
  explicit SessionClient(SessionClientConfig config);
  // Ends the session; afterwards no event is under way or will come. Not from within an event.
  ~SessionClient() override;

  // Begins to dial. Once. connection_changed(true, endpoint) comes with the first answer of a
  // session, connection_changed(false, why) at its end, and while there is none whenever `why`
  // becomes another.
  void start(CoordinatorEvents& events, LeaseEvents& leases);
  // May be called before start(). The latest report opens every later session, too.
  void report(const model::NodeReport& report) override;
  void heartbeat(const model::LeaseStatus& lease, uint64_t holding_epoch) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cdb::agent
