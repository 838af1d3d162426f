#pragma once
// Random values of lib/model from a seed: every field is filled in, most of the time. One thread.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "lib/model/report.h"

namespace cdb::testing {

class RandomModel {
 public:
  explicit RandomModel(uint64_t seed) : engine_(seed) {}

  uint64_t number() { return engine_(); }
  uint64_t below(uint64_t end) { return engine_() % end; }
  bool coin() { return below(2) == 1; }
  int count() { return static_cast<int>(below(1000)); }

  // Of letters, blanks, quotes, control characters and characters outside ASCII.
  std::string text();
  std::string label() { return "n" + std::to_string(below(1'000'000)); }  // a DNS label
  std::string uuid();
  WallTime time();
  Secret secret() { return Secret(text()); }

  model::GtidSet gtid_set();
  model::Endpoint endpoint() { return {label(), static_cast<uint16_t>(1 + below(65535))}; }
  model::RecordVersion version() { return {number(), number()}; }
  model::MysqlVersion mysql_version() {
    return {static_cast<int>(5 + below(5)), static_cast<int>(below(10)),
            static_cast<int>(below(99))};
  }
  model::ClusterId cluster() { return {label(), label()}; }
  model::NodeId node() { return {cluster(), model::NodeName(label())}; }
  model::Credentials credentials() { return {secret(), secret(), secret(), secret()}; }
  model::ReplicationStatus replication();
  model::SemisyncStatus semisync();
  model::ServerStatus server();
  model::NodeReport report();
  model::NodeGoal goal();

  template <typename T, size_t N>
  T one_of(const std::array<T, N>& all) {
    return all.at(below(N));
  }
  // None, one time in four.
  template <typename F>
  auto maybe(F make) -> std::optional<decltype(make())> {
    if (below(4) == 0) return std::nullopt;
    return make();
  }
  template <typename F>
  auto several(F make) {
    std::vector<decltype(make())> values(below(4));
    std::generate(values.begin(), values.end(), make);
    return values;
  }
  std::map<std::string, std::string> words();

 private:
  std::mt19937_64 engine_;
};

}  // namespace cdb::testing
