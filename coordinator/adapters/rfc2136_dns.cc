#include "coordinator/adapters/rfc2136_dns.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <arpa/inet.h>

#include "coordinator/adapters/dns_client.h"
#include "lib/base/text.h"

namespace cdb::coordinator {
namespace {

constexpr int kAttempts = 5;  // each lost to another writer, or without an answer
constexpr size_t kMostReadAddresses = 8;
constexpr const char* kZoneHint = "name the server and the zone whose primary it is";

std::string version_text(const model::RecordVersion& version) {
  return std::to_string(version.epoch) + "." + std::to_string(version.version);
}

std::optional<model::RecordVersion> parse_version(const std::string& text) {
  model::RecordVersion version;
  const char* const end = text.data() + text.size();
  const auto epoch = std::from_chars(text.data(), end, version.epoch);
  if (epoch.ec != std::errc() || epoch.ptr == end || *epoch.ptr != '.') return std::nullopt;
  const auto number = std::from_chars(epoch.ptr + 1, end, version.version);
  if (number.ec != std::errc() || number.ptr != end) return std::nullopt;
  // The condition of the update compares the text.
  if (version_text(version) != text) return std::nullopt;
  return version;
}

bool is_ipv4(const std::string& text) {
  in_addr address{};
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1;
}

Status check_records(const DnsRecords& records) {
  const std::string name = "DNS records of cluster " + records.cluster.str();
  if (!is_dns_label(records.cluster.name) || !is_dns_label(records.cluster.name_space)) {
    return invalid(name + ": not a name");
  }
  if (records.rw && !is_ipv4(*records.rw)) {
    return invalid(name + ": '" + *records.rw + "' is not an IPv4 address");
  }
  for (const std::string& address : records.ro) {
    if (!is_ipv4(address)) return invalid(name + ": '" + address + "' is not an IPv4 address");
  }
  if (records.ro.size() > kMostReadAddresses) {
    return invalid(name + ": more than " + std::to_string(kMostReadAddresses) + " addresses");
  }
  if (records.ttl.count() < 0 || records.ttl.count() > INT32_MAX) {
    return invalid(name + ": a TTL of " + std::to_string(records.ttl.count()) + " s");
  }
  return {};
}

std::string key_text(const DnsClient& client) {
  return "key " + client.key().name + " (" + client.key().algorithm + ")";
}

// What a server finds wrong with our signature.
Error bad_signature(const DnsClient& client, const DnsReply& reply) {
  const std::string server = "DNS server " + client.server();
  switch (reply.key_error) {
    case TsigError::BadSignature:
      return precondition(server + " has another secret for our " + key_text(client),
                          "load the key file of the DNS server again");
    case TsigError::BadTime:
      return precondition(
          server + " finds the time of our signature wrong" +
              (reply.server_time ? ": its clock says " + to_rfc3339(*reply.server_time)
                                 : std::string()),
          "the clocks may differ by 300 s at most: run an NTP client on both");
    case TsigError::BadKey:
    case TsigError::None: break;
  }
  return precondition(server + " does not know our " + key_text(client),
                      "name, algorithm and secret must be those of a key statement there");
}

// Why a server refused to do what we asked.
Error refusal(const DnsClient& client, const DnsReply& reply) {
  if (reply.key_error != TsigError::None) return bad_signature(client, reply);
  const std::string server = "DNS server " + client.server();
  if (reply.code == DnsCode::NotAuthoritative || reply.code == DnsCode::NotInZone) {
    return precondition(server + " is not the primary of zone " + client.zone(), kZoneHint);
  }
  if (reply.code == DnsCode::Refused) {
    return precondition(server + " does not let our " + key_text(client) +
                            " change A and TXT records in zone " + client.zone(),
                        "grant it there with update-policy or allow-update");
  }
  if (reply.code == DnsCode::NotImplemented) {
    return precondition(server + " does not take updates (RFC 2136)", kZoneHint);
  }
  if (reply.code == DnsCode::ServerFailure) {
    return unavailable(server + " failed to do an update of zone " + client.zone(),
                       "its log says why: can it write the zone's journal?");
  }
  return internal(server + " answers an update with code " +
                  std::to_string(static_cast<int>(reply.code)));
}

// What the authoritative server has under this name.
Result<DnsSet> ask(const DnsClient& client, const std::string& name, DnsType type,
                   Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(DnsAnswer answer, client.query(name, type, deadline));
  const std::string server = "DNS server " + client.server();
  if (answer.code == DnsCode::ServerFailure) {
    return unavailable(server + " failed to answer for " + name, "its log says why");
  }
  const bool known = answer.code == DnsCode::NoError || answer.code == DnsCode::NoName;
  if (!known || !answer.authoritative) {
    return precondition(server + " does not serve zone " + client.zone(), kZoneHint);
  }
  return std::move(answer.set);
}

Result<std::optional<model::RecordVersion>> read_version(const DnsClient& client,
                                                         const std::string& name,
                                                         Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(const DnsSet set, ask(client, name, DnsType::Txt, deadline));
  if (set.texts.empty()) return std::optional<model::RecordVersion>();
  const auto version = parse_version(set.texts.front());
  if (set.texts.size() > 1 || !version) {
    return precondition(
        "TXT record " + name + " is not ours: \"" + to_utf8(set.texts.front(), 100) + "\"",
        "remove it, or use another zone");
  }
  return version;
}

// Whether the server shows exactly this.
Result<bool> shows(const DnsClient& client, const DnsSet& wanted, Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(DnsSet found, ask(client, wanted.name, wanted.type, deadline));
  std::vector<std::string> texts = wanted.texts;
  std::sort(texts.begin(), texts.end());
  std::sort(found.texts.begin(), found.texts.end());
  return found.texts == texts && (texts.empty() || found.ttl == wanted.ttl);
}

Result<bool> shows(const DnsClient& client, const std::vector<DnsSet>& wanted, Deadline deadline) {
  for (const DnsSet& set : wanted) {
    CDB_ASSIGN_OR_RETURN(const bool shown, shows(client, set, deadline));
    if (!shown) return false;
  }
  return true;
}

bool lost_to_another(DnsCode code) {
  return code == DnsCode::NameExists || code == DnsCode::SetExists || code == DnsCode::NoSet ||
         code == DnsCode::NoName;
}

// Sends the update once. Ok: what became of it must be looked at; `unless_seen` is the error for
// when it is not to be seen.
Status send(const DnsClient& client, const DnsUpdate& update, Deadline deadline,
            std::optional<Error>& unless_seen) {
  // Half of the time for it, half for reading what became of it.
  const Result<DnsReply> reply = client.update(update, deadline.sooner_of(deadline.left() / 2));
  if (!reply) {
    unless_seen = reply.error();
    if (reply.error().code == Code::OutcomeUnknown) return {};
    return reply.error();
  }
  if (reply->code == DnsCode::NoError) {
    unless_seen = unavailable("DNS server " + client.server() + " does not show what it was told",
                              "does it answer from the zone that it was updated in?");
    return {};
  }
  if (lost_to_another(reply->code)) {
    unless_seen = unavailable("another writer keeps changing the same names on DNS server " +
                              client.server());
    return {};
  }
  return refusal(client, *reply);
}

// After an update without an answer, that is what there is to tell, and not why reading failed.
Error not_seen(const std::optional<Error>& unless_seen, const Error& reading) {
  const bool unknown = unless_seen && unless_seen->code == Code::OutcomeUnknown;
  return unknown ? *unless_seen : reading;
}

}  // namespace

Result<std::unique_ptr<Rfc2136Dns>> Rfc2136Dns::create(const Rfc2136Config& config) {
  std::string zone = to_lower(config.zone);
  if (!zone.empty() && zone.back() == '.') zone.pop_back();
  Result<DnsClient> client = DnsClient::create(config.server, zone, config.key);
  if (!client) return client.error().in("DNS");
  return std::unique_ptr<Rfc2136Dns>(
      new Rfc2136Dns(std::make_unique<DnsClient>(std::move(client).value())));
}

Rfc2136Dns::Rfc2136Dns(std::unique_ptr<DnsClient> client) : client_(std::move(client)) {}
Rfc2136Dns::~Rfc2136Dns() = default;

std::string Rfc2136Dns::in_zone(const std::string& label, const model::ClusterId& cluster) const {
  return label + "." + cluster.name + "." + cluster.name_space + "." + client_->zone();
}
std::string Rfc2136Dns::rw_name(const model::ClusterId& cluster) const {
  return in_zone("rw", cluster);
}
std::string Rfc2136Dns::ro_name(const model::ClusterId& cluster) const {
  return in_zone("ro", cluster);
}
std::string Rfc2136Dns::version_name(const model::ClusterId& cluster) const {
  return in_zone("_epoch", cluster);
}

Status Rfc2136Dns::publish(const DnsRecords& records, Deadline deadline) {
  CDB_TRY(check_records(records));
  const auto ttl = static_cast<uint32_t>(records.ttl.count());
  const std::string version_at = version_name(records.cluster);
  DnsSet rw{.name = rw_name(records.cluster), .ttl = ttl};
  if (records.rw) rw.texts = {*records.rw};
  std::vector<std::string> ro = records.ro;
  std::sort(ro.begin(), ro.end());
  ro.erase(std::unique(ro.begin(), ro.end()), ro.end());
  const std::vector<DnsSet> wanted{{version_at, DnsType::Txt, {version_text(records.version)}, ttl},
                                   rw,
                                   {ro_name(records.cluster), DnsType::A, ro, ttl}};

  std::optional<Error> unless_seen;
  for (int tries = 0; tries < kAttempts; ++tries) {
    const auto seen = read_version(*client_, version_at, deadline);
    if (!seen) return not_seen(unless_seen, seen.error());
    if (*seen && **seen > records.version) {
      return conflict("names of cluster " + records.cluster.str() + " are at version " +
                      version_text(**seen) + ", newer than " + version_text(records.version));
    }
    if (*seen == records.version) {
      const Result<bool> shown = shows(*client_, wanted, deadline);
      if (!shown) return not_seen(unless_seen, shown.error());
      if (*shown) return {};
    }
    DnsSet condition{.name = version_at, .type = DnsType::Txt};
    if (*seen) condition.texts = {version_text(**seen)};
    CDB_TRY(send(*client_, {.conditions = {condition}, .replace = wanted}, deadline, unless_seen));
  }
  return *unless_seen;
}

Status Rfc2136Dns::remove(const model::ClusterId& cluster, Deadline deadline) {
  CDB_TRY(check_records({.cluster = cluster}));
  const std::vector<DnsSet> wanted{{.name = version_name(cluster), .type = DnsType::Txt},
                                   {.name = rw_name(cluster)},
                                   {.name = ro_name(cluster)}};
  DnsUpdate update;
  for (const DnsSet& set : wanted)
    update.erase_names.push_back(set.name);
  std::optional<Error> unless_seen;
  for (int tries = 0; tries < kAttempts; ++tries) {
    const Result<bool> gone = shows(*client_, wanted, deadline);
    if (!gone) return not_seen(unless_seen, gone.error());
    if (*gone) return {};
    CDB_TRY(send(*client_, update, deadline, unless_seen));
  }
  return *unless_seen;
}

Status Rfc2136Dns::check(Deadline deadline) {
  const Result<DnsSet> soa = ask(*client_, client_->zone(), DnsType::Soa, deadline);
  if (!soa) return soa.error();
  if (soa->texts.empty()) {
    return precondition("DNS server " + client_->server() + " has no zone " + client_->zone(),
                        "name the zone itself, not a name in it");
  }
  // Removing what is not there changes nothing, but the server checks key and policy first. No
  // cluster has such a name.
  const std::string nowhere = "_check." + client_->zone();
  const DnsUpdate nothing{.replace = {{.name = "_epoch." + nowhere, .type = DnsType::Txt},
                                      {.name = "rw." + nowhere},
                                      {.name = "ro." + nowhere}}};
  CDB_ASSIGN_OR_RETURN(const DnsReply reply, client_->update(nothing, deadline));
  if (reply.code != DnsCode::NoError) return refusal(*client_, reply);
  return {};
}

}  // namespace cdb::coordinator
