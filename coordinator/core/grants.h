#pragma once
// Who may serve, and for how long: what the coordinator answers to a heartbeat. Pure.

#include <optional>

#include "coordinator/core/cluster_view.h"

namespace cdb::coordinator {

// The longest that an agent gets for a planned absence.
inline constexpr Duration kLongestAbsence = std::chrono::seconds(60);

// None: this node may not serve in the record's epoch, or has not promised it. A primary gets one
// once it is opened on record, and none any more as soon as another is to follow it; the others may
// answer reads, but not a former primary that still owes a proof.
std::optional<model::LeaseGrant> grant_for(const ClusterRecord& record, const Policy& policy,
                                           const model::NodeName& node,
                                           const model::NodeReport& report);

}  // namespace cdb::coordinator
