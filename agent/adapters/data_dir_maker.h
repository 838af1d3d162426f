#pragma once
// Fills a new data directory: with the server's own bootstrap, or before 5.7.6 from what came with
// the server. Blocking.

#include <filesystem>
#include <map>
#include <string>

#include "agent/adapters/server_account.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/model/mysql_version.h"

namespace cdb::agent {

// `directory` exists, is empty and belongs to the account. root@localhost has no password
// afterwards. On an error the directory holds something half-made.
Status fill_data_dir(const std::filesystem::path& mysqld, model::MysqlVersion version,
                     const ServerAccount& account,
                     const std::map<std::string, std::string>& options,
                     const std::filesystem::path& directory, Deadline deadline);

}  // namespace cdb::agent
