#pragma once
// Simulated time: what is to happen, in order. Nothing happens but what stands here.

#include <cstdint>
#include <functional>
#include <vector>

#include "lib/base/clock.h"

namespace cdb::sim {

using Handler = std::function<void()>;

class Timeline {
 public:
  [[nodiscard]] Instant now() const { return now_; }
  void at(Instant when, Handler handler);
  void after(Duration delay, Handler handler) { at(now_ + delay, std::move(handler)); }
  // Does the next thing. False when there is none until `limit`, which it then is.
  bool run_one(Instant limit);

 private:
  struct Event {
    Instant when{};
    uint64_t order{0};
    Handler handler{};
  };
  static bool later(const Event& a, const Event& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }

  Instant now_{std::chrono::seconds(1000)};
  uint64_t next_order_{0};
  std::vector<Event> heap_{};
};

}  // namespace cdb::sim
