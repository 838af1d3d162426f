#include "tests/sim/timeline.h"

#include <algorithm>
#include <utility>

namespace cdb::sim {

void Timeline::at(Instant when, Handler handler) {
  heap_.push_back({std::max(when, now_), next_order_++, std::move(handler)});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

bool Timeline::run_one(Instant limit) {
  if (heap_.empty() || heap_.front().when > limit) {
    now_ = limit;
    return false;
  }
  std::pop_heap(heap_.begin(), heap_.end(), later);
  Event event = std::move(heap_.back());
  heap_.pop_back();
  now_ = event.when;
  event.handler();
  return true;
}

}  // namespace cdb::sim
