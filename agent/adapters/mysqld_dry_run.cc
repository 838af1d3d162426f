#include "agent/adapters/mysqld_dry_run.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/adapters/option_file.h"
#include "agent/adapters/server_log.h"
#include "lib/base/atomic_file.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/process/program.h"

namespace cdb::agent {
namespace {

constexpr size_t kShownLines = 3;

// An empty directory that mysqld may use as its data directory; removed at the end.
class ScratchDir {
 public:
  static Result<ScratchDir> make(const ServerAccount& account) {
    std::error_code error;
    const auto parent = std::filesystem::temp_directory_path(error);
    if (error) return from_errno("find the directory for temporary files", error.value());
    std::string pattern = (parent / "cdb-check-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) return from_errno("create " + pattern, errno);
    ScratchDir made(pattern);
    CDB_TRY(account.own(made.path_));
    return made;
  }
  ScratchDir(ScratchDir&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  ScratchDir& operator=(ScratchDir&&) = delete;
  ~ScratchDir() {
    if (path_.empty()) return;
    std::error_code error;
    std::filesystem::remove_all(path_, error);
    if (error)
      log::warn("config.scratch_left", "path={} error={}", path_.string(), error.message());
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchDir(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_{};
};

struct Line {
  bool error{false};
  std::string words{};  // without time and label
};

struct Verdict {
  int exit_code{0};
  std::vector<Line> lines{};  // what mysqld said
  std::string values{};       // the effective settings, of --verbose --help
};

enum class Ask { Help, Validate };

Result<Verdict> ask(const DryRun& with, const std::string& file_option, Ask what, bool with_binlog,
                    Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(const ScratchDir scratch, ScratchDir::make(with.account));
  process::Program program{with.mysqld, {file_option}, {}, {}};
  const auto add = [&program](std::vector<std::string> words) {
    program.arguments.insert(program.arguments.end(), words.begin(), words.end());
  };
  add(with.account.options());
  // After the file, so these win. stderr is no file here: dry runs end before the log is opened.
  add({"--datadir=" + scratch.path().string(), "--log-error=stderr",
       with.version.at_least(5, 7, 2) ? "--log-error-verbosity=2" : "--log-warnings=2"});
  // 5.6 opens the index even for --help.
  if (with_binlog) add({"--log-bin-index=" + (scratch.path() / "check.index").string()});
  add(what == Ask::Help ? std::vector<std::string>{"--verbose", "--help"}
                        : std::vector<std::string>{"--validate-config"});
  CDB_ASSIGN_OR_RETURN(const auto result, process::run(program, deadline));
  if (result.exit_code >= 126) {
    return internal(with.mysqld.string() + " cannot be run: " + telling_lines(result.err, 2));
  }
  Verdict verdict{result.exit_code, {}, result.out};
  for (std::string line : split(result.err, '\n')) {
    // The same in each run, so that what is said of any empty directory can be told apart.
    const std::string directory = scratch.path().string();
    for (size_t at = line.find(directory); at != std::string::npos; at = line.find(directory, at)) {
      line.replace(at, directory.size(), "(datadir)");
    }
    const bool said = is_error_line(line) || line.find("[Warning]") != std::string::npos ||
                      line.find("mysqld: ") != std::string::npos;
    std::string words = readable_line(line);
    if (said && !words.empty() && words != "Aborting") {
      verdict.lines.push_back({is_error_line(line), std::move(words)});
    }
  }
  return verdict;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// A warning by which the server says that it uses another value than the file's.
bool changes_a_value(std::string_view words) {
  return contains(words, " adjusted to ") || contains(words, "recognized. Set to ");
}

// The limit on open files lowers this one; the same limit may lower table_open_cache and
// open_files_limit too, which costs speed only and is not refused.
bool lowers_connections(std::string_view words) {
  return contains(words, "Changed limits: max_connections");
}

// The value in the table that --verbose --help prints, or empty.
std::string effective(const std::string& values, const std::string& name) {
  const size_t line = values.find("\n" + name + " ");
  if (line == std::string::npos) return {};
  const size_t begin = line + 1 + name.size();
  return std::string(
      trim(std::string_view(values).substr(begin, values.find('\n', begin) - begin)));
}

// No dry run says what a real start would: that GTID mode lacks what it needs.
std::string gtid_problem(const DryRun& with, const std::string& values) {
  const auto on = [&values](const std::string& name) {
    const std::string value = effective(values, name);
    return value == "ON" || value == "TRUE";
  };
  if (!on("gtid-mode")) return {};
  if (!on("enforce-gtid-consistency")) return "gtid_mode=ON needs enforce_gtid_consistency=ON";
  if (!with.version.at_least(5, 7, 5) && !on("log-slave-updates")) {
    return "gtid_mode=ON needs log_bin and log_slave_updates before 5.7.5";
  }
  return {};
}

Error refusal(const DryRun& with, const std::filesystem::path& candidate,
              std::vector<std::string> lines) {
  if (lines.size() > kShownLines) lines.resize(kShownLines);
  const bool limits = std::any_of(lines.begin(), lines.end(), lowers_connections);
  return invalid("mysqld " + with.version.str() + " does not accept " + candidate.string() + ": " +
                     join(lines, "; "),
                 limits ? "raise the limit of open files (LimitNOFILE)" : "");
}

// What in the verdict stands against the file, errors first. Errors of a run that succeeds count as
// well (a plugin that cannot be loaded).
std::vector<std::string> objections(const Verdict& verdict, bool sets_connections) {
  std::vector<std::string> result;
  for (const bool errors : {true, false}) {
    for (const auto& [error, words] : verdict.lines) {
      const bool counts = error || verdict.exit_code != 0 || changes_a_value(words) ||
                          (sets_connections && lowers_connections(words));
      const bool known = std::find(result.begin(), result.end(), words) != result.end();
      if (error == errors && counts && !known) result.push_back(words);
    }
  }
  return result;
}

// Nothing, or the refusal. What mysqld also says of the empty directory, without any file, is no
// objection (5.x misses its system tables there).
Status judge(const DryRun& with, const std::filesystem::path& candidate, const Verdict& verdict,
             bool sets_connections, Deadline deadline) {
  auto against = objections(verdict, sets_connections);
  if (!against.empty()) {
    CDB_ASSIGN_OR_RETURN(const Verdict bare,
                         ask(with, "--no-defaults", Ask::Help, false, deadline));
    for (const Line& usual : bare.lines) {
      if (lowers_connections(usual.words)) continue;  // the default is lowered too
      against.erase(std::remove(against.begin(), against.end(), usual.words), against.end());
    }
  }
  if (verdict.exit_code != 0 && against.empty()) {
    against.push_back("it ends with exit code " + std::to_string(verdict.exit_code));
  }
  if (!against.empty()) return refusal(with, candidate, std::move(against));
  return {};
}

}  // namespace

Status check_with_mysqld(const DryRun& with, const std::filesystem::path& candidate,
                         Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(const std::string content, read_file(candidate));
  const auto options = mysqld_options(content);
  const std::string file_option = "--defaults-file=" + candidate.string();
  const bool binlog = options.count("log_bin") != 0;
  const bool connections = options.count("max_connections") != 0;

  CDB_ASSIGN_OR_RETURN(const Verdict help, ask(with, file_option, Ask::Help, binlog, deadline));
  CDB_TRY(judge(with, candidate, help, connections, deadline));
  if (std::string problem = gtid_problem(with, help.values); !problem.empty()) {
    return refusal(with, candidate, {std::move(problem)});
  }
  // From 8.0 on --help no longer notices unknown names.
  if (!with.version.at_least(8, 0, 16)) return {};
  CDB_ASSIGN_OR_RETURN(const Verdict valid,
                       ask(with, file_option, Ask::Validate, binlog, deadline));
  return judge(with, candidate, valid, connections, deadline);
}

}  // namespace cdb::agent
