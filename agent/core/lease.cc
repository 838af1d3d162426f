#include "agent/core/lease.h"

#include <algorithm>
#include <functional>

namespace cdb::agent {
namespace {

using model::LeaseSource;

// When the h-th longest of the holds that count is over.
Instant held_until(const LeaseTerms& terms, const LeaseWords& words) {
  if (words.held_epoch != terms.epoch) return {};
  std::vector<Instant> holds;
  for (const model::Peer& holder : terms.holders) {
    const auto hold = words.held_until.find(holder.name);
    if (hold != words.held_until.end()) holds.push_back(hold->second);
  }
  const auto needed = static_cast<size_t>(terms.holds_required);
  if (needed == 0 || holds.size() < needed) return {};
  std::sort(holds.begin(), holds.end(), std::greater<>());
  return holds[needed - 1];
}

}  // namespace

Lease lease_of(const LeaseTerms& terms, const LeaseWords& words, Instant now) {
  if (terms.role == LeaseRole::Closed) return {};
  Lease best;
  const auto consider = [&](Instant until, LeaseSource source) {
    if (until > best.until) best = {until, source};
  };
  if (words.granted_epoch == terms.epoch) consider(words.granted_until, LeaseSource::Coordinator);
  if (terms.role == LeaseRole::Reader) {
    if (words.streamed_at != Instant{})
      consider(words.streamed_at + terms.ttl, LeaseSource::Stream);
  } else if (terms.holds_required == 0) {
    // Nobody could have elected another. Whose word it is shown by is for people.
    const bool fresh = best.until - now >= terms.ttl / 2;
    best = {std::max(best.until, now + terms.ttl), fresh ? best.source : LeaseSource::Own};
  } else {
    consider(held_until(terms, words), LeaseSource::Holds);
  }
  return best;
}

bool wants_holds(const LeaseTerms& terms, const LeaseWords& words, Instant now) {
  if (terms.role != LeaseRole::Writer || terms.holds_required == 0) return false;
  return words.granted_epoch != terms.epoch || words.granted_until - now < terms.ttl / 2;
}

model::HoldAnswer answer_hold(const model::RecordVersion& accepted,
                              const model::HoldRequest& request) {
  return {accepted.epoch <= request.epoch, accepted};
}

}  // namespace cdb::agent
