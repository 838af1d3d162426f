#pragma once
// The states of a node: what the coordinator wants (goal) and what the agent says (reported). The
// rows that lead from one to the other are in agent/core/transitions.cc. Pure values.

#include <array>
#include <string_view>

#include "lib/base/result.h"

namespace cdb::model {

enum class NodeState {
  New,                 // no data directory yet
  Seeding,             // the data directory is being made or copied
  CatchingUp,          // has data, replicates, not yet level with the primary
  Replica,             // level; its acknowledgement does not count
  Acker,               // level; its acknowledgement counts
  Revoked,             // receiver stopped for an epoch; nothing can be acknowledged through it
  Draining,            // applies what it received before a promotion
  Promoting,           // drained, replication reset, semi-sync set; still read-only
  Primary,             // writable, waits for acknowledgements
  PrimaryUnprotected,  // writable, waits for nobody
  Fenced,              // was primary: read-only or down, and stays so for its epoch
  RejoinCheck,         // data present, role unknown: up read-only, or down; to be compared
  Maintenance,         // a person asked for hands off
  Quarantined,         // has transactions that the cluster does not; never promoted
  Lost,                // nothing heard
};

inline constexpr std::array kAllNodeStates{NodeState::New,         NodeState::Seeding,
                                           NodeState::CatchingUp,  NodeState::Replica,
                                           NodeState::Acker,       NodeState::Revoked,
                                           NodeState::Draining,    NodeState::Promoting,
                                           NodeState::Primary,     NodeState::PrimaryUnprotected,
                                           NodeState::Fenced,      NodeState::RejoinCheck,
                                           NodeState::Maintenance, NodeState::Quarantined,
                                           NodeState::Lost};

std::string_view to_string(NodeState state);  // "catching_up"
std::string_view meaning(NodeState state);    // in words, for the documentation
Result<NodeState> parse_node_state(std::string_view text);

}  // namespace cdb::model
