#pragma once
// Bytes to a DNS server and back: UDP, asked again once, then TCP. Blocking until the deadline at
// the latest; any thread.

#include <cstdint>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace cdb::coordinator {

using DnsBytes = std::vector<uint8_t>;

class DnsTransport {
 public:
  // "192.0.2.1:53" or "[2001:db8::1]:53": an address, since names are what this server gives out.
  static Result<DnsTransport> to(const std::string& server);

  // The first answer with the id of the request. Unavailable: nobody listens there. OutcomeUnknown:
  // the server may have got the request, and has not answered.
  Result<DnsBytes> exchange(const DnsBytes& request, Deadline deadline) const;

  [[nodiscard]] const std::string& server() const { return server_; }

 private:
  DnsTransport() = default;
  Result<DnsBytes> by_udp(const DnsBytes& request, Deadline deadline) const;
  Result<DnsBytes> by_tcp(const DnsBytes& request, Deadline deadline) const;

  std::string server_{};
  sockaddr_storage address_{};
  socklen_t address_length_{0};
};

}  // namespace cdb::coordinator
