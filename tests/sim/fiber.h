#pragma once
// A thread of control that the simulator switches by hand: the agent's worker runs on one, so that
// its blocking calls take simulated time, and the agent can die in the middle of any of them.

#include <functional>
#include <memory>

namespace cdb::sim {

class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  ~Fiber();  // ends the body where it stands
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs the body until it waits or ends. Not from within a fiber.
  void resume();
  [[nodiscard]] bool done() const;

  // From within the body: gives control back until the next resume(). Unwinds the body where the
  // fiber was ended meanwhile.
  static void wait();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cdb::sim
