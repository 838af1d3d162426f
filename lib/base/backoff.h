#pragma once
// Exponential backoff as a value: no clock, no thread, no randomness of its own.

#include <algorithm>
#include <utility>

#include "lib/base/clock.h"

namespace cdb {

class Backoff {
 public:
  Backoff(Duration first, Duration longest) : first_(first), longest_(longest), next_(first) {}
  // The pause before the next attempt; each call doubles it up to the longest.
  Duration next() { return std::exchange(next_, std::min(next_ * 2, longest_)); }
  void reset() { next_ = first_; }

 private:
  Duration first_;
  Duration longest_;
  Duration next_;
};

}  // namespace cdb
