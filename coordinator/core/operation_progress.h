#pragma once
// How far a long-running operation has come, from what can be observed: so a coordinator that was
// killed goes on where it stood, and nothing is done twice. Pure.

#include <string>

#include "coordinator/core/state.h"

namespace cdb::coordinator {

struct OperationFacts {
  int members{0};
  int machines_running{0};
  int agents_connected{0};
  int nodes_level{0};       // the primary and those that replicate well
  int nodes_configured{0};  // that have the present settings
  bool opened{false};       // a primary is open in the present epoch
  bool as_protected_as_wanted{false};
  bool names_published{false};
  std::string machine_problem{};
  std::string node_problem{};
  std::string dns_problem{};
  std::string blocked{};
  ClusterRecord record{};
  // Of the node that the operation is about.
  std::string node{};
  std::map<std::string, std::string> arguments{};  // of the operation
  bool node_connected{false};
  bool node_level_now{false};
  model::NodeState node_state{model::NodeState::Lost};
  std::string node_incarnation{};
  std::string own_problem{};
  // With Delete.
  bool names_removed{false};
  int machines_left{0};
};

Operation begin_operation(OperationKind kind, const model::ClusterId& cluster,
                          const model::OperationId& id, uint64_t epoch, WallTime now);

// The operation as it stands now; equal to `operation` when nothing changed.
Operation advance(const Operation& operation, const OperationFacts& facts, WallTime now);

// The same, ended without success.
Operation fail_operation(Operation operation, const std::string& problem, const std::string& hint,
                         WallTime now);

}  // namespace cdb::coordinator
