#include "agent/core/binlog_event.h"

#include <array>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "lib/base/text.h"

namespace cdb::agent {
namespace {

constexpr uint16_t kInUse = 1;
constexpr size_t kFlagsOffset = 17;
constexpr size_t kUuidBytes = 16;
constexpr size_t kLongestTag = 32;

Error cut_short(std::string_view what) {
  return invalid("a " + std::string(what) + " event is shorter than it says");
}

uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;)
    value = value << 8U | static_cast<unsigned char>(bytes[i]);
  return value;
}

// Takes bytes from the front; what is not there is an error that sticks.
class Bytes {
 public:
  explicit Bytes(std::string_view left) : left_(left) {}

  std::string_view take(size_t count) {
    if (count > left_.size()) {
      ok_ = false;
      left_ = {};
      return {};
    }
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }
  uint64_t number(size_t bytes) { return little_endian(take(bytes)); }

  // mysql::serialization: as many low bits set in the first byte as there are bytes after it.
  uint64_t variable() {
    if (left_.empty()) {
      ok_ = false;
      return 0;
    }
    const auto first = static_cast<unsigned char>(left_[0]);
    size_t more = 0;
    while (more < 8 && (first >> more & 1U) != 0)
      ++more;
    const std::string_view bytes = take(more + 1);
    if (!ok_) return 0;
    if (more == 8) return little_endian(bytes.substr(1));
    if (more == 7) return little_endian(bytes.substr(1));  // the first byte holds no bit of it
    return little_endian(bytes) >> (more + 1);
  }
  int64_t signed_variable() {
    const uint64_t raw = variable();
    const auto magnitude = static_cast<int64_t>(raw >> 1U);
    return (raw & 1U) != 0 ? -magnitude - 1 : magnitude;
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] size_t left() const { return left_.size(); }

 private:
  std::string_view left_;
  bool ok_{true};
};

std::string uuid_text(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned char>(bytes[i]));
  }
  return text;
}

std::string source_name(const std::string& uuid, std::string_view tag) {
  return tag.empty() ? uuid : uuid + ":" + std::string(tag);
}

bool is_tag(std::string_view tag) {
  if (tag.size() > kLongestTag) return false;
  for (const char c : tag) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!fine) return false;
  }
  return true;
}

std::string_view body_of(std::string_view event) {
  return event.substr(std::min(event.size(), kEventHeader));
}

// How many bytes the value of a status variable of a Query event has; none: nobody knows.
std::optional<size_t> status_value_size(uint8_t code, std::string_view after) {
  const auto byte = [&](size_t at) -> std::optional<size_t> {
    if (at >= after.size()) return std::nullopt;
    return static_cast<unsigned char>(after[at]);
  };
  constexpr size_t kTooMany = 254;  // databases: no names follow
  switch (code) {
    case 0: return 4;  // flags2
    case 1: return 8;  // sql_mode
    case 3: return 4;  // auto_increment
    case 4: return 6;  // charset
    case 5:
    case 6: {  // time zone, catalogue
      const auto length = byte(0);
      if (!length) return std::nullopt;
      return 1 + *length;
    }
    case 7:
    case 8: return 2;   // lc_time_names, charset of the database
    case 9: return 8;   // tables of a multi-table update
    case 10: return 4;  // written by the source
    case 11: {          // invoker: user, host
      const auto user = byte(0);
      const auto host = user ? byte(1 + *user) : std::nullopt;
      if (!host) return std::nullopt;
      return 2 + *user + *host;
    }
    case 12: {  // names of the databases that it changes
      const auto count = byte(0);
      if (!count) return std::nullopt;
      size_t size = 1;
      for (size_t i = 0; *count != kTooMany && i < *count; ++i) {
        const size_t end = after.find('\0', size);
        if (end == std::string_view::npos) return std::nullopt;
        size = end + 1;
      }
      return size;
    }
    case 13: return 3;  // microseconds
    case 16: return 1;  // explicit_defaults_for_timestamp
    case 17: return 8;  // the number of the transaction that the DDL is
    case 18: return 2;  // default collation for utf8mb4
    case 19:
    case 20: return 1;  // sql_require_primary_key, default_table_encryption
    default: return std::nullopt;
  }
}

// Whether the status variables name the transaction as which InnoDB knows the statement.
bool has_transaction_number(std::string_view variables) {
  constexpr uint8_t kDdlTransaction = 17;
  while (!variables.empty()) {
    const auto code = static_cast<uint8_t>(variables[0]);
    variables.remove_prefix(1);
    const auto size = status_value_size(code, variables);
    if (!size || *size > variables.size()) return false;
    if (code == kDdlTransaction) return little_endian(variables.substr(0, *size)) != 0;
    variables.remove_prefix(*size);
  }
  return false;
}

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1U) != 0 ? 0xEDB88320U ^ value >> 1U : value >> 1U;
    table[i] = value;
  }
  return table;
}

}  // namespace

EventHeader parse_event_header(std::string_view bytes) {
  CDB_INVARIANT(bytes.size() >= kEventHeader);
  Bytes in(bytes);
  in.take(4);  // time
  const auto type = static_cast<EventType>(in.number(1));
  in.take(4);  // server id
  const auto size = static_cast<uint32_t>(in.number(4));
  const auto end = static_cast<uint32_t>(in.number(4));
  return {type, size, end, static_cast<uint16_t>(in.number(2))};
}

Result<FormatDescription> parse_format_description(std::string_view event) {
  constexpr size_t kVersionBytes = 50;
  Bytes in(body_of(event));
  const uint64_t format = in.number(2);
  const std::string_view version = in.take(kVersionBytes);
  in.take(4);  // time
  const uint64_t header = in.number(1);
  if (!in.ok()) return cut_short("format description");
  if (format != 4 || header != kEventHeader) {
    return invalid(fmt::format("binary log format {} is not known", format));
  }
  FormatDescription description;
  const std::string_view text = version.substr(0, version.find('\0'));
  CDB_ASSIGN_OR_RETURN(description.written_by, model::MysqlVersion::parse(text));
  description.in_use = (parse_event_header(event).flags & kInUse) != 0;
  // Since 5.6.1 the algorithm's number and a checksum end this event, whatever the algorithm.
  if (!description.written_by.at_least(5, 6, 1)) return description;
  if (in.left() < 1 + kChecksum) return cut_short("format description");
  const auto algorithm = static_cast<uint8_t>(event[event.size() - 1 - kChecksum]);
  if (algorithm > 1) return invalid(fmt::format("checksum algorithm {} is not known", algorithm));
  description.checksums = algorithm == 1;
  if (!description.checksums) return description;
  // It was computed before the file was in use.
  std::string closed(event.substr(0, event.size() - kChecksum));
  closed[kFlagsOffset] = static_cast<char>(static_cast<uint8_t>(closed[kFlagsOffset]) & ~kInUse);
  if (!checksum_fits(closed, event.substr(event.size() - kChecksum))) {
    return invalid("the checksum of the format description does not fit");
  }
  return description;
}

Result<model::GtidSet> parse_previous_gtids(std::string_view event) {
  constexpr uint64_t kTagged = 1;
  Bytes in(body_of(event));
  const uint64_t head = in.number(8);
  // Since 8.3 the highest byte says whether tags follow, and the lowest repeats it.
  const bool tagged = head >> 56U == kTagged;
  const uint64_t sources = tagged ? (head << 8U) >> 16U : head;
  model::GtidSet set;
  for (uint64_t i = 0; i < sources; ++i) {
    const std::string uuid = uuid_text(in.take(kUuidBytes));
    const std::string_view tag = tagged ? in.take(in.variable()) : std::string_view{};
    const uint64_t intervals = in.number(8);
    if (!in.ok() || intervals > in.left() / 16 || !is_tag(tag)) return cut_short("previous gtids");
    for (uint64_t n = 0; n < intervals; ++n) {
      const auto first = static_cast<int64_t>(in.number(8));
      const auto after = static_cast<int64_t>(in.number(8));
      if (first < 1 || after <= first) return invalid("an interval of previous gtids is empty");
      set.add(source_name(uuid, tag), {first, after - 1});
    }
  }
  if (!in.ok() || in.left() != 0) return invalid("a previous gtids event has another length");
  return set;
}

Result<Gtid> parse_gtid(std::string_view event) {
  Bytes in(body_of(event));
  in.take(1);  // flags
  const std::string uuid = uuid_text(in.take(kUuidBytes));
  const auto number = static_cast<int64_t>(in.number(8));
  if (!in.ok()) return cut_short("gtid");
  if (number < 1) return invalid("a gtid event has no number");
  return Gtid{uuid, number};
}

Result<Gtid> parse_tagged_gtid(std::string_view event) {
  constexpr uint64_t kFlags = 0;
  constexpr uint64_t kUuid = 1;
  constexpr uint64_t kNumber = 2;
  constexpr uint64_t kTag = 3;
  Bytes in(body_of(event));
  const uint64_t version = in.variable();
  in.variable();  // size
  in.variable();  // the last field that may not be ignored
  if (!in.ok() || version != 1) return invalid("a tagged gtid event has an unknown layout");
  std::string uuid;
  std::string_view tag;
  int64_t number = 0;
  // The fields come in their order, each after its number; those that are asked for are the first.
  for (uint64_t next = kFlags; next <= kTag; ++next) {
    if (in.variable() != next) return invalid("a tagged gtid event has an unknown field");
    if (next == kFlags) {
      in.variable();
    } else if (next == kUuid) {
      std::string bytes;
      for (size_t i = 0; i < kUuidBytes; ++i)
        bytes += static_cast<char>(in.variable());
      uuid = uuid_text(bytes);
    } else if (next == kNumber) {
      number = in.signed_variable();
    } else {
      const uint64_t length = in.variable();
      if (length > kLongestTag) return invalid("a tag is too long");
      tag = in.take(static_cast<size_t>(length));
    }
  }
  if (!in.ok()) return cut_short("tagged gtid");
  if (number < 1 || !is_tag(tag)) return invalid("a tagged gtid event has no number or no tag");
  return Gtid{source_name(uuid, tag), number};
}

Result<QueryKind> parse_query(std::string_view event) {
  Bytes in(body_of(event));
  in.take(8);  // session, duration
  const auto database = static_cast<size_t>(in.number(1));
  in.take(2);  // error code
  const auto variables_size = static_cast<size_t>(in.number(2));
  const std::string_view variables = in.take(variables_size);
  in.take(database + 1);
  if (!in.ok()) return cut_short("query");
  const std::string_view text = in.take(in.left());
  if (text == "BEGIN") return QueryKind::Begin;
  if (text == "COMMIT" || text == "ROLLBACK") return QueryKind::Commit;
  if (text.substr(0, 9) == "XA START ") return QueryKind::XaStart;
  return has_transaction_number(variables) ? QueryKind::AtomicDdl : QueryKind::NonAtomicDdl;
}

bool checksum_fits(std::string_view event, std::string_view checksum) {
  static constexpr std::array<uint32_t, 256> kTable = make_crc_table();
  uint32_t crc = std::numeric_limits<uint32_t>::max();
  for (const char c : event)
    crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFFU] ^ crc >> 8U;
  return checksum.size() == kChecksum && little_endian(checksum) == ~crc;
}

}  // namespace cdb::agent
