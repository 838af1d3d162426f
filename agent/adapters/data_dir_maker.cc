#include "agent/adapters/data_dir_maker.h"

#include <array>
#include <vector>

#include "agent/adapters/server_log.h"
#include "lib/process/program.h"

namespace cdb::agent {
namespace {

namespace fs = std::filesystem;

// Fixed for good when the data directory is made; a later start with another value fails.
constexpr std::array kFixedAtBirth{"innodb_data_file_path",     "innodb_page_size",
                                   "lower_case_table_names",    "innodb_data_home_dir",
                                   "innodb_log_group_home_dir", "innodb_undo_directory",
                                   "innodb_undo_tablespaces",   "innodb_checksum_algorithm"};

Status run_to_success(const process::Program& program, const std::string& what, Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(const auto result, process::run(program, deadline));
  if (result.exit_code == 0) return {};
  std::string words = telling_lines(result.err.empty() ? result.out : result.err, 3);
  while (!words.empty() && words.back() == '\n')
    words.pop_back();
  return internal(what + " failed with exit code " + std::to_string(result.exit_code) + ": " +
                  words);
}

Status initialise_insecure(const fs::path& mysqld, const ServerAccount& account,
                           const std::map<std::string, std::string>& options,
                           const fs::path& directory, Deadline deadline) {
  process::Program program{mysqld, {"--no-defaults", "--initialize-insecure"}, {}, {}};
  for (const std::string& option : account.options())
    program.arguments.push_back(option);
  program.arguments.push_back("--datadir=" + directory.string());
  for (const char* name : kFixedAtBirth) {
    const auto found = options.find(name);
    if (found != options.end()) {
      program.arguments.push_back("--" + std::string(name) + "=" + found->second);
    }
  }
  return run_to_success(program, mysqld.string() + " --initialize-insecure", deadline);
}

Status run_install_script(const fs::path& script, const fs::path& base,
                          const ServerAccount& account, const fs::path& directory,
                          Deadline deadline) {
  process::Program program{script, {"--no-defaults", "--force"}, {}, {}};
  for (const std::string& option : account.options())
    program.arguments.push_back(option);
  program.arguments.push_back("--basedir=" + base.string());
  program.arguments.push_back("--datadir=" + directory.string());
  return run_to_success(program, script.string(), deadline);
}

Status copy_template(const fs::path& from, const fs::path& directory) {
  std::error_code error;
  fs::copy(from, directory, fs::copy_options::recursive, error);
  if (error) {
    return from_errno("copy " + from.string() + " to " + directory.string(), error.value());
  }
  return {};
}

// 5.6 and older have no --initialize: an install script, or a data directory to copy.
Status fill_without_initialize(const fs::path& mysqld, const ServerAccount& account,
                               const fs::path& directory, Deadline deadline) {
  std::error_code error;
  const fs::path real = fs::canonical(mysqld, error);
  if (error) return from_errno("find " + mysqld.string(), error.value());
  const fs::path bin = real.parent_path();
  const fs::path base = bin.parent_path();
  if (fs::is_directory(base / "data-template/mysql", error)) {
    return copy_template(base / "data-template", directory);
  }
  for (const fs::path& script : {base / "scripts/mysql_install_db", bin / "mysql_install_db",
                                 base / "bin/mysql_install_db"}) {
    if (fs::exists(script, error)) {
      return run_install_script(script, base, account, directory, deadline);
    }
  }
  // A server that ran there would have left auto.cnf: then it is somebody's data, no template.
  for (const fs::path& data : {base / "data", bin / "data"}) {
    if (fs::is_directory(data / "mysql", error) && !fs::exists(data / "auto.cnf", error)) {
      return copy_template(data, directory);
    }
  }
  return not_found("nothing to make a MySQL 5.6 data directory from beside " + real.string(),
                   "add scripts/mysql_install_db or a pristine data-template/ to " + base.string());
}

}  // namespace

Status fill_data_dir(const fs::path& mysqld, model::MysqlVersion version,
                     const ServerAccount& account,
                     const std::map<std::string, std::string>& options, const fs::path& directory,
                     Deadline deadline) {
  if (version.has_initialize_option()) {
    return initialise_insecure(mysqld, account, options, directory, deadline);
  }
  if (version.at_least(5, 7)) {
    return precondition("MySQL " + version.str() + " is not supported: a milestone before 5.7.6",
                        "install a released 5.7");
  }
  return fill_without_initialize(mysqld, account, directory, deadline);
}

}  // namespace cdb::agent
