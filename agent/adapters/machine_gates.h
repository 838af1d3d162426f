#pragma once
// All gates of this machine, whoever put them there: for people, and for the end of the package.
// One thread at a time.

#include <chrono>
#include <optional>
#include <vector>

#include "agent/ports/fence.h"
#include "lib/base/result.h"
#include "lib/model/ids.h"

namespace cdb::agent {

struct MachineGate {
  model::Endpoint node{};
  std::optional<std::chrono::milliseconds> left{};  // none: shut
  Admission admission{};
  friend bool operator==(const MachineGate&, const MachineGate&) = default;
};

// By address and port. denied without CAP_NET_ADMIN.
Result<std::vector<MachineGate>> machine_gates();
// Removes them all, with the table; returns those that there were.
Result<std::vector<MachineGate>> remove_machine_gates();

}  // namespace cdb::agent
