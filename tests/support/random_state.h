#pragma once
// Random values of coordinator/core from a seed: every field is filled in, most of the time. One
// thread.

#include "coordinator/core/state.h"
#include "tests/support/random_model.h"

namespace cdb::testing {

class RandomState : public RandomModel {
 public:
  using RandomModel::RandomModel;

  coordinator::Spec spec(coordinator::Kind kind);
  coordinator::Resource resource();
  coordinator::ClusterRecord record();
  coordinator::ClusterRow cluster_row();
  coordinator::Operation operation();
  coordinator::Event event();

 private:
  coordinator::OrchestratorSpec policy();
  coordinator::LastElection last_election();
  coordinator::Member member();
  coordinator::OperationStep step();
  std::set<model::NodeName> names();
};

}  // namespace cdb::testing
