#pragma once
// Makes and removes the machines on which agents run. Every call is idempotent, keyed by the node,
// and returns soon: long work is seen by asking again. Called from one worker thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/model/ids.h"
#include "lib/model/mysql_version.h"

namespace cdb::coordinator {

// What a machine is to be. Abstract, so that any IaaS can serve it.
struct MachineSpec {
  model::NodeId node{};
  model::MysqlVersion version{};  // one of installed_versions()
  std::string flavor{};
  int vcpu{1};
  uint64_t memory_bytes{0};
  uint64_t disk_bytes{0};
  std::string volume_type{};  // hdd, ssd, nvme
};

enum class MachineState { Absent, Building, Running, Off, Failed };
std::string_view to_string(MachineState state);

struct Machine {
  model::NodeId node{};
  MachineState state{MachineState::Absent};
  std::string address{};  // set once known; never changes while the machine exists
  std::string detail{};   // with Building and Failed: for a person
};

class Provisioner {
 public:
  virtual ~Provisioner() = default;
  // The MySQL versions a machine can be built with, ascending.
  virtual Result<std::vector<model::MysqlVersion>> installed_versions() = 0;
  // One step towards a running machine. Powers on one that is off.
  virtual Result<Machine> ensure(const MachineSpec& spec) = 0;
  virtual Result<Machine> observe(const model::NodeId& node) = 0;
  // Every machine of this provisioner, for finding orphans.
  virtual Result<std::vector<Machine>> list() = 0;
  // Ends it and removes all that belongs to it. Absent afterwards means done; else ask again.
  virtual Result<MachineState> remove(const model::NodeId& node) = 0;
};

}  // namespace cdb::coordinator
