#pragma once
// What each node is to be, from the record alone (plus addresses and sizes): so any coordinator
// that has the record asks for the same. Pure.

#include <map>
#include <optional>
#include <string>

#include "coordinator/core/cluster_view.h"
#include "coordinator/core/state.h"
#include "lib/model/report.h"

namespace cdb::coordinator {

// What a node's my.cnf is made from.
struct NodeSizing {
  uint64_t memory_bytes{0};
  int vcpu{1};
  std::string disk_kind{"ssd"};
  uint64_t disk_bytes{0};
  std::map<std::string, std::string> settings{};  // by canonical variable name
};

// None while the cluster has no record to speak of (Forming), or the node is unknown.
std::optional<model::NodeGoal> goal_for(const ClusterView& view, const ClusterRow& row,
                                        const NodeSizing& sizing, const model::NodeName& node);

}  // namespace cdb::coordinator
