#include "agent/adapters/socket_killer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <vector>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

namespace cdb::agent {
namespace {

struct Socket {
  uint8_t family{AF_INET};
  inet_diag_sockid id{};
  [[nodiscard]] uint64_t cookie() const {  // never reused
    return uint64_t{id.idiag_cookie[1]} << 32U | id.idiag_cookie[0];
  }
};

// All in which something may yet be sent or received.
constexpr uint32_t kStates = 1U << TCP_ESTABLISHED | 1U << TCP_SYN_SENT | 1U << TCP_SYN_RECV |
                             1U << TCP_FIN_WAIT1 | 1U << TCP_FIN_WAIT2 | 1U << TCP_CLOSE_WAIT |
                             1U << TCP_LAST_ACK | 1U << TCP_CLOSING;

inet_diag_req_v2& add_request(NetlinkMessages& messages, uint16_t type, uint16_t flags,
                              uint32_t number, uint8_t family) {
  nlmsghdr* message = messages.add(type, static_cast<uint16_t>(NLM_F_REQUEST | flags), number);
  auto& request = *static_cast<inet_diag_req_v2*>(
      mnl_nlmsg_put_extra_header(message, sizeof(inet_diag_req_v2)));
  request.sdiag_family = family;
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = kStates;
  return request;
}

// The IPv4 address in one of the two forms a socket may have it in: a listener on `::` takes IPv4
// connections too. None for a true IPv6 address.
const uint32_t* ipv4_in(uint8_t family, const uint32_t (&address)[4]) {
  if (family == AF_INET) return &address[0];
  if (address[0] == 0 && address[1] == 0 && address[2] == htonl(0xffff)) return &address[3];
  return nullptr;
}

std::string text_of(uint32_t address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address, text.data(), text.size());
  return text.data();
}

Error refused(const std::string& what, int error) {
  if (error == EPERM) {
    return denied(what + ": not permitted",
                  "the agent needs CAP_NET_ADMIN in its network namespace: run it as root");
  }
  return from_errno(what, error);
}

Status list(Netlink& netlink, uint8_t family, const model::Endpoint& local, in_addr address,
            const SocketKiller::Doomed& doomed, std::vector<Socket>& found) {
  NetlinkMessages messages(1);
  const uint32_t number = netlink.next_number();
  auto& request = add_request(messages, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, number, family);
  request.id.idiag_sport = htons(local.port);
  int error = 0;
  CDB_TRY(netlink.exchange(messages, number, [&](const nlmsghdr& answer) {
    if (kind_of(answer) != NetlinkAnswer::Data) {  // both begin with an errno
      error = errno_of(answer);
      return true;
    }
    if (mnl_nlmsg_get_payload_len(&answer) < sizeof(inet_diag_msg)) return false;
    const auto& socket = *static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(&answer));
    const uint32_t* here = ipv4_in(socket.idiag_family, socket.id.idiag_src);
    const uint32_t* there = ipv4_in(socket.idiag_family, socket.id.idiag_dst);
    if (here != nullptr && there != nullptr && *here == address.s_addr && doomed(text_of(*there))) {
      found.push_back({socket.idiag_family, socket.id});
    }
    return false;
  }));
  if (error != 0) return refused("list the connections of " + local.str(), error);
  return {};
}

// All of them, a few at a time: the acknowledgements have to fit into the socket's buffer.
Result<std::vector<int>> destroy_each(Netlink& netlink, const std::vector<Socket>& sockets) {
  constexpr size_t kAtOnce = 64;
  std::vector<int> errors;
  for (size_t begin = 0; begin < sockets.size(); begin += kAtOnce) {
    const size_t count = std::min(kAtOnce, sockets.size() - begin);
    NetlinkMessages messages(count);
    uint32_t first = 0;
    for (size_t i = 0; i < count; ++i) {
      const Socket& socket = sockets[begin + i];
      const uint32_t number = netlink.next_number();
      if (i == 0) first = number;
      add_request(messages, SOCK_DESTROY, NLM_F_ACK, number, socket.family).id = socket.id;
    }
    size_t answered = 0;
    CDB_TRY(netlink.exchange(messages, first, [&](const nlmsghdr& answer) {
      errors.push_back(errno_of(answer));
      return ++answered == count;
    }));
  }
  return errors;
}

}  // namespace

Result<SocketKiller> SocketKiller::open() {
  CDB_ASSIGN_OR_RETURN(Netlink netlink, Netlink::open(NETLINK_SOCK_DIAG));
  // No connection has this name, so a kernel that can destroy says that there is none.
  CDB_ASSIGN_OR_RETURN(const std::vector<int> errors, destroy_each(netlink, {Socket{}}));
  if (errors.front() == EPERM) return refused("destroy connections", EPERM);
  std::vector<Socket> none;
  const Status listed = list(
      netlink, AF_INET, {"0.0.0.0", 1}, {}, [](const std::string&) { return false; }, none);
  if (errors.front() != ENOENT || !listed) {
    return precondition("the kernel cannot destroy connections",
                        "it needs CONFIG_INET_DIAG and CONFIG_INET_DIAG_DESTROY");
  }
  return SocketKiller(std::move(netlink));
}

Result<size_t> SocketKiller::destroy(const model::Endpoint& local, const Doomed& doomed) {
  in_addr address{};
  if (::inet_pton(AF_INET, local.host.c_str(), &address) != 1) {
    return invalid("'" + local.host + "' is no IPv4 address");
  }
  // A list may miss one while others come and go. Until nothing new turns up: before Linux 6.11
  // what no process has stays listed, emptied, for a while.
  constexpr int kMostRounds = 10;
  std::set<uint64_t> destroyed;
  for (int round = 0; round < kMostRounds; ++round) {
    std::vector<Socket> found;
    CDB_TRY(list(netlink_, AF_INET, local, address, doomed, found));
    CDB_TRY(list(netlink_, AF_INET6, local, address, doomed, found));
    std::vector<Socket> fresh;
    for (const Socket& socket : found) {
      if (destroyed.insert(socket.cookie()).second) fresh.push_back(socket);
    }
    if (fresh.empty()) break;
    CDB_ASSIGN_OR_RETURN(const std::vector<int> errors, destroy_each(netlink_, fresh));
    for (const int error : errors) {
      // ENOENT: it has just ended. EOPNOTSUPP: its last state, in which it has nothing to send.
      if (error == 0 || error == ENOENT || error == EOPNOTSUPP) continue;
      return refused("destroy connections of " + local.str(), error);
    }
  }
  return destroyed.size();
}

}  // namespace cdb::agent
