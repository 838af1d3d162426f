#pragma once
// Single events of a binary log file, from their bytes. Pure; outside data, so that every length is
// checked and damage is Invalid.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/model/gtid_set.h"
#include "lib/model/mysql_version.h"

namespace cdb::agent {

inline constexpr size_t kEventHeader = 19;
inline constexpr size_t kChecksum = 4;

// The numbers that the format gives them.
enum class EventType : uint8_t {
  Query = 2,
  Stop = 3,
  Rotate = 4,
  FormatDescription = 15,
  Xid = 16,
  Incident = 26,
  Gtid = 33,
  AnonymousGtid = 34,
  PreviousGtids = 35,
  XaPrepare = 38,
  TransactionPayload = 40,
  GtidTagged = 42,
};

struct EventHeader {
  EventType type{};  // any other number too
  uint32_t size{0};  // with header and checksum
  uint32_t end{0};   // the position of its end in the file, modulo 2^32
  uint16_t flags{0};
};
// From the first kEventHeader bytes.
EventHeader parse_event_header(std::string_view bytes);

struct FormatDescription {
  model::MysqlVersion written_by{};
  bool in_use{false};
  bool checksums{false};
};
// Each of these takes the whole event, with header and without checksum; FormatDescription with it.
Result<FormatDescription> parse_format_description(std::string_view event);
Result<model::GtidSet> parse_previous_gtids(std::string_view event);

struct Gtid {
  std::string source{};  // "uuid" or "uuid:tag"
  int64_t number{0};
};
Result<Gtid> parse_gtid(std::string_view event);         // untagged
Result<Gtid> parse_tagged_gtid(std::string_view event);  // 8.3+

enum class QueryKind {
  Begin,
  Commit,        // of something that is not a transaction to InnoDB
  XaStart,       // of a two-phase transaction of a client
  AtomicDdl,     // carries the number by which InnoDB rolls it back
  NonAtomicDdl,  // any other statement
};
// Of an event that may be cut short after its status variables and some of its text.
Result<QueryKind> parse_query(std::string_view event);

// Of an event without its last four bytes, against them.
bool checksum_fits(std::string_view event, std::string_view checksum);

}  // namespace cdb::agent
