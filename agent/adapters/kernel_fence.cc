#include "agent/adapters/kernel_fence.h"

#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <unistd.h>

namespace cdb::agent {
namespace {

// Other agents change their gates of the same table, and a slow machine may need a second try.
constexpr int kMostTries = 10;

// The longest time from reading the clock to the kernel's acknowledgement. The kernel counts from
// some moment in between: had we been stopped there, the lease would end that much too late.
constexpr std::chrono::milliseconds kSlack{10};
// The kernel counts in ticks, and may see the last of them late.
constexpr std::chrono::milliseconds kTick{10};

std::chrono::milliseconds timeout_until(Instant until) {
  return std::chrono::floor<std::chrono::milliseconds>(until - BootTime::now()) - kSlack - kTick;
}
bool worth_opening(std::chrono::milliseconds timeout) {
  return timeout >= KernelFence::kShortest - kSlack - kTick;
}

Error no_luck(const model::Endpoint& self) {
  return unavailable("the gate of " + self.str() + " could not be changed: too much else goes on");
}

}  // namespace

KernelFence::KernelFence(model::Endpoint self, std::filesystem::path nft, GateTable table,
                         SocketKiller sockets)
    : self_(std::move(self)),
      nft_(std::move(nft)),
      table_(std::move(table)),
      sockets_(std::move(sockets)) {}

Result<std::unique_ptr<KernelFence>> KernelFence::open(model::Endpoint self,
                                                       std::filesystem::path nft) {
  in_addr address{};
  if (::inet_pton(AF_INET, self.host.c_str(), &address) != 1 || address.s_addr == INADDR_ANY ||
      self.port == 0) {
    return invalid("no gate for " + self.str(),
                   "the node's address has to be an IPv4 address, not a name, with a port");
  }
  CDB_ASSIGN_OR_RETURN(GateTable table, GateTable::open());
  CDB_ASSIGN_OR_RETURN(SocketKiller sockets, SocketKiller::open());
  if (::access(nft.c_str(), X_OK) != 0) {
    return precondition("no program " + nft.string(), "apt-get install nftables");
  }
  return std::unique_ptr<KernelFence>(
      new KernelFence(std::move(self), std::move(nft), std::move(table), std::move(sockets)));
}

Status KernelFence::install() {
  for (int tries = 0; tries < kMostTries; ++tries) {
    const Status installed = GateTable::install(nft_);
    // What another agent installs at the same time may be in the way; a missing right stays so.
    if (!installed && (installed.error().code != Code::Unavailable || tries + 1 == kMostTries)) {
      return installed;
    }
    if (!installed) continue;
    CDB_ASSIGN_OR_RETURN(const GateOutcome outcome,
                         table_.apply({{GateChange::Kind::Put, own(GateSet::Nodes)}}));
    // NoTable: the last other node left just now, and took the table along.
    if (outcome == GateOutcome::Done) return {};
  }
  return no_luck(self_);
}

Result<GateOutcome> KernelFence::apply(std::vector<GateChange> changes) {
  // Looked up, because another agent may have put the table back, without our node; put, because
  // that is refused where it goes just now.
  CDB_ASSIGN_OR_RETURN(const auto node, table_.find(own(GateSet::Nodes)));
  GateOutcome outcome = GateOutcome::NoTable;
  if (node) {
    changes.insert(changes.begin(), {GateChange::Kind::Put, *node});
    CDB_ASSIGN_OR_RETURN(outcome, table_.apply(changes));
  }
  if (outcome == GateOutcome::NoTable) CDB_TRY(put_back());
  return outcome;
}

Status KernelFence::put_back() {
  for (int tries = 0; tries < kMostTries; ++tries) {
    CDB_TRY(GateTable::install(nft_));
    std::vector<GateChange> changes{{GateChange::Kind::Put, own(GateSet::Nodes)}};
    for (const std::string& peer : admission_.admitted)
      changes.push_back({GateChange::Kind::Put, {GateSet::Admitted, self_, peer, {}}});
    for (const std::string& peer : admission_.barred)
      changes.push_back({GateChange::Kind::Put, {GateSet::Barred, self_, peer, {}}});
    // Without a table everything passed, and before that the lease ran: nothing was held back, and
    // the connections need not be destroyed.
    const Instant before = BootTime::now();
    GateElement lease = own(GateSet::Leases);
    lease.timeout = timeout_until(open_until_);
    if (worth_opening(lease.timeout)) changes.push_back({GateChange::Kind::Put, lease});
    CDB_ASSIGN_OR_RETURN(const GateOutcome outcome, table_.apply(changes));
    if (outcome != GateOutcome::Done) continue;
    if (BootTime::now() - before <= kSlack) return {};
    CDB_ASSIGN_OR_RETURN(const GateOutcome closed,
                         table_.apply({{GateChange::Kind::Remove, own(GateSet::Leases)}}));
    if (closed == GateOutcome::Done || closed == GateOutcome::Absent) return {};
  }
  return no_luck(self_);
}

Result<std::set<std::string>> KernelFence::peers(GateSet set) {
  CDB_ASSIGN_OR_RETURN(const std::vector<GateElement> elements, table_.list(set));
  std::set<std::string> found;
  for (const GateElement& element : elements) {
    if (element.node == self_) found.insert(element.peer);
  }
  return found;
}

Status KernelFence::admit(const Admission& admission) {
  for (int tries = 0; tries < kMostTries; ++tries) {
    std::vector<GateChange> changes;
    const auto change_to = [&](GateSet set, const std::set<std::string>& wanted) -> Status {
      CDB_ASSIGN_OR_RETURN(const std::set<std::string> present, peers(set));
      for (const std::string& peer : present) {
        if (wanted.count(peer) == 0)
          changes.push_back({GateChange::Kind::Remove, {set, self_, peer, {}}});
      }
      for (const std::string& peer : wanted) {
        if (present.count(peer) == 0)
          changes.push_back({GateChange::Kind::Put, {set, self_, peer, {}}});
      }
      return {};
    };
    CDB_TRY(change_to(GateSet::Admitted, admission.admitted));
    CDB_TRY(change_to(GateSet::Barred, admission.barred));
    CDB_ASSIGN_OR_RETURN(const GateOutcome outcome, apply(std::move(changes)));
    if (outcome != GateOutcome::Done) continue;
    admission_ = admission;
    if (admission.barred.empty()) return {};
    // Only now: no connection that ends here can be followed by another.
    const auto cut = sockets_.destroy(
        self_, [&](const std::string& peer) { return admission.barred.count(peer) != 0; });
    return cut ? Status{} : cut.error();
  }
  return no_luck(self_);
}

Status KernelFence::destroy_clients() {
  // What the kernel says, not what we remember: the members may be admitted by an earlier agent.
  CDB_ASSIGN_OR_RETURN(const std::set<std::string> admitted, peers(GateSet::Admitted));
  CDB_ASSIGN_OR_RETURN(const std::set<std::string> barred, peers(GateSet::Barred));
  const auto destroyed = sockets_.destroy(self_, [&](const std::string& peer) {
    return admitted.count(peer) == 0 || barred.count(peer) != 0;
  });
  return destroyed ? Status{} : destroyed.error();
}

Status KernelFence::open_until(Instant until) {
  if (!worth_opening(timeout_until(until))) return shut();
  for (int tries = 0; tries < kMostTries; ++tries) {
    // A transaction that is refused waits for all processors, for 20 ms perhaps: look first.
    CDB_ASSIGN_OR_RETURN(const auto runs, table_.find(own(GateSet::Leases)));
    if (!runs) {
      CDB_ASSIGN_OR_RETURN(const GateOutcome there, apply({}));
      if (there != GateOutcome::Done) continue;
      // Between the last answer of an earlier lease and the clients there is nothing but this.
      CDB_TRY(destroy_clients());
    }
    const Instant before = BootTime::now();
    GateElement lease = own(GateSet::Leases);
    lease.timeout = timeout_until(until);
    if (!worth_opening(lease.timeout)) return shut();
    // A renewal is one transaction, so without a gap. One that lapses this moment is not there to
    // be removed, and nothing is changed.
    std::vector<GateChange> changes{{GateChange::Kind::Insert, lease}};
    if (runs) changes = {{GateChange::Kind::Remove, lease}, {GateChange::Kind::Put, lease}};
    CDB_ASSIGN_OR_RETURN(const GateOutcome outcome, apply(std::move(changes)));
    if (outcome == GateOutcome::Done && BootTime::now() - before <= kSlack) {
      open_until_ = until;
      return {};
    }
  }
  CDB_TRY(shut());
  return no_luck(self_);
}

Status KernelFence::shut() {
  open_until_ = {};
  GateElement lease = own(GateSet::Leases);
  lease.timeout = kShortest;
  for (int tries = 0; tries < kMostTries; ++tries) {
    // Put, so that there is something to remove: it never takes effect.
    CDB_ASSIGN_OR_RETURN(const GateOutcome outcome, apply({{GateChange::Kind::Put, lease},
                                                           {GateChange::Kind::Remove, lease}}));
    // Absent: it has lapsed in between. The connections may be there in either case.
    if (outcome == GateOutcome::Done || outcome == GateOutcome::Absent) return destroy_clients();
  }
  return no_luck(self_);
}

Result<std::optional<Instant>> KernelFence::open_now() {
  const Instant now = BootTime::now();
  CDB_ASSIGN_OR_RETURN(const auto node, table_.find(own(GateSet::Nodes)));
  if (!node) {
    return precondition("there is no gate before " + self_.str(), "it has not been installed");
  }
  CDB_ASSIGN_OR_RETURN(const auto lease, table_.find(own(GateSet::Leases)));
  return lease ? std::optional(now + lease->timeout) : std::nullopt;
}

Status KernelFence::remove() {
  for (int tries = 0; tries < kMostTries; ++tries) {
    CDB_ASSIGN_OR_RETURN(const uint32_t generation, table_.generation());
    std::vector<GateChange> changes;
    bool alone = true;
    for (const GateSet set :
         {GateSet::Nodes, GateSet::Leases, GateSet::Admitted, GateSet::Barred}) {
      CDB_ASSIGN_OR_RETURN(const std::vector<GateElement> elements, table_.list(set));
      for (const GateElement& element : elements) {
        if (element.node == self_) changes.push_back({GateChange::Kind::Remove, element});
        if (element.node != self_ && set == GateSet::Nodes) alone = false;
      }
    }
    CDB_ASSIGN_OR_RETURN(const auto lease, table_.find(own(GateSet::Leases)));
    if (!lease) CDB_TRY(destroy_clients());
    // Another agent may come meanwhile: then the generation is another one.
    CDB_ASSIGN_OR_RETURN(const GateOutcome outcome,
                         alone ? table_.drop(generation) : table_.apply(changes, generation));
    if (outcome == GateOutcome::Done || outcome == GateOutcome::NoTable) return {};
  }
  return no_luck(self_);
}

}  // namespace cdb::agent
