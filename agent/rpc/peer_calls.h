#pragma once
// Calls of the other agents, over gRPC. Channels are kept; threads are gRPC's.

#include <cstdint>
#include <memory>

#include "agent/ports/peer_client.h"

namespace cdb::agent {

class PeerCalls final : public PeerClient {
 public:
  explicit PeerCalls(uint16_t peer_port);
  ~PeerCalls() override;  // as stop()

  void ask_hold(const std::string& address, const model::HoldRequest& request, Deadline deadline,
                std::function<void(const Result<model::HoldAnswer>&)> answered) override;
  // Ends what is under way; afterwards nobody is called back, and new calls fail at once.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cdb::agent
