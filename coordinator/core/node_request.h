#pragma once
// Whether a person may have one node for a while, or have its data replaced. Pure.

#include <string>

#include "coordinator/core/cluster_view.h"

namespace cdb::coordinator {

struct NodeRequest {
  model::NodeName node{};
  bool allow_unprotected{false};  // maintenance: even if fewer acknowledgements must do meanwhile
};

// The reason where not, as a precondition.
Status check_maintenance(const ClusterView& view, const NodeRequest& request);
Status check_maintenance_end(const ClusterView& view, const model::NodeName& node);
Status check_rejoin(const ClusterView& view, const model::NodeName& node);
// Never where the node holds anything of the cluster's that the primary does not.
Status check_reseed(const ClusterView& view, const model::NodeName& node);

}  // namespace cdb::coordinator
