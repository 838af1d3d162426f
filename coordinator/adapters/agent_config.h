#pragma once
// The agent's configuration: what cloud-init would bring to a VM. Pure.

#include <filesystem>
#include <string>
#include <vector>

#include "coordinator/adapters/machine_file.h"
#include "coordinator/instance_init/layout.h"

namespace cdb::coordinator {

// The text of agent.toml.
std::string agent_config(const MachineFile& machine, const InstanceLayout& layout,
                         const std::vector<std::string>& coordinators,
                         const std::filesystem::path& tuning_dir);

}  // namespace cdb::coordinator
