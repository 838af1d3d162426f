#pragma once
// All that the next step of a node may depend on, as one value, and the state that follows from it.
// Pure.

#include <optional>
#include <string>

#include "lib/base/clock.h"
#include "lib/model/report.h"

namespace cdb::agent {

struct Situation {
  model::NodeGoal goal{};
  model::MysqldState mysqld{model::MysqldState::NotInitialised};
  uint64_t boot{0};
  std::optional<model::ServerStatus> server{};  // none unless Running
  bool coordinator_connected{false};
  Duration mysqld_down_for{};
  std::string incarnation{};  // of the data directory
  bool seeding{false};        // the data are half of a copy
  uint64_t written_epoch{0};  // as NodeMemory has it
  bool trim_failed{false};    // what was cut off the binary log is still in the data
  // Promises that were kept, and hold for the present boot of mysqld.
  uint64_t closed_epoch{0};       // read-only was waited for in this epoch
  uint64_t prepared_epoch{0};     // drained and prepared for this epoch
  model::RecordVersion marked{};  // the record version of the last marker row
};

// Transactions this node has and its goal's cluster has not. Empty where the goal cannot tell.
model::GtidSet errant_of(const Situation& situation);

// What the node is now.
model::NodeState classify(const Situation& situation);

}  // namespace cdb::agent
