#pragma once
// Machines on this machine: each instance is a directory, an address in 127.0.0.0/8, a memory
// cgroup and an init (cdb-instance-init) that keeps an agent running in it. Nothing is held in
// memory that matters: what is on disk and in the kernel is the state, so a crash at any moment
// leaves something that the same call completes. As its port: one worker thread; every call returns
// soon.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/adapters/address_pool.h"
#include "coordinator/adapters/machine_file.h"
#include "coordinator/adapters/memory_cgroup.h"
#include "coordinator/instance_init/layout.h"
#include "coordinator/ports/provisioner.h"
#include "lib/base/clock.h"

namespace cdb::coordinator {

enum class UseCgroups { Auto, Off };

struct LocalProvisionerConfig {
  std::filesystem::path root{};                 // of the instances; made where it is not there
  std::vector<std::filesystem::path> mysqld{};  // servers to build with; asked for their versions
  std::filesystem::path mysqllet{};             // the agent
  std::filesystem::path instance_init{};        // cdb-instance-init
  std::vector<std::string> coordinators{};      // host:port that agents dial
  std::filesystem::path tuning_dir{};           // rule files, for the agents
  std::string network{"127.77.0.0/16"};
  uint16_t port{3306};
  UseCgroups use_cgroups{UseCgroups::Auto};
  Duration power_off_time{std::chrono::seconds(30)};  // then an init that does not end is killed
  std::filesystem::path reservations{AddressPool::default_reservations()};
};

class LocalProvisioner final : public Provisioner {
 public:
  // Invalid for a configuration that can never work.
  static Result<LocalProvisioner> open(LocalProvisionerConfig config);

  Result<std::vector<model::MysqlVersion>> installed_versions() override;
  Result<Machine> ensure(const MachineSpec& spec) override;
  Result<Machine> observe(const model::NodeId& node) override;
  Result<std::vector<Machine>> list() override;
  Result<MachineState> remove(const model::NodeId& node) override;

 private:
  struct Server {
    model::MysqlVersion version{};
    std::filesystem::path path{};
  };

  LocalProvisioner(LocalProvisionerConfig config, AddressPool addresses);
  [[nodiscard]] Result<InstanceLayout> layout_of(const model::NodeId& node) const;
  Status ask_servers();
  Result<MachineFile> new_machine(const MachineSpec& spec, const InstanceLayout& layout);
  Result<MachineFile> machine_for(const MachineSpec& spec, const InstanceLayout& layout);
  Status place(const MachineFile& machine, const InstanceLayout& layout);
  Result<MachineFile> confine(MachineFile machine, const InstanceLayout& layout);
  Status power_on(const MachineFile& machine, const InstanceLayout& layout);
  Result<Machine> look(const model::NodeId& node, const InstanceLayout& layout) const;
  Status stop_init(const model::NodeId& node, const InstanceLayout& layout);
  Status erase(const InstanceLayout& layout);

  LocalProvisionerConfig config_;
  AddressPool addresses_;
  std::optional<MemoryCgroups> cgroups_{};
  std::string no_cgroups_{};       // why there are none
  std::vector<Server> servers_{};  // ascending; empty: not asked yet
  // When an init was first asked to power off: one that does not is killed.
  std::map<model::NodeId, Instant> stopping_{};
};

}  // namespace cdb::coordinator
