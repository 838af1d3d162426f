#pragma once
// One story: a cluster is formed, faults happen to it, everything is healed, and it has to come
// back. The same seed and variant give the same story.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/clients.h"
#include "tests/sim/coordinator.h"
#include "tests/sim/oracle.h"

namespace cdb::sim {

// What is simulated: the product as it is, or with a bug put into it.
struct Variant {
  std::function<coordinator::Decision(const coordinator::ClusterView&)> decide{};  // none: the real
  AgentParts agent{real_parts()};
  std::set<std::string> written_late{};  // events whose record is acted on before it is on disk
  Options options{};
  // Where set, instead of what the seed says.
  std::optional<int> members{};
  std::optional<bool> lossless{};
  // Which faults happen, and how often in proportion; none: all of them, as they are.
  std::map<std::string, int> faults{};
};

struct Ending {
  uint64_t seed{0};
  std::string title{};    // what kind of cluster
  std::string failure{};  // empty: all was well
  Counters counts{};
  std::vector<std::string> lines{};  // where it was told
};

Ending tell_story(uint64_t seed, const Variant& variant, bool told);

class World {
 public:
  World(uint64_t seed, const Variant& variant, bool told);
  ~World();

  Ending run();

  // --- for faults ---
  Stage stage;
  Oracle oracle;
  NameServer names;
  std::vector<std::unique_ptr<Mysqld>> servers{};
  std::unique_ptr<Coordinator> coordinator{};
  std::vector<std::unique_ptr<Agent>> agents{};
  std::vector<Host> client_hosts{};
  [[nodiscard]] int members() const { return members_; }
  [[nodiscard]] Duration usual_delay(Host from, Host to) const;
  [[nodiscard]] const model::ClusterId& cluster() const { return cluster_; }
  // Another policy, at random; the kind of replication stays.
  void apply_policy();
  // Whom the record names, or none.
  [[nodiscard]] Agent* primary() const;

 private:
  World(uint64_t seed, const Variant& variant, bool told, Random shape);
  bool run_for(Duration duration, const std::function<bool()>& until);
  void lay_network(Random& shape);
  void apply();
  coordinator::Resource some_policy();
  [[nodiscard]] bool settled() const;
  [[nodiscard]] std::string why_unsettled() const;
  void end_well();

  uint64_t seed_;
  std::map<std::string, int> faults_;
  int members_;
  bool lossless_;
  Random policies_;
  model::MysqlVersion version_;
  model::ClusterId cluster_{"default", "demo"};
  std::vector<std::unique_ptr<Client>> clients_{};
  std::vector<Duration> delays_{};
};

}  // namespace cdb::sim
