// Runs rows of the fault table: --help. Started by tests/chaos/run, ./bench failover and Meson.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "lib/base/text.h"
#include "tests/chaos/oracle.h"
#include "tests/chaos/results.h"
#include "tests/chaos/rows.h"

namespace cdb::chaos {
namespace {

using std::chrono::seconds;

constexpr const char* kHelp =
    "usage: chaos_runner [--rows LIST] [--fixture NAME] [--version V] [--runs N] [--results FILE]\n"
    "                    [--judge-gaps] [-o table|json] [--list]\n"
    "\n"
    "  --rows LIST     numbers or ids, with commas: 1,3-stopped,21; a number means all its\n"
    "                  variants. Without it: every row that CI runs\n"
    "  --fixture NAME  only rows of this cluster: trio, pair, disks, clocks,\n"
    "                  old\n"
    "  --version V     only rows on this MySQL\n"
    "  --runs N        of each row (1)\n"
    "  --results FILE  one JSON line for each trial; those in it are not run again\n"
    "  --judge-gaps    a gap that is longer than the row wants is a failure\n"
    "  -o json         the figures of each row on stdout, the trials on stderr\n"
    "  --list          prints the rows\n"
    "\n"
    "Exit: 0 all held, 1 something did not, 64 wrong usage.\n";

struct Arguments {
  std::vector<std::string> rows{};
  std::string fixture{};
  std::string version{};
  int runs{1};
  std::string results{};
  bool judge_gaps{false};
  bool json{false};
  bool list{false};
};

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&]() -> std::string { return i + 1 < argc ? argv[++i] : ""; };
    if (word == "--rows") {
      arguments.rows = split(value(), ',');
    } else if (word == "--fixture") {
      arguments.fixture = value();
    } else if (word == "--version") {
      arguments.version = value();
    } else if (word == "-o") {
      arguments.json = value() == "json";
    } else if (word == "--judge-gaps") {
      arguments.judge_gaps = true;
    } else if (word == "--runs") {
      arguments.runs = std::max(1, std::atoi(value().c_str()));
    } else if (word == "--results") {
      arguments.results = value();
    } else if (word == "--list") {
      arguments.list = true;
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

std::vector<Row> chosen(const Arguments& arguments) {
  std::vector<Row> result;
  for (const Row& row : rows()) {
    const auto asked = [&](const std::string& word) {
      return word == row.id() || (word == std::to_string(row.number) && !row.by_id_only);
    };
    const bool wanted = arguments.rows.empty()
                            ? row.not_yet.empty() && !row.by_id_only
                            : std::any_of(arguments.rows.begin(), arguments.rows.end(), asked);
    const bool fits = arguments.fixture.empty() || arguments.fixture == to_string(row.fixture);
    const bool runs_it =
        arguments.version.empty() || arguments.version == plan_of(row.fixture).version;
    if (wanted && fits && runs_it) result.push_back(row);
  }
  // One cluster after the other.
  std::stable_sort(result.begin(), result.end(),
                   [](const Row& a, const Row& b) { return a.fixture < b.fixture; });
  return result;
}

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// The cluster that rows share, made when the first needs it, and anew after one that failed.
class Fixtures {
 public:
  Site& get(Fixture wanted) {
    if (!site_ || made_ != wanted) {
      site_.reset();
      site_ = std::make_unique<Site>(plan_of(wanted));
      made_ = wanted;
    }
    return *site_;
  }
  void spoilt() { site_.reset(); }
  [[nodiscard]] std::string logs() const { return site_ ? site_->logs() : std::string{}; }

 private:
  std::unique_ptr<Site> site_{};
  Fixture made_{Fixture::Trio};
};

void run_trial(Site& site, const Row& row, int run, TrialResult& result) {
  const Instant began = BootTime::now();
  if (!site.becomes_level(seconds(90))) give_up("the cluster is not steady before the trial");
  const size_t before = site.reigns().size();
  const int64_t first_row = site.next_row();
  Load load(site, fmt::format("{}.{}", row.id(), run), first_row);
  Trial trial(site, load, run);
  row.scenario(trial);
  site.mend();
  trial.expect_writes("after everything was mended", seconds(60));
  load.stop();
  trial.judge_journals();
  trial.expect_soon(
      [&](const ClusterSeen& seen) {
        return testing::is_steady(seen) && testing::is_level(seen) &&
               seen.protection == trial.before().protection;
      },
      "not level and protected as before 60 s after everything was mended", seconds(60));
  result.violations = trial.violations();
  const Verdict verdict =
      judge(site, load, site.reigns(), before, first_row, row.fixture == Fixture::OldTrio);
  result.violations.insert(result.violations.end(), verdict.violations.begin(),
                           verdict.violations.end());
  result.acked = verdict.acked;
  result.lost = verdict.lost;
  result.doubled = verdict.doubled;
  result.gap_fresh_s = in_seconds(load.longest_gap(Resolve::Fresh, trial.fault_at()));
  result.gap_ttl_s = in_seconds(load.longest_gap(Resolve::HonoursTtl, trial.fault_at()));
  result.failures = load.failures(trial.fault_at());
  result.seconds = in_seconds(BootTime::now() - began);
}

// Never throws: what went wrong is a violation.
TrialResult attempt(Fixtures& fixtures, const Row& row, int run) {
  TrialResult result{row.id(), run, {}, 0, 0, 0, 0, 0, 0, 0};
  try {
    run_trial(fixtures.get(row.fixture), row, run, result);
  } catch (const std::exception& error) {
    result.violations.emplace_back(error.what());
  }
  return result;
}

std::string sentence_of(const Row& row, const TrialResult& result) {
  std::string text = fmt::format(
      "{} row {:<16} run {:>2}  {}: gap {:.3f} s afresh, {:.3f} s with TTL; {} acknowledged, {} "
      "lost, {} double; {:.1f} s\n",
      result.violations.empty() ? "ok  " : "FAIL", row.id(), result.run + 1, row.title,
      result.gap_fresh_s, result.gap_ttl_s, result.acked, result.lost, result.doubled,
      result.seconds);
  for (const std::string& violation : result.violations)
    text += "       " + violation + "\n";
  return text;
}

// What of these rows' results is not as it should be, and is to stand last where it is looked for.
std::string complaints(const Arguments& arguments, const std::vector<Row>& wanted,
                       const std::vector<TrialResult>& results) {
  std::string text;
  for (const Row& row : wanted) {
    double worst = 0;
    for (const TrialResult& result : results) {
      if (result.row != row.id()) continue;
      if (!result.violations.empty()) text += sentence_of(row, result);
      worst = std::max(worst, result.gap_fresh_s);
    }
    if (arguments.judge_gaps && row.most_gap_s && worst > *row.most_gap_s)
      text += fmt::format("row {}: a gap of {:.3f} s, {:g} s are allowed\n", row.id(), worst,
                          *row.most_gap_s);
  }
  return text;
}

// Beside the results where there are any: a trial that failed one night is looked at later.
void keep_logs(const Arguments& arguments, const Row& row, int run, const std::string& logs,
               std::ostream& out) {
  if (arguments.results.empty()) {
    out << logs << std::flush;
    return;
  }
  const auto directory = std::filesystem::absolute(arguments.results).parent_path() / "logs";
  std::filesystem::create_directories(directory);
  const auto file = directory / fmt::format("{}.{}.log", row.id(), run + 1);
  std::ofstream(file) << logs;
  out << "       logs: " << file.string() << "\n" << std::flush;
}

int run_all(const Arguments& arguments) {
  std::ostream& out = arguments.json ? std::cerr : std::cout;
  const std::vector<Row> wanted = chosen(arguments);
  std::vector<TrialResult> results;
  if (!arguments.results.empty()) results = load_results(arguments.results);
  Fixtures fixtures;
  for (const Row& row : wanted) {
    const auto done = std::count_if(results.begin(), results.end(),
                                    [&](const TrialResult& each) { return each.row == row.id(); });
    for (int run = static_cast<int>(done); run < arguments.runs; ++run) {
      TrialResult result = attempt(fixtures, row, run);
      out << sentence_of(row, result) << std::flush;
      const bool slow =
          arguments.judge_gaps && row.most_gap_s && result.gap_fresh_s > *row.most_gap_s;
      if (slow || !result.violations.empty()) keep_logs(arguments, row, run, fixtures.logs(), out);
      if (!result.violations.empty()) fixtures.spoilt();
      if (!arguments.results.empty()) append_result(arguments.results, result);
      results.push_back(std::move(result));
    }
  }
  if (arguments.json) {
    std::cout << json_of(wanted, results) << "\n";
  } else if (arguments.runs > 1) {
    out << table_of(wanted, results);
  }
  const std::string bad = complaints(arguments, wanted, results);
  if (!bad.empty()) out << "\nnot as it should be:\n" << bad;
  return bad.empty() ? 0 : 1;
}

int main(int argc, char** argv) {
  const auto arguments = parse(argc, argv);
  if (!arguments) {
    std::cerr << kHelp;
    return 64;
  }
  if (arguments->list) {
    for (const Row& row : rows()) {
      std::cout << fmt::format(
          "{:<18} {:<6} {}{}\n", row.id(), to_string(row.fixture), row.title,
          row.not_yet.empty() ? "" : fmt::format(" [not yet: {}]", row.not_yet));
    }
    return 0;
  }
  return run_all(*arguments);
}

}  // namespace
}  // namespace cdb::chaos

int main(int argc, char** argv) {
  return cdb::chaos::main(argc, argv);
}
