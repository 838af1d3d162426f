#pragma once
// The failover manager's mind: an ordered table of rules, first match wins. Pure: the same view
// gives the same decision. The engine commits the new record before anything else happens, and asks
// again until nothing changes.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/core/cluster_view.h"

namespace cdb::coordinator {

struct Decision {
  std::string_view rule{};                // the rule's stable id
  std::string why{};                      // this case, for a person
  std::optional<ClusterRecord> record{};  // with a higher (epoch, version) unless only `blocked`
                                          // changed
};

struct RuleInfo {
  std::string_view id{};
  std::string_view sentence{};
};

Decision decide(const ClusterView& view);

// The table, in order: for the documentation and its golden test.
std::vector<RuleInfo> decision_rules();

// Whether a person's request can be carried out now; the reason where not.
Status check_request(const ClusterView& view, const ElectionRequest& request);

}  // namespace cdb::coordinator
