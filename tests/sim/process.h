#pragma once
// A process of the simulated world: what arrives while it is stopped waits, and what was meant for
// an earlier life of it is gone.

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "tests/sim/timeline.h"

namespace cdb::sim {

class Process {
 public:
  // Why it stands still.
  enum Hold : unsigned { Stopped = 1, MachinePaused = 2 };

  [[nodiscard]] bool alive() const { return alive_; }
  [[nodiscard]] bool runs() const { return alive_ && holds_ == 0; }
  [[nodiscard]] bool held(Hold hold) const { return (holds_ & hold) != 0; }
  [[nodiscard]] uint64_t life() const { return life_; }

  void start() {
    alive_ = true;
    ++life_;
    holds_ &= MachinePaused;
  }
  void end() {
    alive_ = false;
    ++life_;
    holds_ &= MachinePaused;
    waiting_.clear();
  }
  void hold(Hold why) { holds_ |= why; }
  void release(Hold why) {
    holds_ &= ~static_cast<unsigned>(why);
    while (holds_ == 0 && !waiting_.empty()) {
      const Handler next = std::move(waiting_.front());
      waiting_.pop_front();
      next();
    }
  }
  // Now, or when it goes on; never in another life than this.
  void deliver(uint64_t life, Handler handler) {
    if (!alive_ || life != life_) return;
    if (holds_ != 0 || !waiting_.empty()) {
      waiting_.push_back(std::move(handler));
    } else {
      handler();
    }
  }

 private:
  bool alive_{false};
  unsigned holds_{0};
  uint64_t life_{0};
  std::deque<Handler> waiting_{};
};

}  // namespace cdb::sim
