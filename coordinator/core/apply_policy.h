#pragma once
// Whether a failover policy makes sense for the cluster that it is of. Pure.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/resources.h"

namespace cdb::coordinator {

// What is wrong with a program that shall be run as a hook; empty: nothing.
using HookCheck = std::function<std::string(const std::string& command)>;

struct PolicyCheck {
  std::vector<FieldError> errors{};  // fields such as "spec.ttl"
  std::vector<std::string> warnings{};
};

// `replicas`: of the cluster as it will be; none while there is no such cluster.
PolicyCheck check_policy(const std::string& cluster, const OrchestratorSpec& policy,
                         std::optional<int> replicas, const HookCheck& check_hook);

}  // namespace cdb::coordinator
