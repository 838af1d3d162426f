#pragma once
// The clocks of one machine: they run a little fast or slow, may stand still while the machine is
// paused, and the wall clock may be stepped.

#include "tests/sim/timeline.h"

namespace cdb::sim {

class HostClock final : public Clock {
 public:
  HostClock(const Timeline& timeline, double rate)
      : timeline_(timeline), rate_(rate), since_(timeline.now()), shown_(timeline.now()) {}

  [[nodiscard]] Instant now() const override {
    if (stopped_) return shown_;
    return shown_ + scaled(timeline_.now() - since_, rate_);
  }
  [[nodiscard]] WallTime wall() const override {
    constexpr auto kYears = std::chrono::hours(24 * 365 * 56);
    return WallTime(std::chrono::duration_cast<std::chrono::microseconds>(now().time_since_epoch() +
                                                                          kYears + step_));
  }
  // How long it takes until `local` in the world's time, if nothing stops the clock.
  // Never so short that it is not over then.
  [[nodiscard]] Duration until(Instant local) const {
    return scaled(local - now(), 1.0 / rate_) + std::chrono::microseconds(1);
  }

  void stop() {
    shown_ = now();
    stopped_ = true;
  }
  void go_on() {
    if (!stopped_) return;
    stopped_ = false;
    since_ = timeline_.now();
  }
  void step_wall(Duration by) { step_ += by; }

 private:
  static Duration scaled(Duration duration, double by) {
    return Duration(static_cast<int64_t>(static_cast<double>(duration.count()) * by));
  }

  const Timeline& timeline_;
  double rate_;
  Instant since_;
  Instant shown_;
  bool stopped_{false};
  Duration step_{0};
};

}  // namespace cdb::sim
