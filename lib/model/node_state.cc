#include "lib/model/node_state.h"

#include <string>

namespace cdb::model {

std::string_view to_string(NodeState state) {
  switch (state) {
    case NodeState::New: return "new";
    case NodeState::Seeding: return "seeding";
    case NodeState::CatchingUp: return "catching_up";
    case NodeState::Replica: return "replica";
    case NodeState::Acker: return "acker";
    case NodeState::Revoked: return "revoked";
    case NodeState::Draining: return "draining";
    case NodeState::Promoting: return "promoting";
    case NodeState::Primary: return "primary";
    case NodeState::PrimaryUnprotected: return "primary_unprotected";
    case NodeState::Fenced: return "fenced";
    case NodeState::RejoinCheck: return "rejoin_check";
    case NodeState::Maintenance: return "maintenance";
    case NodeState::Quarantined: return "quarantined";
    case NodeState::Lost: return "lost";
  }
  return "lost";
}

Result<NodeState> parse_node_state(std::string_view text) {
  for (const NodeState state : kAllNodeStates) {
    if (to_string(state) == text) return state;
  }
  return invalid("unknown node state '" + std::string(text) + "'");
}

}  // namespace cdb::model
