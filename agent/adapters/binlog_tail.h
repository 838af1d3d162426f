#pragma once
// The last binary log of a server that is down: looked at, kept aside, cut. Blocking; one caller at
// a time.

#include <filesystem>
#include <map>
#include <string>

#include "agent/core/tail_trim.h"
#include "lib/base/result.h"

namespace cdb::agent {

class BinlogTailFiles {
 public:
  // `options`: the server's configuration, which says where the binary logs are.
  BinlogTailFiles(std::filesystem::path data_dir, std::filesystem::path archive,
                  const std::map<std::string, std::string>& options);

  // Reads the last file that the index names. NotFound without an index.
  Result<TailPlan> find(const model::MysqlVersion& server, const ClusterTransactions& cluster);
  // Copies the whole last file to archive/<label>/, with a list of what is to be cut off. There as
  // a whole or not at all, on disk when it returns. A repeated label gets a number.
  Result<std::filesystem::path> keep(const TailPlan& plan, const std::string& label);
  // Takes the server's identity (auto.cnf) away and then cuts the file; in this order, so that no
  // server ever lives on under the old uuid without the transactions that it gave that uuid to. On
  // disk when it returns; repeating it does no harm.
  Status cut(const TailPlan& plan);

 private:
  [[nodiscard]] std::filesystem::path in_data_dir(const std::string& name) const;

  std::filesystem::path data_dir_;
  std::filesystem::path archive_;
  std::filesystem::path index_{};
};

}  // namespace cdb::agent
