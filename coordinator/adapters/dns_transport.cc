#include "coordinator/adapters/dns_transport.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>

#include "lib/base/unique_fd.h"

namespace cdb::coordinator {
namespace {

constexpr size_t kLongestUdp = 512;  // what every server takes
constexpr size_t kHeader = 12;
constexpr std::array<Duration, 2> kUdpPatience{std::chrono::milliseconds(300),
                                               std::chrono::milliseconds(600)};

bool truncated(const DnsBytes& answer) {
  return (answer[2] & 0x02) != 0;
}

bool answers(const DnsBytes& answer, const DnsBytes& request) {
  const bool is_response = answer.size() >= kHeader && (answer[2] & 0x80) != 0;
  return is_response && answer[0] == request[0] && answer[1] == request[1];
}

// Waits for `events`; deadline at the deadline.
Status wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    // Rounded up: what is left of a millisecond is waited for, not spun away.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.left()).count();
    pollfd watched{.fd = fd, .events = events, .revents = 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(std::min<int64_t>(left, 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return from_errno("poll", errno);
    if (deadline.passed()) return deadline_exceeded("no answer");
  }
}

bool nobody_there(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH;
}

Status send_all(int fd, const DnsBytes& bytes, Deadline deadline) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t now = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (now >= 0) {
      sent += static_cast<size_t>(now);
    } else if (errno == EAGAIN) {
      CDB_TRY(wait_for(fd, POLLOUT, deadline));
    } else if (errno != EINTR) {
      return from_errno("send", errno);
    }
  }
  return {};
}

Result<DnsBytes> receive_exactly(int fd, size_t size, Deadline deadline) {
  DnsBytes bytes(size);
  size_t got = 0;
  while (got < size) {
    const ssize_t now = ::recv(fd, bytes.data() + got, size - got, 0);
    if (now > 0) {
      got += static_cast<size_t>(now);
    } else if (now == 0) {
      return unavailable("the connection was closed before the answer");
    } else if (errno == EAGAIN) {
      CDB_TRY(wait_for(fd, POLLIN, deadline));
    } else if (errno != EINTR) {
      return from_errno("receive", errno);
    }
  }
  return bytes;
}

}  // namespace

Result<DnsTransport> DnsTransport::to(const std::string& server) {
  const Error wrong =
      invalid("'" + server + "' is not an address with a port", "write it like 192.0.2.1:53");
  const size_t colon = server.rfind(':');
  if (colon == std::string::npos || colon == 0) return wrong;
  std::string host = server.substr(0, colon);
  const std::string port = server.substr(colon + 1);
  uint16_t number = 0;  // getaddrinfo takes larger ones, and uses what is left of them
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != port.data() + port.size() || number == 0) {
    return wrong;
  }
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return wrong;
  }
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return wrong;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> freed(found, &::freeaddrinfo);
  DnsTransport transport;
  transport.server_ = server;
  std::memcpy(&transport.address_, found->ai_addr, found->ai_addrlen);
  transport.address_length_ = found->ai_addrlen;
  return transport;
}

Result<DnsBytes> DnsTransport::exchange(const DnsBytes& request, Deadline deadline) const {
  CDB_INVARIANT(request.size() >= kHeader);
  bool may_have_arrived = false;
  if (request.size() <= kLongestUdp) {
    for (const Duration patience : kUdpPatience) {
      if (deadline.passed()) break;
      Result<DnsBytes> answer = by_udp(request, deadline.sooner_of(patience));
      if (answer && !truncated(*answer)) return answer;
      may_have_arrived |= answer.ok() || answer.error().code != Code::Unavailable;
      if (answer.ok() || answer.error().code == Code::Unavailable) break;  // TCP at once
    }
  }
  Error last = deadline_exceeded("no answer in time");
  if (!deadline.passed()) {
    Result<DnsBytes> answer = by_tcp(request, deadline);
    if (answer) return answer;
    last = answer.error();
  }
  may_have_arrived |= last.code != Code::Unavailable && last.code != Code::Deadline;
  const std::string message = "DNS server " + server_ + ": " + last.message;
  const std::string hint = "is it running, and reachable from here by UDP and TCP?";
  return may_have_arrived ? outcome_unknown(message, hint) : unavailable(message, hint);
}

Result<DnsBytes> DnsTransport::by_udp(const DnsBytes& request, Deadline deadline) const {
  // A socket for each attempt: an answer to another port is not looked at.
  const UniqueFd fd(::socket(address_.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return from_errno("socket", errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address_), address_length_) != 0 ||
      ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    if (nobody_there(errno)) return unavailable(std::strerror(errno));
    return from_errno("send", errno);
  }
  DnsBytes answer(65536);
  for (;;) {
    CDB_TRY(wait_for(fd.get(), POLLIN, deadline));
    const ssize_t got = ::recv(fd.get(), answer.data(), answer.size(), 0);
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      if (nobody_there(errno)) return unavailable(std::strerror(errno));
      return from_errno("receive", errno);
    }
    const DnsBytes received(answer.begin(), answer.begin() + got);
    if (answers(received, request)) return received;
  }
}

Result<DnsBytes> DnsTransport::by_tcp(const DnsBytes& request, Deadline deadline) const {
  const UniqueFd fd(::socket(address_.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return from_errno("socket", errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address_), address_length_) != 0) {
    int error = errno;
    if (error == EINPROGRESS) {
      if (const Status connected = wait_for(fd.get(), POLLOUT, deadline); !connected) {
        return unavailable("no connection in time");
      }
      socklen_t length = sizeof error;
      if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
    }
    if (error != 0) return unavailable(std::strerror(error));
  }
  DnsBytes framed{static_cast<uint8_t>(request.size() >> 8), static_cast<uint8_t>(request.size())};
  framed.insert(framed.end(), request.begin(), request.end());
  // From the first byte on it may have arrived.
  const auto lost = [](const Error& error) { return outcome_unknown(error.message); };
  if (const Status sent = send_all(fd.get(), framed, deadline); !sent) return lost(sent.error());
  const Result<DnsBytes> length = receive_exactly(fd.get(), 2, deadline);
  if (!length) return lost(length.error());
  const auto size = static_cast<size_t>((*length)[0]) << 8 | (*length)[1];
  const Result<DnsBytes> answer = receive_exactly(fd.get(), size, deadline);
  if (!answer) return lost(answer.error());
  if (!answers(*answer, request)) return outcome_unknown("an answer to something else");
  return *answer;
}

}  // namespace cdb::coordinator
