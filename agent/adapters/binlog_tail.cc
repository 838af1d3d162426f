#include "agent/adapters/binlog_tail.h"

#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "lib/base/unique_fd.h"

namespace cdb::agent {
namespace {

namespace fs = std::filesystem;

constexpr size_t kReadAhead = size_t{1} << 20U;

Error failed(const std::string& what, const fs::path& path, const std::error_code& error) {
  return from_errno(what + " " + path.string(), error.value());
}

Status sync_path(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return from_errno("sync " + path.string(), errno);
  return {};
}

// Reads forward with few calls, though it is asked for some twenty bytes at a time.
class ForwardReader {
 public:
  explicit ForwardReader(fs::path path)
      : path_(std::move(path)), fd_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {}

  Result<std::string> operator()(uint64_t offset, size_t length) {
    const bool there = offset >= start_ && offset + length <= start_ + buffer_.size();
    if (!there) CDB_TRY(fill(offset, std::max(length, kReadAhead)));
    return buffer_.substr(static_cast<size_t>(offset - start_), length);
  }

 private:
  Status fill(uint64_t offset, size_t length) {
    if (!fd_) return from_errno("open " + path_.string(), errno);
    buffer_.resize(length);
    start_ = offset;
    size_t have = 0;
    while (have < length) {
      const ssize_t got = ::pread(fd_.get(), buffer_.data() + have, length - have,
                                  static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        buffer_.clear();
        return from_errno("read " + path_.string(), errno);
      }
      if (got == 0) break;
      have += static_cast<size_t>(got);
    }
    buffer_.resize(have);
    return {};
  }

  fs::path path_;
  UniqueFd fd_;
  std::string buffer_{};
  uint64_t start_{0};
};

std::string option(const std::map<std::string, std::string>& options, const std::string& name) {
  const auto found = options.find(name);
  return found == options.end() ? std::string() : found->second;
}

}  // namespace

BinlogTailFiles::BinlogTailFiles(fs::path data_dir, fs::path archive,
                                 const std::map<std::string, std::string>& options)
    : data_dir_(std::move(data_dir)), archive_(std::move(archive)) {
  const std::string named = option(options, "log_bin_index");
  const std::string base = option(options, "log_bin");
  index_ = data_dir_ / (named.empty() ? (base.empty() ? "binlog" : base) : named);
  index_.replace_extension(".index");
}

fs::path BinlogTailFiles::in_data_dir(const std::string& name) const {
  return (data_dir_ / name).lexically_normal();  // an absolute name stays what it is
}

Result<TailPlan> BinlogTailFiles::find(const model::MysqlVersion& server,
                                       const ClusterTransactions& cluster) {
  CDB_ASSIGN_OR_RETURN(const std::string index, read_file(index_));
  std::string last;
  for (const std::string& line : split(index, '\n'))
    if (!line.empty()) last = line;
  if (last.empty()) return not_found(index_.string() + " names no binary log");
  ForwardReader reader(in_data_dir(last));
  const auto file = read_binlog(
      [&reader](uint64_t offset, size_t length) { return reader(offset, length); }, cluster);
  if (!file) return file.error().in(last);
  return plan_trim(server, last, *file, cluster);
}

Result<fs::path> BinlogTailFiles::keep(const TailPlan& plan, const std::string& label) {
  std::error_code error;
  const fs::path part = archive_ / (label + ".part");
  fs::remove_all(part, error);  // of an agent that was cut short
  if (!error) fs::create_directories(part, error);
  if (error) return failed("create", part, error);
  const fs::path from = in_data_dir(plan.file);
  const fs::path to = part / from.filename();
  fs::copy_file(from, to, error);
  if (error) return failed("copy " + from.string() + " to", to, error);
  CDB_TRY(sync_path(to));
  CDB_TRY(write_file_atomically(part / "discarded", "from position " + std::to_string(plan.offset) +
                                                        " of " + from.filename().string() + ":\n" +
                                                        plan.gtids.str() + "\n"));
  fs::path kept = archive_ / label;
  for (int number = 2; fs::exists(kept, error); ++number)
    kept = archive_ / (label + "-" + std::to_string(number));
  fs::rename(part, kept, error);
  if (error) return failed("rename", part, error);
  CDB_TRY(sync_path(archive_));
  return kept;
}

Status BinlogTailFiles::cut(const TailPlan& plan) {
  std::error_code error;
  fs::remove(data_dir_ / "auto.cnf", error);
  if (error) return failed("remove", data_dir_ / "auto.cnf", error);
  CDB_TRY(sync_path(data_dir_));
  const fs::path file = in_data_dir(plan.file);
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return from_errno("open " + file.string(), errno);
  if (::ftruncate(fd.get(), static_cast<off_t>(plan.offset)) != 0 || ::fsync(fd.get()) != 0) {
    return from_errno("cut " + file.string(), errno);
  }
  return {};
}

}  // namespace cdb::agent
