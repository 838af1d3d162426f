#pragma once
// The node's lease, as its worker sees it.

#include "agent/core/lease.h"
#include "agent/ports/fence.h"
#include "lib/base/result.h"

namespace cdb::agent {

// What the node's worker says to the lease. Calls may wait for a moment, never for mysqld.
class LeaseKeeper {
 public:
  virtual ~LeaseKeeper() = default;
  // The node's memory, once it is read, and first of all. What an earlier agent's lease and holds
  // may still be worth is assumed: a gate that is open stays so, a hold runs for one whole ttl.
  virtual void start_with(const model::RecordVersion& accepted, Duration ttl) = 0;
  // From now on. Terms that close shut the gate before this returns.
  virtual void set_terms(const LeaseTerms& terms) = 0;
  // The record this node has promised: what holds are answered by. Before it is acted on or told.
  virtual void promised(const model::RecordVersion& accepted) = 0;
  // A reader is seen to receive from its source now.
  virtual void streams(Instant seen_at) = 0;
  // In force when this returns without an error.
  virtual Status admit(const Admission& admission) = 0;
  [[nodiscard]] virtual bool gated() const = 0;
  // For a report: what was promised before it is asked for is seen in the answer.
  struct Said {
    model::LeaseStatus lease{};
    uint64_t holding_epoch{0};
  };
  [[nodiscard]] virtual Said said() const = 0;
};

}  // namespace cdb::agent
