#pragma once
// Waits for what another process does and tells nobody of.

#include <chrono>

#include <poll.h>

#include "lib/base/clock.h"

namespace cdb::testing {

// Looks again and again until it holds; false at the deadline.
template <typename Holds>
bool eventually(Holds holds, Duration time = std::chrono::seconds(30)) {
  const Deadline deadline = Deadline::after(time);
  while (!holds()) {
    if (deadline.passed()) return false;
    ::poll(nullptr, 0, 10);
  }
  return true;
}

}  // namespace cdb::testing
