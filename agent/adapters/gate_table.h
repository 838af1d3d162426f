#pragma once
// The table `inet cdb` of nftables: the gates of all nodes on this machine (in this network
// namespace), shared by their agents, each of which changes the elements of its own node alone. One
// thread at a time. All but install() is one exchange with the kernel: well under a millisecond.
//
// The four sets are what agents of different versions share: their names and types never change.
// The rules belong to whoever installed last.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/adapters/netlink.h"
#include "lib/base/result.h"
#include "lib/model/ids.h"

namespace cdb::agent {

enum class GateSet {
  Nodes,     // who has a gate
  Leases,    // whose gate is open, with the time that is left
  Admitted,  // which peer may pass the gate of which node though it is shut
  Barred,    // which peer may not though it is open
};

struct GateElement {
  GateSet set{GateSet::Nodes};
  model::Endpoint node{};
  std::string peer{};                   // an IPv4 address; Admitted and Barred
  std::chrono::milliseconds timeout{};  // Leases: the time that is left
  friend bool operator==(const GateElement&, const GateElement&) = default;
};

struct GateChange {
  enum class Kind {
    Put,     // does nothing where it is there
    Insert,  // refused where it is there
    Remove,  // refused where it is not there
  };
  Kind kind{Kind::Put};
  GateElement element{};
};

enum class GateOutcome {
  Done,
  NoTable,  // nobody installed it, or somebody removed it
  Absent,   // what was to be removed is not there
  Present,  // what was to be inserted is there
  Changed,  // the tables of the machine are no longer those of the generation
};

class GateTable {
 public:
  // denied without CAP_NET_ADMIN, precondition where the kernel has no nftables.
  static Result<GateTable> open();

  // The table with its sets and rules, in one transaction: elements stay, rules of another version
  // are replaced, packets meet either the old rules or the new. Runs the program `nft`.
  [[nodiscard]] static Status install(const std::filesystem::path& nft);

  // All of them, or none when the outcome is not Done.
  Result<GateOutcome> apply(const std::vector<GateChange>& changes,
                            std::optional<uint32_t> generation = {});
  // None where it is not there, for want of a table too.
  Result<std::optional<GateElement>> find(const GateElement& wanted);
  Result<std::vector<GateElement>> list(GateSet set);
  // Grows with each change of any table of the machine.
  Result<uint32_t> generation();
  // The table with all that is in it, if nothing has changed since `generation`.
  Result<GateOutcome> drop(uint32_t generation);

 private:
  struct Verdict {
    int batch{0};                // the errno of the whole
    std::vector<int> changes{};  // of each change
  };
  explicit GateTable(Netlink netlink) : netlink_(std::move(netlink)) {}
  Result<Verdict> commit(const NetlinkMessages& messages, uint32_t first, size_t changes);
  Netlink netlink_;
};

}  // namespace cdb::agent
