#pragma once
// Keeps this node's gate open for as long as somebody vouches for the node, and says so with every
// heartbeat. Apart from the node's worker, which may wait for mysqld while a lease runs out. What
// it does is decided in agent/core/lease.h.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/core/lease.h"
#include "agent/ports/coordinator_client.h"
#include "agent/ports/fence.h"
#include "agent/ports/lease_keeper.h"
#include "agent/ports/peer_client.h"
#include "lib/base/sync.h"

namespace cdb::agent {

class LeaseTask final : public LeaseKeeper, public LeaseEvents {
 public:
  LeaseTask(model::NodeId self, Fence& fence, PeerClient& peers, const Clock& clock);

  // Where the heartbeats go; set before run().
  void set_client(CoordinatorClient& client) { client_ = &client; }
  // Until a stop is asked for.
  void run(const std::stop_token& stop);
  // One heartbeat where it is due, and whatever the lease needs; returns when to be called again.
  Instant step();

  // Before a planned absence: asks for a lease of this length, and waits until it is there.
  bool ask_longer(Duration absence, Deadline deadline);

  // A peer asks; any thread.
  model::HoldAnswer hold(const model::HoldRequest& request);

  void start_with(const model::RecordVersion& accepted, Duration ttl) override;
  void set_terms(const LeaseTerms& terms) override;
  void promised(const model::RecordVersion& accepted) override;
  void streams(Instant seen_at) override;
  Status admit(const Admission& admission) override;
  [[nodiscard]] bool gated() const override { return fence_.kind() == "kernel"; }

  [[nodiscard]] Said said() const override;

  void granted(const model::LeaseGrant& grant, Instant sent_at) override;

 private:
  struct Wake {
    bool now{false};
  };

  [[nodiscard]] Duration heartbeat() const { return (terms_ ? *terms_ : LeaseTerms{}).heartbeat; }
  void held(const model::NodeName& peer, uint64_t epoch, Instant until);
  void apply(Instant now);                          // with the lock
  [[nodiscard]] Said words_now(Instant now) const;  // with the lock
  void ask_holders(Instant now);

  const model::NodeId self_;
  Fence& fence_;
  PeerClient& peers_;
  const Clock& clock_;
  CoordinatorClient* client_{nullptr};

  mutable std::mutex mutex_{};
  std::optional<LeaseTerms> terms_{};  // none yet: the gate is left as it was found
  LeaseWords words_{};
  model::RecordVersion accepted_{};
  Instant holding_until_{};
  uint64_t holding_epoch_{0};
  Duration wanted_{};
  Lease lease_{};           // as the gate has it
  Instant opened_until_{};  // in the past: the gate is shut
  std::string gate_problem_{};
  Instant next_beat_{};
  Instant next_ask_{};
  Sync<Wake> wake_{};
};

}  // namespace cdb::agent
