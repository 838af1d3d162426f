#pragma once
// The disk of the data directory, as far as a node's worker has to know it. Plain values.

#include <cstdint>
#include <limits>

#include "lib/base/clock.h"

namespace cdb::agent {

struct DiskState {
  uint64_t free_bytes{std::numeric_limits<uint64_t>::max()};  // as long as it cannot be told
  Duration silent_for{};  // a write has been under way for so long; zero while none is
};

}  // namespace cdb::agent
