#include "agent/adapters/data_dir.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <set>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/adapters/data_dir_maker.h"
#include "lib/base/log.h"
#include "lib/base/unique_fd.h"

namespace cdb::agent {
namespace {

namespace fs = std::filesystem;
using Options = std::map<std::string, std::string>;

constexpr std::string_view kMaking = ".making";
constexpr std::string_view kWiped = ".wiped-";

Error failed(const std::string& what, const fs::path& path, const std::error_code& error) {
  return from_errno(what + " " + path.string(), error.value());
}

Status sync_dir(const fs::path& path, bool whole_filesystem = false) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return from_errno("open " + path.string(), errno);
  if ((whole_filesystem ? ::syncfs(fd.get()) : ::fsync(fd.get())) != 0) {
    return from_errno("sync " + path.string(), errno);
  }
  return {};
}

Status rename_dir(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return sync_dir(to.parent_path());
  if (errno == EBUSY || errno == EXDEV) {
    return precondition("cannot rename " + from.string() + ": it is a mount point",
                        "use a folder inside of the mounted filesystem as data directory");
  }
  return from_errno("rename " + from.string() + " to " + to.string(), errno);
}

Status remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return failed("remove", path, error);
  return {};
}

Status make_dirs(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return failed("create", path, error);
  return {};
}

Result<std::vector<fs::path>> list(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
    found.push_back(it->path());
  if (error && error != std::errc::no_such_file_or_directory) {
    return failed("list", directory, error);
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Also across filesystems; then the copy is safe on disk before the original goes.
Status move_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (!error) return {};
  if (error != std::errc::cross_device_link) return failed("move", from, error);
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error) return failed("copy", from, error);
  const UniqueFd fd(::open(to.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return from_errno("sync " + to.string(), errno);
  fs::remove(from, error);
  if (error) return failed("remove", from, error);
  return {};
}

// Binary logs begin with fe 'bin', encrypted ones with fd 'bin'; relay logs do too.
bool has_binlog_magic(const fs::path& file) {
  std::array<char, 4> magic{};
  std::ifstream(file, std::ios::binary).read(magic.data(), magic.size());
  const auto first = static_cast<unsigned char>(magic[0]);
  return (first == 0xfe || first == 0xfd) && magic[1] == 'b' && magic[2] == 'i' && magic[3] == 'n';
}

std::string option(const Options& options, const std::string& name) {
  const auto found = options.find(name);
  return found == options.end() ? std::string() : found->second;
}

bool is_relay_log(const fs::path& file, const Options& options) {
  const std::string name = file.filename().string();
  const std::string relay = fs::path(option(options, "relay_log")).filename().string();
  if (!relay.empty() && name.rfind(relay + ".", 0) == 0) return true;
  return name.find("relay-bin") != std::string::npos || name.rfind("relay.", 0) == 0;
}

bool is_binlog(const fs::path& file, const Options& options) {
  std::error_code error;
  if (!fs::is_regular_file(file, error) || is_relay_log(file, options)) return false;
  return file.extension() == ".index" || has_binlog_magic(file);
}

bool has_binlog_name(const fs::path& file, const Options& options) {
  const std::string base = fs::path(option(options, "log_bin")).stem().string();
  return !base.empty() && file.filename().string().rfind(base + ".", 0) == 0;
}

// Where the configuration puts binary logs, other than directly into the data directory. `data` is
// where the data directory was, `now` where it is.
std::set<fs::path> binlog_dirs(const Options& options, const fs::path& data, const fs::path& now) {
  std::set<fs::path> dirs{now};
  for (const char* name : {"log_bin", "log_bin_index"}) {
    const fs::path value = option(options, name);
    if (!value.has_parent_path()) continue;
    const fs::path absolute = (data / value).lexically_normal();
    const fs::path inside = absolute.lexically_relative(data.lexically_normal());
    const bool outside = inside.empty() || *inside.begin() == "..";
    dirs.insert((outside ? absolute : now / inside).parent_path());
  }
  return dirs;
}

Status check_label(const std::string& label) {
  const bool plain = std::all_of(label.begin(), label.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (!label.empty() && plain && label.front() != '.') return {};
  return invalid("'" + label + "' cannot name an archive", "use letters, digits, - and _");
}

}  // namespace

fs::path DataDir::sibling(const std::string& suffix) const {
  return path_.parent_path() / (path_.filename().string() + suffix);
}

bool DataDir::initialised() const {
  std::error_code error;
  return fs::is_directory(path_ / "mysql", error) || fs::exists(path_ / "mysql.ibd", error);
}

Status DataDir::remove_half_made() {
  CDB_TRY(remove_tree(sibling(std::string(kMaking))));
  CDB_ASSIGN_OR_RETURN(const auto inside, list(path_));
  if (inside.empty()) return {};
  // Somebody else's files are not ours to remove, whatever the configuration says.
  const std::set<std::string> servers{"ibdata1",  "ib_logfile0", "#innodb_redo",
                                      "undo_001", "auto.cnf",    "#innodb_temp"};
  const bool half_made = std::any_of(
      inside.begin(), inside.end(),
      [&servers](const fs::path& file) { return servers.count(file.filename().string()) != 0; });
  if (!half_made) {
    return conflict(path_.string() + " holds files that are not mysqld's, such as " +
                        inside.front().filename().string(),
                    "give the data directory a folder of its own");
  }
  log::warn("datadir.half_made_removed", "path={}", path_.string());
  return remove_tree(path_);
}

Status DataDir::initialise(const fs::path& mysqld, model::MysqlVersion version,
                           const ServerAccount& account, const Options& options,
                           Deadline deadline) {
  if (initialised()) {
    return conflict(path_.string() + " holds an initialised server already");
  }
  CDB_TRY(finish_wipes(options));
  CDB_TRY(remove_half_made());
  const fs::path making = sibling(std::string(kMaking));
  CDB_TRY(make_dirs(making));
  if (::chmod(making.c_str(), 0750) != 0) return from_errno("chmod " + making.string(), errno);
  CDB_TRY(account.own(making));
  Status made = fill_data_dir(mysqld, version, account, options, making, deadline);
  if (!made) {
    const Status removed = remove_tree(making);
    if (!removed) log::warn("datadir.half_made_left", "error={}", removed.error().text());
    return made;
  }
  // It names the server: a copied one would give two servers the same uuid.
  CDB_TRY(remove_tree(making / "auto.cnf"));
  CDB_TRY(account.own(making));
  CDB_TRY(sync_dir(making, true));
  return rename_dir(making, path_);
}

Status DataDir::finish_wipe(const fs::path& wiped, const fs::path& into, const Options& options) {
  CDB_TRY(make_dirs(into));
  for (const fs::path& directory : binlog_dirs(options, path_, wiped)) {
    CDB_ASSIGN_OR_RETURN(const auto files, list(directory));
    for (const fs::path& file : files) {
      // Elsewhere other servers may have theirs: only what has the configured name is ours.
      const bool ours = directory == wiped || has_binlog_name(file, options);
      if (ours && is_binlog(file, options)) CDB_TRY(move_file(file, into / file.filename()));
    }
  }
  CDB_TRY(sync_dir(into));
  CDB_TRY(sync_dir(into.parent_path()));
  return remove_tree(wiped);
}

Status DataDir::finish_wipes(const Options& options) {
  const std::string prefix = path_.filename().string() + std::string(kWiped);
  CDB_ASSIGN_OR_RETURN(const auto siblings, list(path_.parent_path()));
  for (const fs::path& wiped : siblings) {
    const std::string name = wiped.filename().string();
    if (name.rfind(prefix, 0) != 0) continue;
    log::info("datadir.wipe_resumed", "path={}", wiped.string());
    CDB_TRY(finish_wipe(wiped, archive_ / name.substr(prefix.size()), options));
  }
  return {};
}

Result<fs::path> DataDir::archive_and_wipe(const std::string& label, const Options& options) {
  CDB_TRY(check_label(label));
  CDB_TRY(finish_wipes(options));
  std::error_code error;
  if (!fs::exists(path_, error)) {
    // Either nothing was ever there, or an earlier attempt was cut short and has just been
    // finished.
    CDB_TRY(make_dirs(archive_ / label));
    return archive_ / label;
  }
  std::string name = label;
  for (int number = 2; fs::exists(archive_ / name, error); ++number)
    name = label + "-" + std::to_string(number);
  const fs::path wiped = sibling(std::string(kWiped) + name);
  CDB_TRY(rename_dir(path_, wiped));
  CDB_TRY(finish_wipe(wiped, archive_ / name, options));
  return archive_ / name;
}

}  // namespace cdb::agent
