#pragma once
// What an agent must not forget. Saved before it is acted on or reported. Plain values.

#include <cstdint>
#include <optional>
#include <string>

#include "lib/model/report.h"

namespace cdb::agent {

struct NodeMemory {
  model::RecordVersion accepted{};        // the highest promised; lower ones are refused
  std::optional<model::NodeGoal> goal{};  // the last one, without its credentials
  std::optional<model::Credentials> credentials{};
  uint64_t mysqld_boot{0};     // counted before each start
  std::string incarnation{};   // of the data directory; empty: none made yet
  std::string machine_boot{};  // when the machine last started, by the kernel's boot id
  bool seeding{false};         // it is being filled from another node, or that was cut short
  // The last epoch in which this copy of the data may have been written to as the primary's; 0:
  // never, or all that it holds was found in the cluster since.
  uint64_t written_epoch{0};
  // A tail was cut off, and that all of it was rolled back is still to be seen; it was not.
  bool trim_unproved{false};
  bool trim_failed{false};
  std::optional<model::Discarded> discarded{};  // to be told
  friend bool operator==(const NodeMemory&, const NodeMemory&) = default;
};

}  // namespace cdb::agent
