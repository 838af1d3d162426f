#pragma once
// Builds views of a cluster for tests of decisions: `cluster(3).steady().primary("c-0").lost()`.
// Node c-N writes under the uuid "<N>0000000-0000-0000-0000-000000000000".

#include <string>

#include "coordinator/core/cluster_view.h"

namespace cdb::coordinator::test {

class ViewBuilder {
 public:
  explicit ViewBuilder(int nodes);

  // Epoch 3, c-0 is the primary, all others are ackers with k = 1 and hold everything.
  ViewBuilder& steady();
  ViewBuilder& asynchronous();
  ViewBuilder& phase(Phase phase);

  // --- one node ---
  // Its agent's session ended this long ago.
  ViewBuilder& lost(const std::string& node, Duration ago = std::chrono::seconds(5));
  ViewBuilder& mysqld_dead(const std::string& node);
  // Its receiver has no connection.
  ViewBuilder& blind(const std::string& node);
  ViewBuilder& holds(const std::string& node, const std::string& executed,
                     const std::string& retrieved = "");
  // It promised the present epoch and answered.
  ViewBuilder& revoked(const std::string& node);
  ViewBuilder& state(const std::string& node, model::NodeState state);
  ViewBuilder& accepted(const std::string& node, model::RecordVersion version);
  ViewBuilder& incarnation(const std::string& node, const std::string& name);
  model::NodeReport& report(const std::string& node);

  ClusterView view{};
  operator const ClusterView&() const { return view; }  // NOLINT: reads like a value in tests
};

std::string uuid_of(int ordinal);
model::GtidSet gtids(const std::string& text);
// "0:1-100" -> the set of node 0's transactions 1 to 100; several with commas.
std::string written(const std::string& text);

}  // namespace cdb::coordinator::test
