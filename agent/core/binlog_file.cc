#include "agent/core/binlog_file.h"

#include <limits>

#include <fmt/format.h>

#include "agent/core/binlog_event.h"

namespace cdb::agent {
namespace {

using model::GtidSet;

constexpr std::string_view kMagic =
    "\xfe"
    "bin";
constexpr std::string_view kEncryptedMagic =
    "\xfd"
    "bin";
// Events up to this size are read whole and checked. Of a larger one, a statement with much text,
// only as much as says what it is.
constexpr size_t kWhole = size_t{1} << 20U;

// What is known of the transaction whose events are being read.
struct Group {
  uint64_t offset{0};
  Gtid gtid{};
  bool open{true};    // its last event has not come
  bool begun{false};  // by a BEGIN: other events follow
  std::string obstacle{};
};

class Walk {
 public:
  Walk(const ReadAt& read, const ClusterTransactions& cluster) : read_(read), cluster_(cluster) {}

  Result<BinlogFile> run() {
    CDB_ASSIGN_OR_RETURN(const std::string magic, read_(0, kMagic.size()));
    if (magic == kEncryptedMagic) {
      file_.encrypted = true;
      return std::move(file_);
    }
    // A crash may have left a file without content.
    if (magic.size() < kMagic.size()) return std::move(file_);
    if (magic != kMagic) return invalid("it is no binary log");
    file_.end = kMagic.size();
    while (true) {
      CDB_ASSIGN_OR_RETURN(const bool more, one_event());
      if (!more) break;
    }
    finish_group();
    return std::move(file_);
  }

 private:
  [[nodiscard]] Error damaged(const std::string& why) const {
    return invalid(fmt::format("at position {}: {}", file_.end, why));
  }

  // False at the end of what is whole.
  Result<bool> one_event() {
    const uint64_t at = file_.end;
    CDB_ASSIGN_OR_RETURN(const std::string head, read_(at, kEventHeader));
    if (head.size() < kEventHeader) return false;
    const EventHeader header = parse_event_header(head);
    const size_t least = kEventHeader + (checksums_ ? kChecksum : 0);
    // Each event says where it ends: so a damaged length is told from a torn event.
    if (header.size < least || header.end != static_cast<uint32_t>(at + header.size)) {
      return damaged("no event begins there");
    }
    CDB_ASSIGN_OR_RETURN(const std::string last, read_(at + header.size - 1, 1));
    if (last.empty()) return false;
    if (!described_ && header.type != EventType::FormatDescription) {
      return damaged("a format description was to be first");
    }
    Status taken = take(header, at);
    if (!taken) return damaged(taken.error().message);
    file_.end = at + header.size;
    return true;
  }

  Status take(const EventHeader& header, uint64_t at) {
    switch (header.type) {
      case EventType::FormatDescription: return take_description(header, at);
      case EventType::PreviousGtids: {
        CDB_ASSIGN_OR_RETURN(const std::string event, whole(header, at));
        CDB_ASSIGN_OR_RETURN(file_.previous, parse_previous_gtids(event));
        return {};
      }
      case EventType::Gtid:
      case EventType::GtidTagged: {
        CDB_ASSIGN_OR_RETURN(const std::string event, whole(header, at));
        CDB_ASSIGN_OR_RETURN(const Gtid gtid, header.type == EventType::Gtid
                                                  ? parse_gtid(event)
                                                  : parse_tagged_gtid(event));
        if (group_ && group_->open) CDB_TRY(end_group("it ends in an unknown way"));
        finish_group();
        group_ = Group{.offset = at, .gtid = gtid};
        return {};
      }
      case EventType::AnonymousGtid: return invalid("a transaction has no gtid");
      case EventType::Query: return take_query(header, at);
      case EventType::Xid:
      case EventType::TransactionPayload: return end_group({});
      case EventType::XaPrepare: return end_group("it is prepared by a client in two phases");
      case EventType::Incident: return end_group("it is an incident");
      case EventType::Stop:
      case EventType::Rotate: return {};
    }
    // Rows, variables and the like: what the transaction consists of.
    return {};
  }

  Status take_description(const EventHeader& header, uint64_t at) {
    if (described_) return invalid("it is described twice");
    CDB_ASSIGN_OR_RETURN(const std::string event, read_(at, std::min<size_t>(header.size, kWhole)));
    CDB_ASSIGN_OR_RETURN(const FormatDescription description, parse_format_description(event));
    described_ = true;
    checksums_ = description.checksums;
    file_.in_use = description.in_use;
    file_.written_by = description.written_by;
    return {};
  }

  Status take_query(const EventHeader& header, uint64_t at) {
    CDB_ASSIGN_OR_RETURN(const std::string event, whole(header, at));
    CDB_ASSIGN_OR_RETURN(const QueryKind kind, parse_query(event));
    const bool within = group_ && group_->begun;
    switch (kind) {
      case QueryKind::Begin:
        if (group_) group_->begun = true;
        return {};
      case QueryKind::XaStart:
        if (group_) group_->begun = true;
        return note_obstacle("it is of a client's two phases");
      case QueryKind::Commit: return end_group("it changed a table that has no transactions");
      case QueryKind::AtomicDdl: return within ? Status{} : end_group({});
      case QueryKind::NonAtomicDdl:
        return within ? Status{} : end_group("it is a statement that cannot be rolled back");
    }
    return {};
  }

  // Without its checksum, which must fit.
  Result<std::string> whole(const EventHeader& header, uint64_t at) {
    const size_t size = std::min<size_t>(header.size, kWhole);
    CDB_ASSIGN_OR_RETURN(std::string event, read_(at, size));
    if (event.size() < size) return invalid("the file became shorter");
    if (!checksums_ || header.size > kWhole) return event;
    const std::string checksum = event.substr(size - kChecksum);
    event.resize(size - kChecksum);
    if (!checksum_fits(event, checksum)) return invalid("the checksum of an event does not fit");
    return event;
  }

  Status note_obstacle(const std::string& why) {
    if (group_ && group_->obstacle.empty()) group_->obstacle = why;
    return {};
  }

  Status end_group(const std::string& obstacle) {
    if (!group_) return {};
    group_->open = false;
    return obstacle.empty() ? Status{} : note_obstacle(obstacle);
  }

  // A transaction that a crash cut short is none: the server drops it by itself.
  void finish_group() {
    if (group_ && !group_->open) add_to_tail(*group_);
    group_.reset();
  }

  void add_to_tail(const Group& group) {
    const std::string name = fmt::format("{}:{}", group.gtid.source, group.gtid.number);
    const bool missing = !cluster_.contains(group.gtid.source, group.gtid.number);
    if (!file_.tail) {
      if (!missing) return;
      file_.tail = BinlogTail{.offset = group.offset};
    }
    BinlogTail& tail = *file_.tail;
    ++tail.transactions;
    tail.gtids.add(group.gtid.source, {group.gtid.number, group.gtid.number});
    if (!tail.obstacle.empty()) return;
    if (!missing) tail.obstacle = name + " is in the cluster and came later";
    if (!group.obstacle.empty()) tail.obstacle = name + ": " + group.obstacle;
  }

  const ReadAt& read_;
  const ClusterTransactions& cluster_;
  BinlogFile file_{};
  std::optional<Group> group_{};
  bool described_{false};
  bool checksums_{false};
};

}  // namespace

bool ClusterTransactions::contains(std::string_view source, int64_t number) const {
  const std::string_view uuid = source.substr(0, source.find(':'));
  if (!source_uuid.empty() && uuid == source_uuid) return true;
  GtidSet one;
  one.add(source, {number, number});
  return base.contains(one);
}

GtidSet ClusterTransactions::missing_of(const GtidSet& set) const {
  const GtidSet missing = set - base;
  return source_uuid.empty() ? missing : missing.without_source(source_uuid);
}

Result<BinlogFile> read_binlog(const ReadAt& read, const ClusterTransactions& cluster) {
  return Walk(read, cluster).run();
}

}  // namespace cdb::agent
