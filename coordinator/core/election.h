#pragma once
// Who may become primary, and what that node must contain. Pure.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/core/cluster_view.h"

namespace cdb::coordinator {

struct Election {
  bool holds_over{false};  // with a candidate: those who promised hold for nobody any more
  std::optional<model::NodeName> candidate{};
  model::GtidSet base{};      // with a candidate
  std::string waiting_for{};  // without one: why not yet, or why never, for a person
  std::string loss{};         // asynchronous: what may be lost, for a person; empty: nothing
};

// In phase Revoking: from the answers of those who promised this epoch.
Election elect(const ClusterView& view);

// What is left when nothing safe is: the connected node that holds most, whatever it lacks.
Election elect_at_any_price(const ClusterView& view);

struct Acks {
  int wanted{0};
  int required{0};
};
// What a primary opens with, these being its first ackers.
Acks acks_at_open(const ClusterView& view, size_t ackers);

// Whether `old` has proved, by its agent's word or its machine's end, that it acknowledges nothing
// any more in an older epoch.
bool fenced(const ClusterView& view, const model::NodeName& old);
// Whether time has proved it: nobody can have held or granted anything for a whole lease, and the
// kernel shuts its port when that is over. In Revoking this needs the voters' promises; once a
// candidate is on record they have been given.
bool lease_over(const ClusterView& view, const model::NodeName& old);

// Everyone but the candidate whose acknowledgements are to count from its first write on.
std::map<model::NodeName, std::string> first_ackers(const ClusterView& view,
                                                    const model::NodeName& candidate,
                                                    const model::GtidSet& base);

// Asynchronous: whose promises the next failover from this candidate is to need.
std::set<model::NodeName> first_voters(const ClusterView& view, const model::NodeName& candidate);

// Why this node cannot be elected at all, or empty: never, removing, errant, no data, lost.
std::string unfit(const ClusterView& view, const model::NodeName& name);

// Asynchronous: why it would be better to wait for the former primary than to promote this node, or
// empty: it lacks more than the newest of what the primary was seen to have.
std::string too_far_behind(const ClusterView& view, const model::NodeName& name);

}  // namespace cdb::coordinator
