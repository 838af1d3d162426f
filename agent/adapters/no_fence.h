#pragma once
// No gate at all: where several nodes share an address for their outgoing traffic (local
// instances), or a person said so. The coordinator is told, and counts on no lease there.

#include "agent/ports/fence.h"

namespace cdb::agent {

class NoFence final : public Fence {
 public:
  [[nodiscard]] std::string_view kind() const override { return "none"; }
  Status install() override { return {}; }
  Status admit(const Admission&) override { return {}; }
  Status open_until(Instant until) override {
    until_ = until;
    return {};
  }
  Status shut() override {
    until_.reset();
    return {};
  }
  Result<std::optional<Instant>> open_now() override { return until_; }
  Status remove() override { return {}; }

 private:
  std::optional<Instant> until_{};
};

}  // namespace cdb::agent
