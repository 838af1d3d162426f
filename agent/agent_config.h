#pragma once
// What a machine's cloud-init brings: who this node is, whom to call, where things are. Read once.

#include <string>
#include <vector>

#include "agent/adapters/mycnf_files.h"
#include "lib/base/result.h"
#include "lib/model/ids.h"

namespace cdb::agent {

struct AgentConfig {
  model::NodeId node{};
  std::vector<std::string> coordinators{};
  std::string address{};
  uint16_t port{3306};
  uint16_t peer_port{7401};  // of every agent of the cluster, on its own address
  bool kernel_fence{true};   // the port is shut by the kernel when the lease is over
  NodePaths paths{};
  std::filesystem::path tuning_dir{};
  std::string log_level{"info"};
};

// Every unknown key, wrong type and missing value is an error with file and line.
Result<AgentConfig> load_agent_config(const std::filesystem::path& file);

}  // namespace cdb::agent
