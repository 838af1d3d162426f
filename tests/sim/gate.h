#pragma once
// The gate that a machine's kernel keeps in front of MySQL: it shuts by itself when its time is
// over, whatever the agent does. What a closed gate drops is sent again, and gets out once it is
// open, unless the socket was destroyed meanwhile.

#include <memory>
#include <optional>
#include <vector>

#include "agent/ports/fence.h"
#include "tests/sim/host_clock.h"
#include "tests/sim/network.h"

namespace cdb::sim {

class Gate {
 public:
  explicit Gate(const HostClock& clock) : clock_(clock) {}
  ~Gate() { destroy_clients(); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  [[nodiscard]] bool open() const { return until_ && clock_.now() < *until_; }
  [[nodiscard]] bool admits(const std::string& address) const {
    return admission_.admitted.contains(address) || (!bars(address) && open());
  }
  [[nodiscard]] bool bars(const std::string& address) const {
    return admission_.barred.contains(address);
  }
  // A client's connection, whose server stands behind this gate on `host`.
  void pass(const std::shared_ptr<Connection>& connection, Host host);
  // With the machine's power.
  void vanish();

  [[nodiscard]] std::optional<Instant> until() const { return until_; }
  void set_until(Instant until) { until_ = until; }
  void shut() { until_.reset(); }
  // The machine is paused with its clock: for a lease's time after it has woken, what it was
  // granted before still counts, and may be anybody's by now.
  void sleep() { asleep_ = true; }
  void wake() {
    if (asleep_) slept_until_ = clock_.now() + std::chrono::seconds(3);
    asleep_ = false;
  }
  [[nodiscard]] bool slept() const { return asleep_ || clock_.now() < slept_until_; }
  void destroy_clients();
  // Those that were not destroyed: what they hold is sent again.
  void wake_clients();
  void set_admission(const agent::Admission& admission) { admission_ = admission; }

 private:
  const HostClock& clock_;
  std::optional<Instant> until_{};
  bool asleep_{false};
  Instant slept_until_{};
  agent::Admission admission_{};
  std::vector<std::shared_ptr<Connection>> clients_{};
};

// The agent's way to it.
class GatePort : public agent::Fence {
 public:
  GatePort(Gate& gate, std::function<void()> cut_barred)
      : gate_(gate), cut_barred_(std::move(cut_barred)) {}
  [[nodiscard]] std::string_view kind() const override { return "kernel"; }
  Status install() override { return {}; }
  Status admit(const agent::Admission& admission) override;
  Status open_until(Instant until) override;
  Status shut() override;
  Result<std::optional<Instant>> open_now() override;
  Status remove() override { return {}; }

 protected:
  Gate& gate_;
  std::function<void()> cut_barred_;
};

}  // namespace cdb::sim
