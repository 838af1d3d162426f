#pragma once
// Reads the structure of a MySQL binary log file (format 4, MySQL 5.6 to 9.x): which transactions
// it holds, where the first one begins that a cluster has not, and whether InnoDB would roll back
// all from there on if they were cut off. No rows are read. Pure but for the reading function it is
// given; any input is answered, damaged ones with Invalid.
// Layout: "Binary log events" in MySQL's source documentation (libs/mysql/binlog/event).

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/model/gtid_set.h"
#include "lib/model/mysql_version.h"

namespace cdb::agent {

// Up to `length` bytes from `offset`; fewer only at the end of the file.
using ReadAt = std::function<Result<std::string>(uint64_t offset, size_t length)>;

// All that a cluster has, as a goal says it: what its primary had when it opened, and everything
// that is written under the primary's uuid.
struct ClusterTransactions {
  model::GtidSet base{};
  std::string source_uuid{};
  // `source`: "uuid" or "uuid:tag".
  [[nodiscard]] bool contains(std::string_view source, int64_t number) const;
  [[nodiscard]] model::GtidSet missing_of(const model::GtidSet& set) const;
};

// From the first whole transaction that the cluster has not, to the end of the file.
struct BinlogTail {
  uint64_t offset{0};  // of the first one's Gtid event
  uint64_t transactions{0};
  model::GtidSet gtids{};
  std::string obstacle{};  // why not all of it would be rolled back; empty: it would
};

struct BinlogFile {
  bool encrypted{false};  // then nothing else is known
  bool in_use{false};     // the server did not close it: it crashed
  model::MysqlVersion written_by{};
  std::optional<model::GtidSet> previous{};  // all of the earlier files; none: not written yet
  std::optional<BinlogTail> tail{};
  uint64_t end{0};  // of the last whole event; what follows was torn by a crash
};

Result<BinlogFile> read_binlog(const ReadAt& read, const ClusterTransactions& cluster);

}  // namespace cdb::agent
