#pragma once
// How long this node may serve, from what it was told and by whom. Pure: the caller hands in the
// time, read from CLOCK_BOOTTIME.

#include <map>
#include <optional>
#include <vector>

#include "lib/base/clock.h"
#include "lib/model/report.h"

namespace cdb::agent {

enum class LeaseRole {
  Closed,  // serves nobody
  Writer,  // the open primary
  Reader,  // a replica that answers reads
};

// What the goal and the server's state allow. Of one epoch.
struct LeaseTerms {
  uint64_t epoch{0};
  LeaseRole role{LeaseRole::Closed};
  Duration ttl{std::chrono::seconds(2)};
  Duration heartbeat{std::chrono::milliseconds(300)};
  std::vector<model::Peer> holders{};  // whose holds count
  int holds_required{0};               // h; 0: nobody could elect another without this node's word
  friend bool operator==(const LeaseTerms&, const LeaseTerms&) = default;
};

// What was heard. Each time is counted from before the question was sent.
struct LeaseWords {
  uint64_t granted_epoch{0};
  Instant granted_until{};
  uint64_t held_epoch{0};
  std::map<model::NodeName, Instant> held_until{};
  Instant streamed_at{};  // a reader: when it was last seen to receive from its source
  friend bool operator==(const LeaseWords&, const LeaseWords&) = default;
};

struct Lease {
  Instant until{};  // in the past: none
  model::LeaseSource source{model::LeaseSource::None};
  friend bool operator==(const Lease&, const Lease&) = default;
};

// The longest that any of the words allows under these terms. Words of another epoch count nothing.
Lease lease_of(const LeaseTerms& terms, const LeaseWords& words, Instant now);

// Whether to ask the holders: a writer without a fresh grant for half a ttl.
bool wants_holds(const LeaseTerms& terms, const LeaseWords& words, Instant now);

// A peer's answer: it promises to take part in no failover of the asker's epoch for a ttl. Not
// where it has promised a higher epoch.
model::HoldAnswer answer_hold(const model::RecordVersion& accepted,
                              const model::HoldRequest& request);

}  // namespace cdb::agent
