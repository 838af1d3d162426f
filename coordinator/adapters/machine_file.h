#pragma once
// machine.json: what the local provisioner knows of one instance. It is written before anything of
// the instance is started, and its address never changes. Plain value; blocking file access.

#include <cstdint>
#include <filesystem>
#include <string>

#include "coordinator/ports/provisioner.h"
#include "lib/base/result.h"

namespace cdb::coordinator {

struct MachineFile {
  model::NodeId node{};
  std::string address{};
  uint16_t port{3306};
  std::string version{};  // exact, of the server it was built with
  std::string mysqld{};   // that server
  std::string flavor{};
  uint64_t memory_bytes{0};
  std::string cgroup{};          // empty: none
  std::string cgroup_problem{};  // why there is none
  friend bool operator==(const MachineFile&, const MachineFile&) = default;
};

// Atomically. Unavailable when the disk is full.
Status write_machine_file(const std::filesystem::path& path, const MachineFile& machine);
// not_found where there is none, invalid when it is damaged.
Result<MachineFile> read_machine_file(const std::filesystem::path& path);

// The name of an instance's directory: "<namespace>.<node>". Invalid for names that are no labels.
Result<std::string> instance_name(const model::NodeId& node);
// Its inverse; the cluster is taken from "<cluster>-<ordinal>". not_found for any other name.
Result<model::NodeId> parse_instance_name(const std::string& name);

}  // namespace cdb::coordinator
