#pragma once
// What the engine shows to the outside: values computed on demand, never stored.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/flavors.h"
#include "coordinator/core/state.h"

namespace cdb::coordinator {

struct ResourceStatus {
  std::string state{};  // MySQL: creating, ready, degraded, blocked, unavailable, deleting
  std::string message{};
  std::string version{};
  std::string primary{};
  int members{0};
  int ready_members{0};
  uint64_t epoch{0};
  std::string protection{};
  std::string role{};
  friend bool operator==(const ResourceStatus&, const ResourceStatus&) = default;
};

struct ResourceView {
  Resource resource{};
  ResourceStatus status{};
  friend bool operator==(const ResourceView&, const ResourceView&) = default;
};

struct NodeView {
  Member member{};
  std::string role{};  // primary, replica
  std::string goal{};
  bool connected{false};
  bool acker{false};
  bool writable{false};
  model::NodeReport report{};  // the last one; state Lost where there is none
  std::optional<int64_t> lag_s{};
  std::optional<int64_t> lag_transactions{};
  std::string zone{};
  int priority{0};
  bool never_promote{false};
};

struct TopologyView {
  model::ClusterId cluster{};
  ClusterRecord record{};
  std::string protection{};
  std::vector<NodeView> nodes{};  // by ordinal
  std::optional<LastElection> last_election{};
  bool paused{false};
  std::string rw_name{};
  std::string ro_name{};
  std::string dns_problem{};
};

struct ConnectionView {
  std::string rw_name{};
  std::string ro_name{};
  uint16_t port{3306};
  std::string user{};
  Secret password{};
  std::string rw_address{};
  std::vector<std::string> ro_addresses{};
  std::string dns_server{};
};

struct CatalogueView {
  std::vector<Flavor> flavors{};
  std::vector<model::MysqlVersion> versions{};
};

enum class ApplyAction { Created, Configured, Unchanged };

struct ApplyItem {
  ResourceView resource{};
  ApplyAction action{ApplyAction::Unchanged};
  std::optional<Operation> operation{};
  std::vector<std::string> warnings{};
};

}  // namespace cdb::coordinator
