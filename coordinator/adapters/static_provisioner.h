#pragma once
// Machines that exist already: a list says which is for which node, and their agents were
// configured with the node's name when they were set up. Nothing is made or wiped here: a machine
// whose node was deleted counts as released, and is refused to another cluster of the same name
// until a person has cleared it. What was released is on disk before remove() returns; everything
// else is read from the list at each call. As its port: one worker thread.

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/adapters/machine_list.h"
#include "coordinator/ports/provisioner.h"
#include "lib/base/clock.h"

namespace cdb::coordinator {

struct StaticProvisionerConfig {
  std::filesystem::path machines{};  // the list
  std::filesystem::path released{};  // what was released, one line each; made here
  Duration command_time{std::chrono::seconds(3)};
};

class StaticProvisioner final : public Provisioner {
 public:
  // Invalid when the list cannot be read.
  static Result<StaticProvisioner> open(StaticProvisionerConfig config);

  Result<std::vector<model::MysqlVersion>> installed_versions() override;
  // Precondition when no machine is listed for the node, or one that does not fit.
  Result<Machine> ensure(const MachineSpec& spec) override;
  // Off only where the machine's power_state says so; without one nobody knows, and it is Running.
  Result<Machine> observe(const model::NodeId& node) override;
  Result<std::vector<Machine>> list() override;
  // The machine itself, and what is on it, are left alone.
  Result<MachineState> remove(const model::NodeId& node) override;

 private:
  explicit StaticProvisioner(StaticProvisionerConfig config) : config_(std::move(config)) {}
  [[nodiscard]] Result<std::optional<ListedMachine>> find(const model::NodeId& node) const;
  [[nodiscard]] Result<std::set<std::string>> released() const;
  [[nodiscard]] Status check_fits(const ListedMachine& machine, const MachineSpec& spec) const;
  [[nodiscard]] Machine look(const ListedMachine& machine) const;
  Status power_on(const ListedMachine& machine) const;

  StaticProvisionerConfig config_;
};

}  // namespace cdb::coordinator
