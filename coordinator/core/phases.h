#pragma once
// The phases of a cluster in words, and every way from one to another: what the rules do, as data,
// for the documentation and for the test that walks the rules. Pure.

#include <string_view>
#include <vector>

#include "coordinator/core/record.h"

namespace cdb::coordinator {

struct PhaseInfo {
  Phase phase{};
  std::string_view record_says{};
  std::string_view nodes_are_told{};
};
const std::vector<PhaseInfo>& phase_infos();

// A step that changes the phase, or begins it anew at a higher epoch.
struct PhaseEdge {
  Phase from{};
  Phase to{};
  std::string_view rule{};
};
const std::vector<PhaseEdge>& phase_edges();

}  // namespace cdb::coordinator
