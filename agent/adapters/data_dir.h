#pragma once
// mysqld's data directory, which is whole or not there: it is made in a sibling and renamed into
// place, and renamed away before it is taken apart, so a crash of ours at any moment leaves nothing
// that looks like data and is none. Blocking; one caller at a time, with mysqld down.

#include <filesystem>
#include <map>
#include <string>

#include "agent/adapters/server_account.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/model/mysql_version.h"

namespace cdb::agent {

class DataDir {
 public:
  // The data directory may not be a mount point (it is renamed), and its parent may be written to.
  DataDir(std::filesystem::path path, std::filesystem::path archive)
      : path_(std::move(path)), archive_(std::move(archive)) {}

  [[nodiscard]] bool initialised() const;

  // `options`: the server's configuration; those settings that cannot change later are obeyed.
  Status initialise(const std::filesystem::path& mysqld, model::MysqlVersion version,
                    const ServerAccount& account, const std::map<std::string, std::string>& options,
                    Deadline deadline);

  // Moves the binary logs into archive/<label>/ and removes all else. A repeated label gets a
  // number.
  Result<std::filesystem::path> archive_and_wipe(const std::string& label,
                                                 const std::map<std::string, std::string>& options);

 private:
  [[nodiscard]] std::filesystem::path sibling(const std::string& suffix) const;
  Status finish_wipes(const std::map<std::string, std::string>& options);
  Status finish_wipe(const std::filesystem::path& wiped, const std::filesystem::path& into,
                     const std::map<std::string, std::string>& options);
  Status remove_half_made();

  std::filesystem::path path_;
  std::filesystem::path archive_;
};

}  // namespace cdb::agent
