#pragma once
// A cluster as `cdb topology -o json` shows it. Plain values; throws std::runtime_error where what
// is asked for is not there.

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace cdb::testing {

struct NodeSeen {
  std::string name{};
  std::string role{};
  std::string state{};
  std::string address{};
  std::string executed{};
  std::string problem{};
  std::string errant{};
  bool connected{false};
  bool acker{false};
  bool writable{false};
};

struct ClusterSeen {
  std::string phase{};
  std::string primary{};
  std::string protection{};
  std::string blocked{};
  std::string dns_problem{};
  uint64_t epoch{0};
  std::vector<NodeSeen> nodes{};
  [[nodiscard]] const NodeSeen& node(const std::string& name) const;
  // Any other than the primary.
  [[nodiscard]] const NodeSeen& replica() const;
};

ClusterSeen read_topology(const nlohmann::json& json);
// Nothing under way, a writable primary, all others replicating.
bool is_steady(const ClusterSeen& seen);
// All have the same transactions.
bool is_level(const ClusterSeen& seen);

}  // namespace cdb::testing
