#pragma once
// Destroys the TCP connections of an address of this machine, in the kernel, whatever the process
// that has them does, and those that no process has any more: what they were still to send is gone,
// and the other end gets a reset. What had arrived may still be read. One thread at a time; a
// millisecond for some hundred connections.

#include <functional>
#include <string>

#include "agent/adapters/netlink.h"
#include "lib/base/result.h"
#include "lib/model/ids.h"

namespace cdb::agent {

class SocketKiller {
 public:
  // By the address of the other end.
  using Doomed = std::function<bool(const std::string& peer)>;

  // precondition where the kernel cannot (CONFIG_INET_DIAG_DESTROY).
  static Result<SocketKiller> open();

  // Those of `local`, in any state but listening; returns how many there were. denied without
  // CAP_NET_ADMIN; after an error some may be left.
  Result<size_t> destroy(const model::Endpoint& local, const Doomed& doomed);

 private:
  explicit SocketKiller(Netlink netlink) : netlink_(std::move(netlink)) {}
  Netlink netlink_;
};

}  // namespace cdb::agent
