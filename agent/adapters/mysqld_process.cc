#include "agent/adapters/mysqld_process.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "agent/adapters/data_dir.h"
#include "agent/adapters/mysqld_dry_run.h"
#include "agent/adapters/option_file.h"
#include "agent/adapters/server_log.h"
#include "lib/base/atomic_file.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/unique_fd.h"
#include "lib/process/detached.h"
#include "lib/process/program.h"

namespace cdb::agent {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLogTailBytes = 256U << 10U;
constexpr Duration kVersionTime = std::chrono::seconds(20);
// For a killed server to vanish: memory is freed at some 12 GB per second.
constexpr Duration kKillTime = std::chrono::seconds(30);

// The settings of a my.cnf; none where there is no file yet.
Result<std::map<std::string, std::string>> options_of(const fs::path& config_file) {
  const auto content = read_file(config_file);
  if (content) return mysqld_options(*content);
  if (content.error().code == Code::NotFound) return std::map<std::string, std::string>();
  return content.error();
}

// Whether this command line is a server that was given our my.cnf. The program is not looked at:
// it may be a script, or the loader of another libc.
bool serves(const std::string& command_line, const std::string& defaults_file) {
  const auto words = split(command_line, '\0');
  const auto has = [&words](const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  const bool server = std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return fs::path(word).filename().string().rfind("mysqld", 0) == 0;
  });
  return server && has(defaults_file) && !has("--help") && !has("--validate-config");
}

bool ended_before(const UniqueFd& pidfd, Deadline deadline) {
  for (;;) {
    pollfd event{pidfd.get(), POLLIN, 0};
    const auto left = std::min<int64_t>(deadline.left_ms().count() + 1, 60'000);
    const int ready = ::poll(&event, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (deadline.passed()) return false;
  }
}

}  // namespace

MysqldProcess::MysqldProcess(MysqldConfig config) : config_(std::move(config)) {}
MysqldProcess::~MysqldProcess() = default;

Result<model::MysqlVersion> MysqldProcess::version() {
  if (version_) return *version_;
  CDB_ASSIGN_OR_RETURN(const auto result,
                       process::run({config_.mysqld, {"--no-defaults", "--version"}, {}, {}},
                                    Deadline::after(kVersionTime)));
  if (result.exit_code != 0) {
    return internal(config_.mysqld.string() + " --version failed: " + telling_lines(result.err, 2));
  }
  CDB_ASSIGN_OR_RETURN(version_, model::MysqlVersion::parse_program_output(result.out));
  return *version_;
}

bool MysqldProcess::initialised() {
  return DataDir(config_.data_dir, config_.archive_dir).initialised();
}

Status MysqldProcess::wait_until_gone() {
  const auto identity = present();
  if (!identity) return {};
  if (!process::ending(*identity)) {
    return precondition("mysqld runs on " + config_.data_dir.string(), "stop or kill it first");
  }
  const auto pidfd = process::open(*identity);
  if (!pidfd && pidfd.error().code == Code::NotFound) return {};
  if (!pidfd) return pidfd.error();
  if (ended_before(*pidfd, Deadline::after(kKillTime))) return {};
  return unavailable("process " + std::to_string(identity->pid) +
                     " was killed and has not ended yet");
}

Status MysqldProcess::initialise(Deadline deadline) {
  CDB_TRY(wait_until_gone());
  CDB_ASSIGN_OR_RETURN(const model::MysqlVersion server, version());
  CDB_ASSIGN_OR_RETURN(const ServerAccount account, find_server_account(config_.run_as));
  CDB_ASSIGN_OR_RETURN(const auto options, options_of(config_.config_file));
  return DataDir(config_.data_dir, config_.archive_dir)
      .initialise(config_.mysqld, server, account, options, deadline);
}

Result<fs::path> MysqldProcess::archive_and_wipe(const std::string& label) {
  CDB_TRY(wait_until_gone());
  CDB_ASSIGN_OR_RETURN(const auto options, options_of(config_.config_file));
  return DataDir(config_.data_dir, config_.archive_dir).archive_and_wipe(label, options);
}

Result<BinlogTailFiles> MysqldProcess::tail_files() {
  CDB_TRY(wait_until_gone());
  CDB_ASSIGN_OR_RETURN(const auto options, options_of(config_.config_file));
  return BinlogTailFiles(config_.data_dir, config_.archive_dir, options);
}

Result<TailPlan> MysqldProcess::find_tail(const ClusterTransactions& cluster) {
  CDB_ASSIGN_OR_RETURN(const model::MysqlVersion server, version());
  CDB_ASSIGN_OR_RETURN(BinlogTailFiles files, tail_files());
  return files.find(server, cluster);
}

Result<fs::path> MysqldProcess::keep_tail(const TailPlan& plan, const std::string& label) {
  CDB_ASSIGN_OR_RETURN(BinlogTailFiles files, tail_files());
  return files.keep(plan, label);
}

Status MysqldProcess::cut_tail(const TailPlan& plan) {
  CDB_ASSIGN_OR_RETURN(BinlogTailFiles files, tail_files());
  return files.cut(plan);
}

std::optional<uint64_t> MysqldProcess::rolled_back() {
  return rolled_back_transactions(log_since_start());
}

Status MysqldProcess::check_config(const fs::path& candidate, Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(const model::MysqlVersion server, version());
  CDB_ASSIGN_OR_RETURN(const ServerAccount account, find_server_account(config_.run_as));
  return check_with_mysqld({config_.mysqld, server, account}, candidate, deadline);
}

std::optional<process::Identity> MysqldProcess::running() {
  const auto identity = present();
  return identity && !process::ending(*identity) ? identity : std::nullopt;
}

std::optional<process::Identity> MysqldProcess::present() {
  if (known_ && process::alive(*known_)) return known_;
  if (known_) process::reap(*known_);
  known_.reset();
  const auto recorded = process::read_identity(config_.pid_file);
  if (recorded && process::alive(*recorded)) {
    known_ = *recorded;
  } else {
    // No record, or of a process that is gone: a person or an older agent may have started one.
    known_ = find_unrecorded();
    if (known_) {
      const Status written = process::write_identity(config_.pid_file, *known_);
      log::info("mysqld.found", "pid={} recorded={}", known_->pid, written.ok());
    }
  }
  return known_;
}

std::optional<process::Identity> MysqldProcess::find_unrecorded() {
  const std::string defaults_file = "--defaults-file=" + config_.config_file.string();
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
    // Identified first: if the number changes hands between the two looks, alive() will tell.
    const auto identity = process::identify(pid);
    const auto command_line = read_file(it->path() / "cmdline");
    if (identity && command_line && serves(*command_line, defaults_file) &&
        process::alive(*identity)) {
      return *identity;
    }
  }
  return std::nullopt;
}

Status MysqldProcess::prepare_start(const ServerAccount& account) {
  std::error_code error;
  for (const fs::path& directory :
       {config_.error_log.parent_path(), config_.socket.parent_path()}) {
    if (fs::create_directories(directory, error)) CDB_TRY(account.own(directory));
    if (error) return from_errno("create " + directory.string(), error.value());
  }
  // 8.0+ refuses to start while the pid in this leftover of a killed server is somebody's again.
  fs::remove(config_.socket.string() + ".lock", error);
  if (error) return from_errno("remove " + config_.socket.string() + ".lock", error.value());
  // Made here: mysqld opens it again under its own account, which may not create files there.
  const UniqueFd created(
      ::open(config_.error_log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!created) return from_errno("open " + config_.error_log.string(), errno);
  CDB_TRY(account.own(config_.error_log));
  log_start_ = fs::file_size(config_.error_log, error);
  if (error) return from_errno("read " + config_.error_log.string(), error.value());
  return {};
}

bool MysqldProcess::suspended() {
  const auto identity = present();
  return identity && process::suspended(*identity);
}

Result<process::Identity> MysqldProcess::start_with(const std::vector<std::string>& options) {
  if (const auto already = running()) {
    return conflict("mysqld runs already, as process " + std::to_string(already->pid));
  }
  CDB_TRY(wait_until_gone());
  if (!initialised()) {
    return precondition(config_.data_dir.string() + " holds no initialised server");
  }
  CDB_ASSIGN_OR_RETURN(const ServerAccount account, find_server_account(config_.run_as));
  CDB_TRY(prepare_start(account));
  process::Detached program{config_.mysqld, {}, config_.error_log};
  program.arguments.push_back("--defaults-file=" + config_.config_file.string());
  for (const std::string& option : account.options())
    program.arguments.push_back(option);
  program.arguments.insert(program.arguments.end(), options.begin(), options.end());
  CDB_ASSIGN_OR_RETURN(const process::Identity identity,
                       process::start_detached(program, [this](const process::Identity& started) {
                         return process::write_identity(config_.pid_file, started);
                       }));
  known_ = identity;
  log::info("mysqld.started", "pid={} config={}", identity.pid, config_.config_file.string());
  return identity;
}

Status MysqldProcess::signal_and_wait(const process::Identity& identity, int signal,
                                      Deadline deadline) {
  const std::string name = "mysqld (process " + std::to_string(identity.pid) + ")";
  const auto pidfd = process::open(identity);
  if (!pidfd && pidfd.error().code == Code::NotFound) return {};
  if (!pidfd) return pidfd.error();
  Status sent = process::send_signal(identity, signal);
  if (!sent && sent.error().code != Code::NotFound) return sent;
  if (ended_before(*pidfd, deadline)) {
    process::reap(identity);
    return {};
  }
  return deadline_exceeded(name + " did not end in time");
}

Status MysqldProcess::kill(Deadline deadline) {
  const auto identity = present();
  if (!identity) return {};
  log::info("mysqld.kill", "pid={}", identity->pid);
  return signal_and_wait(*identity, SIGKILL, deadline);
}

Status MysqldProcess::stop(Deadline deadline) {
  const auto identity = present();
  if (!identity) return {};
  log::info("mysqld.stop", "pid={}", identity->pid);
  Status stopped = signal_and_wait(*identity, SIGTERM, deadline);
  if (stopped || stopped.error().code != Code::Deadline) return stopped;
  log::warn("mysqld.stop_overdue", "pid={} action=kill", identity->pid);
  return signal_and_wait(*identity, SIGKILL, Deadline::after(kKillTime));
}

void MysqldProcess::on_exit(std::function<void()> callback) {
  watches_.erase(std::remove_if(watches_.begin(), watches_.end(),
                                [](const auto& watch) { return watch->done(); }),
                 watches_.end());
  // The identity of nobody counts as gone: the callback comes at once.
  const process::Identity now = running().value_or(process::Identity{});
  watches_.push_back(std::make_unique<process::ExitWatch>(now, std::move(callback)));
}

std::string MysqldProcess::log_since_start() {
  const auto size = [this] {
    std::error_code error;
    const uintmax_t bytes = fs::file_size(config_.error_log, error);
    return error ? 0 : bytes;
  }();
  // Since the last start of ours, unless the log was rotated meanwhile. With the newline before,
  // for a tail begins at a whole line.
  const uintmax_t fresh = size >= log_start_ ? size - log_start_ + 1 : size;
  const auto tail = read_file_tail(config_.error_log,
                                   std::min<size_t>(kLogTailBytes, static_cast<size_t>(fresh)));
  return tail.value_or(std::string());
}

std::string MysqldProcess::last_log_lines(size_t count) {
  return telling_lines(log_since_start(), count);
}

}  // namespace cdb::agent
