// Measures the system as shipped: ./bench --help. One JSON row per figure; progress on stderr.

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "lib/base/text.h"
#include "tests/support/cloud.h"
#include "tests/support/writer.h"

namespace cdb::bench {
namespace {

using nlohmann::json;
using testing::Cloud;
using testing::Writer;

struct Figure {
  std::string bench{};
  std::string of{};  // the case
  std::string metric{};
  std::string unit{};
  std::optional<double> target{};
  std::vector<double> samples{};
};

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double worst(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

void progress(const std::string& text) {
  std::cerr << "bench: " << text << std::endl;
}

[[noreturn]] void give_up(const std::string& why) {
  throw std::runtime_error(why);
}

// The longest time between two acknowledgements while `fault` happened and was mended.
template <typename Fault>
double write_gap(Cloud& cloud, std::set<int64_t>& rows, Fault fault) {
  Writer writer(cloud, "bench");
  if (!writer.goes_on(50)) give_up("no writes before the fault");
  fault();
  if (!writer.goes_on(50)) give_up("no writes after the fault");
  writer.stop();
  rows.insert(writer.rows().begin(), writer.rows().end());
  return seconds(writer.longest_gap());
}

std::vector<Figure> switchover(int runs) {
  const std::string name = "switchover";
  Cloud cloud;
  cloud.create("bench", "9.7", 2);
  std::set<int64_t> rows;
  Figure gap{name, "1 primary, 2 replicas, k = 1; client resolves afresh", "write_gap", "s", 1.0,
             {}};
  for (int run = 0; run < runs; ++run) {
    if (!cloud.becomes_steady("bench")) give_up("the cluster does not become steady");
    gap.samples.push_back(write_gap(cloud, rows, [&] {
      if (cloud.cdb({"switchover", "bench"}).exit_code != 0) give_up("the switchover failed");
    }));
    progress(fmt::format("{} {} of {}: {:.3f} s without writes", name, run + 1, runs,
                         gap.samples.back()));
  }
  if (!cloud.becomes_steady("bench")) give_up("the cluster does not become steady");
  const auto seen = cloud.look("bench");
  const auto lost = testing::missing(
      rows, testing::rows_at(seen.node(seen.primary).address, cloud.account("bench")));
  Figure lost_rows{name,   gap.of, "acknowledged_rows_lost",
                   "rows", 0.0,    {static_cast<double>(lost.size())}};
  return {gap, lost_rows};
}

std::vector<Figure> creation(int runs) {
  Cloud cloud;
  std::vector<Figure> figures;
  for (const int replicas : {0, 1, 2, 3}) {
    figures.push_back(
        {"create", fmt::format("{} replicas", replicas), "apply_to_ready", "s", std::nullopt, {}});
    if (replicas == 2) figures.back().target = 20.0;
    for (int run = 0; run < runs; ++run) {
      const Instant start = BootTime::now();
      cloud.create("bench", "9.7", replicas);
      figures.back().samples.push_back(seconds(BootTime::now() - start));
      cloud.remove("bench");
      progress(fmt::format("create with {} replicas, {} of {}: {:.1f} s", replicas, run + 1, runs,
                           figures.back().samples.back()));
    }
  }
  return figures;
}

// Resident memory in MB and CPU ticks of a process.
struct Usage {
  double rss_mb{0};
  double cpu_s{0};
};

Usage usage_of(const process::Identity& identity) {
  std::ifstream stat("/proc/" + std::to_string(identity.pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const auto fields = split(text.substr(text.rfind(')') + 2), ' ');
  const double ticks = std::stod(fields.at(11)) + std::stod(fields.at(12));
  const double pages = std::stod(fields.at(21));
  return {pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6,
          ticks / static_cast<double>(::sysconf(_SC_CLK_TCK))};
}

std::vector<Figure> idle(int runs) {
  Cloud cloud;
  cloud.create("bench", "9.7", 2);
  if (!cloud.becomes_steady("bench")) give_up("the cluster does not become steady");
  std::vector<Figure> figures{{"idle", "coordinator, 3 agents", "rss", "MB", 50.0, {}},
                              {"idle", "coordinator, 3 agents", "cpu", "% of a core", 1.0, {}},
                              {"idle", "agent of the primary", "rss", "MB", 40.0, {}},
                              {"idle", "agent of the primary", "cpu", "% of a core", 1.0, {}},
                              {"idle", "agent of a replica", "rss", "MB", 40.0, {}},
                              {"idle", "agent of a replica", "cpu", "% of a core", 1.0, {}}};
  const auto seen = cloud.look("bench");
  const std::vector<std::optional<process::Identity>> watched{
      process::identify(cloud.coordinator_pid()).value(), cloud.agent(seen.primary),
      cloud.agent(seen.replica().name)};
  const Duration window = std::chrono::seconds(10);
  for (int run = 0; run < runs; ++run) {
    std::vector<Usage> before;
    for (const auto& one : watched)
      before.push_back(usage_of(one.value()));
    // The time itself is what is measured.
    testing::eventually([] { return false; }, window);
    for (size_t i = 0; i < watched.size(); ++i) {
      const Usage after = usage_of(watched[i].value());
      figures[2 * i].samples.push_back(after.rss_mb);
      figures[2 * i + 1].samples.push_back((after.cpu_s - before[i].cpu_s) / seconds(window) * 100);
    }
    progress(fmt::format("idle {} of {}", run + 1, runs));
  }
  return figures;
}

json row_of(const Figure& figure, const std::string& metric, double value) {
  return {{"bench", figure.bench},
          {"case", figure.of},
          {"metric", metric},
          {"unit", figure.unit},
          {"ours", value},
          {"peer", nullptr},
          {"peer_name", nullptr},
          {"ratio", nullptr},
          {"target", figure.target ? json(*figure.target) : json(nullptr)},
          {"runs", figure.samples.size()}};
}

void print(const std::vector<Figure>& figures, bool as_json) {
  json rows = json::array();
  for (const Figure& figure : figures) {
    rows.push_back(row_of(figure, figure.metric + "_median", median(figure.samples)));
    if (figure.samples.size() > 1)
      rows.push_back(row_of(figure, figure.metric + "_worst", worst(figure.samples)));
  }
  if (as_json) {
    std::cout << rows.dump(1) << "\n";
    return;
  }
  for (const json& row : rows) {
    const std::string target =
        row["target"].is_null() ? "-" : fmt::format("{:g}", row["target"].get<double>());
    std::cout << fmt::format("{:<11} {:<52} {:<30} {:>9.3f} {:<12} target {:<6} runs {}\n",
                             row["bench"].get<std::string>(), row["case"].get<std::string>(),
                             row["metric"].get<std::string>(), row["ours"].get<double>(),
                             row["unit"].get<std::string>(), target, row["runs"].get<size_t>());
  }
}

void keep_samples(const std::string& directory, const std::vector<Figure>& figures) {
  json all = json::array();
  for (const Figure& figure : figures) {
    all.push_back({{"case", figure.of},
                   {"metric", figure.metric},
                   {"unit", figure.unit},
                   {"samples", figure.samples}});
  }
  std::ofstream(directory + "/" + figures.front().bench + ".json") << all.dump(1) << "\n";
}

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "started by ./bench: NAME RUNS FORMAT DIRECTORY\n";
    return 64;
  }
  const std::string name = argv[1];
  const int runs = std::stoi(argv[2]);
  try {
    std::vector<Figure> figures;
    if (name == "switchover") figures = switchover(runs);
    if (name == "create") figures = creation(runs);
    if (name == "idle") figures = idle(runs);
    if (figures.empty()) give_up("no bench is called " + name);
    keep_samples(argv[4], figures);
    print(figures, std::string(argv[3]) == "json");
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench: " << error.what() << "\n";
    return 1;
  }
}

}  // namespace
}  // namespace cdb::bench

int main(int argc, char** argv) {
  return cdb::bench::main(argc, argv);
}
