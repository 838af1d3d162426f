#pragma once
// Whether the end of a deposed primary's binary log, which nobody acknowledged, can be cut off
// before mysqld starts, so that InnoDB rolls those transactions back instead of committing them.
// Pure.

#include <cstdint>
#include <string>

#include "agent/core/binlog_file.h"

namespace cdb::agent {

struct TailPlan {
  enum class Kind {
    Nothing,  // the log holds nothing that the cluster has not
    Cut,      // at `offset` of `file`
    Leave,    // it holds more, or that cannot be told, and `why` it is not cut
  };
  Kind kind{Kind::Nothing};
  std::string file{};  // the last one's name, as the index has it
  uint64_t offset{0};
  uint64_t transactions{0};
  model::GtidSet gtids{};
  std::string why{};
};

// `last`: the server's last binary log file, compared with `cluster`. `server`: what will start.
TailPlan plan_trim(const model::MysqlVersion& server, const std::string& file,
                   const BinlogFile& last, const ClusterTransactions& cluster);

}  // namespace cdb::agent
