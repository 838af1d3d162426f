#include "tests/chaos/results.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cdb::chaos {

using nlohmann::json;

std::vector<TrialResult> load_results(const std::filesystem::path& file) {
  std::vector<TrialResult> results;
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    // The last line of a run that was killed may be cut short.
    const json one = json::parse(line, nullptr, false);
    if (one.is_discarded()) continue;
    TrialResult result;
    result.row = one.at("row");
    result.run = one.at("run");
    result.violations = one.at("violations").get<std::vector<std::string>>();
    result.gap_fresh_s = one.at("gap_fresh_s");
    result.gap_ttl_s = one.at("gap_ttl_s");
    result.acked = one.at("acked");
    result.lost = one.at("lost");
    result.doubled = one.at("doubled");
    result.failures = one.at("failures");
    result.seconds = one.at("seconds");
    results.push_back(std::move(result));
  }
  return results;
}

void append_result(const std::filesystem::path& file, const TrialResult& result) {
  const json one = {{"row", result.row},
                    {"run", result.run},
                    {"violations", result.violations},
                    {"gap_fresh_s", result.gap_fresh_s},
                    {"gap_ttl_s", result.gap_ttl_s},
                    {"acked", result.acked},
                    {"lost", result.lost},
                    {"doubled", result.doubled},
                    {"failures", result.failures},
                    {"seconds", result.seconds}};
  std::filesystem::create_directories(std::filesystem::absolute(file).parent_path());
  std::ofstream(file, std::ios::app) << one.dump() << "\n";
}

Figures figures_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  // The smallest value that this share of all does not exceed.
  const auto rank = [&](double share) {
    const auto at = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
    return values[std::max<size_t>(at, 1) - 1];
  };
  return {rank(0.5), rank(0.99), values.back()};
}

namespace {

// All trials of one row.
struct Summary {
  std::vector<double> fresh{};
  std::vector<double> ttl{};
  size_t lost{0};
  size_t doubled{0};
  size_t failed{0};
};

Summary summary_of(const Row& row, const std::vector<TrialResult>& results) {
  Summary summary;
  for (const TrialResult& result : results) {
    if (result.row != row.id()) continue;
    summary.fresh.push_back(result.gap_fresh_s);
    summary.ttl.push_back(result.gap_ttl_s);
    summary.lost += result.lost;
    summary.doubled += result.doubled;
    summary.failed += result.violations.empty() ? 0 : 1;
  }
  return summary;
}

}  // namespace

std::string json_of(const std::vector<Row>& rows, const std::vector<TrialResult>& results) {
  json list = json::array();
  for (const Row& row : rows) {
    const Summary summary = summary_of(row, results);
    if (summary.fresh.empty()) continue;
    const auto add = [&](const std::string& metric, const std::string& unit, double value,
                         const std::optional<double>& target) {
      list.push_back({{"bench", "failover"},
                      {"case", fmt::format("fault {}: {}", row.id(), row.title)},
                      {"metric", metric},
                      {"unit", unit},
                      {"ours", value},
                      {"peer", nullptr},
                      {"peer_name", nullptr},
                      {"ratio", nullptr},
                      {"target", target ? json(*target) : json(nullptr)},
                      {"runs", summary.fresh.size()}});
    };
    const auto add_gap = [&](const std::string& client, const std::vector<double>& gaps,
                             const std::optional<double>& target) {
      const Figures figures = figures_of(gaps);
      add("write_gap_" + client + "_median", "s", figures.median, target);
      add("write_gap_" + client + "_p99", "s", figures.p99, target);
      add("write_gap_" + client + "_worst", "s", figures.worst, target);
    };
    add_gap("afresh", summary.fresh, row.most_gap_s);
    add_gap("ttl", summary.ttl, std::nullopt);
    add("acknowledged_rows_lost", "rows", static_cast<double>(summary.lost), 0.0);
    add("double_acknowledgements", "rows", static_cast<double>(summary.doubled), 0.0);
    add("trials_failed", "trials", static_cast<double>(summary.failed), 0.0);
  }
  return list.dump(1);
}

std::string table_of(const std::vector<Row>& rows, const std::vector<TrialResult>& results) {
  std::string text = fmt::format(
      "\n{:<16} {:>5} {:>6}   {:^26}   {:^26}\n{:<16} {:>5} {:>6}   {:>8} {:>8} {:>8}   {:>8} "
      "{:>8} "
      "{:>8} {:>6} {:>6}   {}\n",
      "", "", "", "gap, resolves afresh (s)", "gap, honours TTL (s)", "row", "runs", "failed",
      "median", "p99", "worst", "median", "p99", "worst", "lost", "double", "wanted");
  for (const Row& row : rows) {
    const Summary summary = summary_of(row, results);
    if (summary.fresh.empty()) continue;
    const Figures fresh = figures_of(summary.fresh);
    const Figures ttl = figures_of(summary.ttl);
    std::string wanted = "no gap named";
    if (row.most_gap_s)
      wanted = fmt::format("<= {:g} s: {}", *row.most_gap_s,
                           fresh.worst <= *row.most_gap_s ? "met" : "missed");
    text += fmt::format(
        "{:<16} {:>5} {:>6}   {:>8.3f} {:>8.3f} {:>8.3f}   {:>8.3f} {:>8.3f} {:>8.3f} {:>6} {:>6}  "
        " "
        "{}\n",
        row.id(), summary.fresh.size(), summary.failed, fresh.median, fresh.p99, fresh.worst,
        ttl.median, ttl.p99, ttl.worst, summary.lost, summary.doubled, wanted);
  }
  return text;
}

}  // namespace cdb::chaos
