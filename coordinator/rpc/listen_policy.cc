#include "coordinator/rpc/listen_policy.h"

#include <charconv>
#include <optional>

#include <arpa/inet.h>

namespace cdb::coordinator {
namespace {

constexpr size_t kLongestUnixPath = 107;  // sockaddr_un has room for 108 bytes, the last is zero

Error unreadable(std::string_view text) {
  return invalid("cannot listen on '" + std::string(text) + "': not a literal address with a port",
                 "write 127.0.0.1:7400, [::1]:7400 or unix:/path/to/socket");
}

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, port);
  if (text.empty() || error != std::errc{} || stopped != end) return std::nullopt;
  return port;
}

bool is_ipv4(const std::string& host) {
  in_addr parsed{};
  return inet_pton(AF_INET, host.c_str(), &parsed) == 1;
}

bool is_ipv6(const std::string& host) {
  in6_addr parsed{};
  return inet_pton(AF_INET6, host.c_str(), &parsed) == 1;
}

bool stays_here(const ListenAddress& address) {
  switch (address.family) {
    case ListenAddress::Family::Unix: return true;
    case ListenAddress::Family::Ipv4: {
      in_addr parsed{};
      if (inet_pton(AF_INET, address.host.c_str(), &parsed) != 1) return false;
      const uint32_t bits = ntohl(parsed.s_addr);
      return bits >> 24 == 127 || bits >> 17 == (198U << 24 | 18U << 16) >> 17;
    }
    case ListenAddress::Family::Ipv6: {
      in6_addr parsed{};
      return inet_pton(AF_INET6, address.host.c_str(), &parsed) == 1 &&
             IN6_IS_ADDR_LOOPBACK(&parsed);
    }
  }
  return false;
}

}  // namespace

std::string ListenAddress::str() const {
  switch (family) {
    case Family::Unix: return "unix:" + host;
    case Family::Ipv4: return host + ":" + std::to_string(port);
    case Family::Ipv6: return "[" + host + "]:" + std::to_string(port);
  }
  return host;
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  using Family = ListenAddress::Family;
  constexpr std::string_view unix_prefix = "unix:";
  if (text.starts_with(unix_prefix)) {
    std::string path(text.substr(unix_prefix.size()));
    // "unix:///path" is the same as "unix:/path".
    if (path.starts_with("///")) path.erase(0, 2);
    if (path.empty() || path.find('\0') != std::string::npos) return unreadable(text);
    if (path.size() > kLongestUnixPath) {
      return invalid("cannot listen on '" + std::string(text) + "': the path is too long",
                     "a unix socket's path has at most 107 bytes");
    }
    return ListenAddress{Family::Unix, path, 0};
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return unreadable(text);
  const auto port = parse_port(text.substr(colon + 1));
  std::string host(text.substr(0, colon));
  if (!port || host.find('\0') != std::string::npos) return unreadable(text);
  if (host == "localhost") host = "127.0.0.1";
  if (is_ipv4(host)) return ListenAddress{Family::Ipv4, host, *port};
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (is_ipv6(host)) return ListenAddress{Family::Ipv6, host, *port};
  }
  return unreadable(text);
}

Status check_listen_address(const ListenAddress& address, bool insecure) {
  if (insecure || stays_here(address)) return {};
  return precondition("refusing to listen on " + address.str() +
                          ": sessions are neither encrypted nor authenticated",
                      "listen on 127.0.0.1, [::1] or a unix socket, or say --insecure where the "
                      "network itself keeps strangers out");
}

}  // namespace cdb::coordinator
