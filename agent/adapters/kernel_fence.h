#pragma once
// The gate of one node, held by the kernel: nftables turns away what may not pass, and a lease is
// an element of a set that the kernel forgets by itself. Calls take microseconds, or some
// milliseconds where connections are destroyed; install() runs `nft` once. A table that somebody
// flushed is noticed and put back by the next call that changes the gate.
//
// A lease never ends after its time, and at most 40 ms before. The kernel counts it while the
// machine runs; it does not count the time of a suspended machine.

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "agent/adapters/gate_table.h"
#include "agent/adapters/socket_killer.h"
#include "agent/ports/fence.h"
#include "lib/model/ids.h"

namespace cdb::agent {

class KernelFence final : public Fence {
 public:
  // Less than this is as good as over. It must leave the kernel more than one of its ticks: a time
  // of none would be a time without end.
  static constexpr std::chrono::milliseconds kShortest{40};

  // invalid unless `self` is an IPv4 address and a port; denied without CAP_NET_ADMIN; precondition
  // where the kernel or `nft` is missing. Changes nothing.
  static Result<std::unique_ptr<KernelFence>> open(model::Endpoint self,
                                                   std::filesystem::path nft = "/usr/sbin/nft");

  [[nodiscard]] std::string_view kind() const override { return "kernel"; }
  Status install() override;
  Status admit(const Admission& admission) override;
  Status open_until(Instant until) override;
  Status shut() override;
  Result<std::optional<Instant>> open_now() override;
  Status remove() override;

 private:
  KernelFence(model::Endpoint self, std::filesystem::path nft, GateTable table,
              SocketKiller sockets);
  [[nodiscard]] GateElement own(GateSet set) const { return {set, self_, {}, {}}; }
  Result<std::set<std::string>> peers(GateSet set);
  // Where the gate is gone, NoTable: then it is back, and the changes have to be thought over.
  Result<GateOutcome> apply(std::vector<GateChange> changes);
  Status put_back();
  Status destroy_clients();

  model::Endpoint self_;
  std::filesystem::path nft_;
  GateTable table_;
  SocketKiller sockets_;
  Admission admission_{};  // what we put there last, for put_back()
  Instant open_until_{};
};

}  // namespace cdb::agent
