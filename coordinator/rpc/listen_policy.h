#pragma once
// Where the coordinator may listen. Sessions are not encrypted or authenticated yet, so that only
// addresses which no other machine reaches are taken, unless a person insists. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace cdb::coordinator {

struct ListenAddress {
  enum class Family { Unix, Ipv4, Ipv6 };
  Family family{Family::Ipv4};
  std::string host{};  // a literal address, or the path of a unix socket
  uint16_t port{0};    // 0: any free one
  // "127.0.0.1:7400", "[::1]:7400", "unix:/run/cdb.sock"
  [[nodiscard]] std::string str() const;
  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// Takes literal addresses with a port, "localhost" with a port, and "unix:PATH".
Result<ListenAddress> parse_listen_address(std::string_view text);

// Precondition, unless it is loopback, a unix socket, 198.18.0.0/15 (the range set aside for tests
// of network devices; our test networks are made of it), or `insecure` says to take anything.
Status check_listen_address(const ListenAddress& address, bool insecure);

}  // namespace cdb::coordinator
