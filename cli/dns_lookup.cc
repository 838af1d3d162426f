#include "cli/dns_lookup.h"

#include <charconv>
#include <memory>

#include <fmt/format.h>
#include <ldns/ldns.h>
#include <netdb.h>
#include <sys/socket.h>

namespace cdb::cli {
namespace {

struct ResolverFree {
  void operator()(ldns_resolver* resolver) const { ldns_resolver_deep_free(resolver); }
};
struct PacketFree {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
struct DataFree {
  void operator()(ldns_rdf* data) const { ldns_rdf_deep_free(data); }
};
struct AddressesFree {
  void operator()(addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};
using Resolver = std::unique_ptr<ldns_resolver, ResolverFree>;

struct Server {
  std::string host{};
  uint16_t port{53};
};

Result<Server> parse_server(const std::string& text) {
  const Error bad = invalid(fmt::format("\"{}\" is no DNS server", text), "write host:port");
  Server server{text, 53};
  const size_t colon = text.rfind(':');
  const bool bare_v6 = text.find(':') != colon && text.front() != '[';
  if (colon != std::string::npos && !bare_v6 && text.back() != ']') {
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + colon + 1, end, server.port);
    if (parsed.ec != std::errc{} || parsed.ptr != end || server.port == 0) return bad;
    server.host = text.substr(0, colon);
  }
  if (server.host.size() > 2 && server.host.front() == '[' && server.host.back() == ']') {
    server.host = server.host.substr(1, server.host.size() - 2);
  }
  if (server.host.empty()) return bad;
  return server;
}

Result<Resolver> open_resolver(const Server& server, Duration timeout) {
  Resolver resolver(ldns_resolver_new());
  if (!resolver) return internal("no memory for a DNS resolver");
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(server.host.c_str(), nullptr, &wanted, &found);
  const std::unique_ptr<addrinfo, AddressesFree> addresses(found);
  if (failed != 0) {
    return unavailable(fmt::format("DNS server {}: {}", server.host, ::gai_strerror(failed)));
  }
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const std::unique_ptr<ldns_rdf, DataFree> data(ldns_sockaddr_storage2rdf(
        reinterpret_cast<const sockaddr_storage*>(address->ai_addr), nullptr));
    if (data) ldns_resolver_push_nameserver(resolver.get(), data.get());
  }
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  timeval each{};
  each.tv_sec = ms / 2000;
  each.tv_usec = ms % 2000 * 500;
  ldns_resolver_set_port(resolver.get(), server.port);
  ldns_resolver_set_timeout(resolver.get(), each);
  ldns_resolver_set_retry(resolver.get(), 2);
  ldns_resolver_set_recursive(resolver.get(), true);
  return resolver;
}

Status add_addresses(ldns_resolver& resolver, const std::string& server, const std::string& name,
                     ldns_rr_type type, std::vector<std::string>& addresses) {
  const std::unique_ptr<ldns_rdf, DataFree> wanted(ldns_dname_new_frm_str(name.c_str()));
  if (!wanted) return invalid(fmt::format("\"{}\" is no DNS name", name));
  ldns_pkt* answer = nullptr;
  const ldns_status sent =
      ldns_resolver_send(&answer, &resolver, wanted.get(), type, LDNS_RR_CLASS_IN, LDNS_RD);
  const std::unique_ptr<ldns_pkt, PacketFree> packet(answer);
  if (sent != LDNS_STATUS_OK || !packet) {
    return unavailable(fmt::format("DNS server {} did not answer about {}: {}", server, name,
                                   ldns_get_errorstr_by_id(sent)),
                       "CDB_DNS=host:port asks another one");
  }
  const ldns_pkt_rcode code = ldns_pkt_get_rcode(packet.get());
  if (code == LDNS_RCODE_NXDOMAIN) {
    return not_found(fmt::format("DNS server {} knows no name {}", server, name),
                     "cdb topology says whether the names could be written");
  }
  if (code != LDNS_RCODE_NOERROR) {
    return unavailable(fmt::format("DNS server {} refused to answer about {} (rcode {})", server,
                                   name, static_cast<int>(code)));
  }
  const ldns_rr_list* records = ldns_pkt_answer(packet.get());
  for (size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
    const ldns_rr* record = ldns_rr_list_rr(records, i);
    if (ldns_rr_get_type(record) != type || ldns_rr_rd_count(record) == 0) continue;
    const std::unique_ptr<char, decltype(&::free)> text(ldns_rdf2str(ldns_rr_rdf(record, 0)),
                                                        &::free);
    if (text) addresses.emplace_back(text.get());
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> lookup(const std::string& server, const std::string& name,
                                        Duration timeout) {
  CDB_ASSIGN_OR_RETURN(const Server parsed, parse_server(server));
  CDB_ASSIGN_OR_RETURN(const Resolver resolver, open_resolver(parsed, timeout));
  std::vector<std::string> addresses;
  CDB_TRY(add_addresses(*resolver, server, name, LDNS_RR_TYPE_A, addresses));
  if (addresses.empty())
    CDB_TRY(add_addresses(*resolver, server, name, LDNS_RR_TYPE_AAAA, addresses));
  if (addresses.empty()) {
    return not_found(fmt::format("DNS server {} has no address for {}", server, name),
                     "cdb topology says whether the names could be written");
  }
  return addresses;
}

}  // namespace cdb::cli
