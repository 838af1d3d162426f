#include "agent/adapters/netlink.h"

#include <cerrno>
#include <ctime>

#include <libmnl/libmnl.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace cdb::agent {

const nlmsghdr* NetlinkMessages::last() const {
  return reinterpret_cast<const nlmsghdr*>(bytes_.data() + last_);
}

size_t NetlinkMessages::size() const {
  return empty_ ? 0 : last_ + NLMSG_ALIGN(last()->nlmsg_len);
}

nlmsghdr* NetlinkMessages::add(uint16_t type, uint16_t flags, uint32_t number) {
  last_ = size();
  empty_ = false;
  CDB_INVARIANT(last_ + kLargestBytes <= bytes_.size());
  nlmsghdr* header = mnl_nlmsg_put_header(bytes_.data() + last_);
  header->nlmsg_type = type;
  header->nlmsg_flags = flags;
  header->nlmsg_seq = number;
  return header;
}

Result<Netlink> Netlink::open(int subject) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, subject));
  if (!fd && (errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT)) {
    return precondition("the kernel has no netlink protocol " + std::to_string(subject));
  }
  if (!fd) return from_errno("open a netlink socket", errno);
  // The kernel answers before send() returns: more than moments means that no answer comes.
  constexpr timeval kSecond{1, 0};
  constexpr int kBrief = 1;  // a refusal need not repeat the whole message
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kSecond, sizeof kSecond) != 0 ||
      ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kSecond, sizeof kSecond) != 0 ||
      ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &kBrief, sizeof kBrief) != 0) {
    return from_errno("set up a netlink socket", errno);
  }
  return Netlink(std::move(fd));
}

Status Netlink::exchange(const NetlinkMessages& messages, uint32_t first, const Take& take) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  ssize_t sent = 0;
  do {
    sent = ::sendto(fd_.get(), messages.data(), messages.size(), 0,
                    reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return from_errno("send to the kernel through netlink", errno);
  for (;;) {
    sockaddr_nl from{};
    socklen_t from_size = sizeof from;
    const ssize_t got = ::recvfrom(fd_.get(), buffer_.data(), buffer_.size(), MSG_TRUNC,
                                   reinterpret_cast<sockaddr*>(&from), &from_size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return outcome_unknown("the kernel does not answer netlink");
    if (got < 0) return from_errno("receive from the kernel through netlink", errno);
    if (from.nl_pid != 0) continue;  // another process may write to our socket, too
    if (static_cast<size_t>(got) > buffer_.size()) {
      return internal("an answer of the kernel of " + std::to_string(got) + " bytes is too long");
    }
    int left = static_cast<int>(got);
    for (const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer_.data());
         mnl_nlmsg_ok(answer, left); answer = mnl_nlmsg_next(answer, &left)) {
      if (answer->nlmsg_seq >= first && take(*answer)) return {};
    }
  }
}

NetlinkAnswer kind_of(const nlmsghdr& answer) {
  if (answer.nlmsg_type == NLMSG_DONE) return NetlinkAnswer::Done;
  if (answer.nlmsg_type != NLMSG_ERROR) return NetlinkAnswer::Data;
  return errno_of(answer) == 0 ? NetlinkAnswer::Acknowledged : NetlinkAnswer::Refused;
}

int errno_of(const nlmsghdr& refused) {
  const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&refused));
  return -error->error;
}

}  // namespace cdb::agent
