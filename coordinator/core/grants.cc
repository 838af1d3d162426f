#include "coordinator/core/grants.h"

#include <algorithm>

#include "coordinator/core/rules.h"

namespace cdb::coordinator {

std::optional<model::LeaseGrant> grant_for(const ClusterRecord& record, const Policy& policy,
                                           const model::NodeName& node,
                                           const model::NodeReport& report) {
  if (record.phase == Phase::Forming) return std::nullopt;
  if (report.accepted.epoch != record.version.epoch || report.accepted > record.version) {
    return std::nullopt;
  }
  const bool former = node == record.primary;
  if (former && !(record.opened && rules::is_opened_phase(record.phase))) return std::nullopt;
  if (!former && record.unfenced.contains(node)) return std::nullopt;
  const Duration wanted = std::chrono::milliseconds(std::max<int64_t>(0, report.lease.wanted_ms));
  return model::LeaseGrant{record.version.epoch,
                           std::max(policy.ttl, std::min(wanted, kLongestAbsence))};
}

}  // namespace cdb::coordinator
