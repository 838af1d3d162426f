#pragma once
// Questions and signed updates to one authoritative server. Blocking until the deadline at the
// latest; one thread. ldns is known to dns_client.cc alone.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/adapters/dns_transport.h"
#include "coordinator/adapters/tsig_key.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace cdb::coordinator {

enum class DnsType { A, Txt, Soa };

// Response codes that mean something to us (RFC 1035, 2136); others come as their number.
enum class DnsCode : uint16_t {
  NoError = 0,
  FormatError = 1,
  ServerFailure = 2,
  NoName = 3,
  NotImplemented = 4,
  Refused = 5,
  NameExists = 6,
  SetExists = 7,
  NoSet = 8,
  NotAuthoritative = 9,
  NotInZone = 10,
};

// What a server finds wrong with a signature (RFC 8945); others come as their number.
enum class TsigError : uint16_t { None = 0, BadSignature = 16, BadKey = 17, BadTime = 18 };

// All records of one name and type. Texts: addresses, or what a TXT holds.
struct DnsSet {
  std::string name{};
  DnsType type{DnsType::A};
  std::vector<std::string> texts{};
  uint32_t ttl{0};
};

struct DnsAnswer {
  DnsCode code{DnsCode::NoError};
  bool authoritative{false};
  DnsSet set{};  // without texts: there is none; a SOA comes with one empty text
};

// Done as a whole, if all the conditions hold.
struct DnsUpdate {
  // That this set is exactly so; without texts: that there is none.
  std::vector<DnsSet> conditions{};
  std::vector<DnsSet> replace{};           // without texts: removed
  std::vector<std::string> erase_names{};  // with all their types
};

struct DnsReply {
  DnsCode code{DnsCode::NoError};
  TsigError key_error{TsigError::None};
  std::optional<WallTime> server_time{};  // with BadTime
};

class DnsClient {
 public:
  // Invalid where a part is not what it should be. The zone without a final dot.
  static Result<DnsClient> create(const std::string& server, const std::string& zone, TsigKey key);

  Result<DnsAnswer> query(const std::string& name, DnsType type, Deadline deadline) const;
  // A reply of NoError is signed by the server. OutcomeUnknown: it may have been done.
  Result<DnsReply> update(const DnsUpdate& update, Deadline deadline) const;

  [[nodiscard]] const std::string& server() const { return transport_.server(); }
  [[nodiscard]] const std::string& zone() const { return zone_; }
  [[nodiscard]] const TsigKey& key() const { return key_; }

 private:
  DnsClient(DnsTransport transport, std::string zone, TsigKey key)
      : transport_(std::move(transport)), zone_(std::move(zone)), key_(std::move(key)) {}

  DnsTransport transport_;
  std::string zone_;
  TsigKey key_;
};

}  // namespace cdb::coordinator
