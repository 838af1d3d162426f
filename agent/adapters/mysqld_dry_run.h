#pragma once
// Asks the real mysqld whether it would start with a configuration, without starting anything.

#include <filesystem>

#include "agent/adapters/server_account.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/model/mysql_version.h"

namespace cdb::agent {

struct DryRun {
  std::filesystem::path mysqld{};
  model::MysqlVersion version{};
  ServerAccount account{};
};

// Invalid, with the server's own words, when it would refuse the file or silently change a value of
// it. Neither the data directory that the file names nor a server that runs on it is touched:
// mysqld is given an empty directory instead. Not seen by any version: values that only fail later,
// like a buffer pool larger than the machine. Blocking, some 0.3 s; any thread.
Status check_with_mysqld(const DryRun& with, const std::filesystem::path& candidate,
                         Deadline deadline);

}  // namespace cdb::agent
