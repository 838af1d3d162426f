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

std::string_view meaning(NodeState state) {
  switch (state) {
    case NodeState::New: return "no data directory";
    case NodeState::Seeding: return "the data directory is being made or copied";
    case NodeState::CatchingUp: return "replicates, not level yet, or its source does not answer";
    case NodeState::Replica: return "level; its acknowledgement does not count";
    case NodeState::Acker: return "level; its acknowledgement counts";
    case NodeState::Revoked: return "its receiver stands still for an epoch";
    case NodeState::Draining: return "applies what it received before a promotion";
    case NodeState::Promoting: return "drained, prepared, read-only";
    case NodeState::Primary: return "writable, waits for acknowledgements";
    case NodeState::PrimaryUnprotected: return "writable, waits for nobody";
    case NodeState::Fenced: return "was primary; read-only or down, and stays so for its epoch";
    case NodeState::RejoinCheck: return "has data, role unknown; up read-only, or down";
    case NodeState::Maintenance: return "a person has it: the agent keeps its hands off";
    case NodeState::Quarantined: return "has transactions that the cluster has not";
    case NodeState::Lost: return "its agent is not connected";
  }
  return "";
}

Result<NodeState> parse_node_state(std::string_view text) {
  for (const NodeState state : kAllNodeStates) {
    if (to_string(state) == text) return state;
  }
  return invalid("unknown node state '" + std::string(text) + "'");
}

}  // namespace cdb::model
