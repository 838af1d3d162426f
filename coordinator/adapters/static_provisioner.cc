#include "coordinator/adapters/static_provisioner.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "lib/base/atomic_file.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/process/program.h"

namespace cdb::coordinator {
namespace {

// A machine that was replaced has another address: it is not the one that was released.
std::string release_line(const ListedMachine& machine) {
  return machine.node.str() + " " + machine.address;
}

Result<process::ProgramResult> call(const std::vector<std::string>& command, Duration time) {
  process::Program program;
  program.path = command.front();
  program.arguments.assign(command.begin() + 1, command.end());
  CDB_ASSIGN_OR_RETURN(auto result, process::run(program, Deadline::after(time)));
  if (result.exit_code == 0) return result;
  return unavailable(
      fmt::format("{}: exit code {}: {}", command.front(), result.exit_code, trim(result.err)));
}

}  // namespace

Result<StaticProvisioner> StaticProvisioner::open(StaticProvisionerConfig config) {
  CDB_TRY(load_machine_list(config.machines));
  return StaticProvisioner(std::move(config));
}

Result<std::vector<model::MysqlVersion>> StaticProvisioner::installed_versions() {
  CDB_ASSIGN_OR_RETURN(const auto machines, load_machine_list(config_.machines));
  std::set<model::MysqlVersion> versions;
  for (const ListedMachine& machine : machines)
    versions.insert(machine.version);
  return std::vector<model::MysqlVersion>(versions.begin(), versions.end());
}

Result<std::optional<ListedMachine>> StaticProvisioner::find(const model::NodeId& node) const {
  CDB_ASSIGN_OR_RETURN(const auto machines, load_machine_list(config_.machines));
  const auto found = std::find_if(machines.begin(), machines.end(),
                                  [&](const ListedMachine& each) { return each.node == node; });
  return found == machines.end() ? std::nullopt : std::optional(*found);
}

Result<std::set<std::string>> StaticProvisioner::released() const {
  auto text = read_file(config_.released);
  if (!text && text.error().code == Code::NotFound) return std::set<std::string>{};
  if (!text) return text.error();
  std::set<std::string> lines;
  for (const std::string& line : split(*text, '\n')) {
    if (!trim(line).empty()) lines.emplace(trim(line));
  }
  return lines;
}

Status StaticProvisioner::check_fits(const ListedMachine& machine, const MachineSpec& spec) const {
  const std::string name = "machine " + machine.address + " of node " + machine.node.str();
  CDB_ASSIGN_OR_RETURN(const std::set<std::string> gone, released());
  if (gone.contains(release_line(machine))) {
    return precondition(name + " was released and may hold the data of a deleted cluster",
                        fmt::format("wipe it, start its agent anew, then delete \"{}\" from {}",
                                    release_line(machine), config_.released.string()));
  }
  if (machine.version != spec.version) {
    return conflict(
        fmt::format("{} has MySQL {}, not {}", name, machine.version.str(), spec.version.str()),
        "install that version there and say so in " + config_.machines.string());
  }
  if (machine.memory_bytes != 0 && machine.memory_bytes < spec.memory_bytes) {
    return precondition(
        fmt::format("{} has {} MiB of memory, flavor {} wants {}", name,
                    machine.memory_bytes >> 20U, spec.flavor, spec.memory_bytes >> 20U),
        "choose a smaller flavor, or list a larger machine");
  }
  if (machine.vcpu != 0 && machine.vcpu < spec.vcpu) {
    return precondition(fmt::format("{} has {} processors, flavor {} wants {}", name, machine.vcpu,
                                    spec.flavor, spec.vcpu),
                        "choose a smaller flavor, or list a larger machine");
  }
  return {};
}

Machine StaticProvisioner::look(const ListedMachine& machine) const {
  Machine seen{machine.node, MachineState::Running, machine.address, ""};
  if (machine.power_state.empty()) {
    seen.detail = "no power_state is listed, so whether it is on is not known";
    return seen;
  }
  const auto said = call(machine.power_state, config_.command_time);
  const std::string word{said ? trim(said->out) : std::string_view{}};
  if (word == "off") {
    seen.state = MachineState::Off;
  } else if (word != "on") {
    // Off is a proof that others rely on: only a clear word is one.
    seen.detail = "whether it is on is not known: " +
                  (said ? "power_state printed \"" + word + "\"" : said.error().text());
    log::warn("provisioner.power_unknown", "node={} why=\"{}\"", machine.node.str(), seen.detail);
  }
  return seen;
}

Status StaticProvisioner::power_on(const ListedMachine& machine) const {
  const auto done = call(machine.power_on, config_.command_time);
  if (!done) return done.error().in("power on " + machine.node.str());
  log::info("provisioner.powered_on", "node={} address={}", machine.node.str(), machine.address);
  return {};
}

Result<Machine> StaticProvisioner::ensure(const MachineSpec& spec) {
  CDB_ASSIGN_OR_RETURN(const auto machine, find(spec.node));
  if (!machine) {
    return precondition("no machine is listed for node " + spec.node.str(),
                        "add it to " + config_.machines.string() + "; it is read again by itself");
  }
  CDB_TRY(check_fits(*machine, spec));
  Machine seen = look(*machine);
  if (seen.state != MachineState::Off) return seen;
  if (machine->power_on.empty()) {
    seen.detail = "it is off, and no power_on is listed";
  } else {
    // What was off is told: its agent is heard of once it is up.
    CDB_TRY(power_on(*machine));
  }
  return seen;
}

Result<Machine> StaticProvisioner::observe(const model::NodeId& node) {
  CDB_ASSIGN_OR_RETURN(const auto machine, find(node));
  if (!machine) return Machine{node, MachineState::Absent, "", ""};
  CDB_ASSIGN_OR_RETURN(const std::set<std::string> gone, released());
  if (gone.contains(release_line(*machine))) return Machine{node, MachineState::Absent, "", ""};
  return look(*machine);
}

Result<std::vector<Machine>> StaticProvisioner::list() {
  CDB_ASSIGN_OR_RETURN(const auto listed, load_machine_list(config_.machines));
  CDB_ASSIGN_OR_RETURN(const std::set<std::string> gone, released());
  std::vector<Machine> machines;
  for (const ListedMachine& machine : listed) {
    if (!gone.contains(release_line(machine))) machines.push_back(look(machine));
  }
  return machines;
}

Result<MachineState> StaticProvisioner::remove(const model::NodeId& node) {
  CDB_ASSIGN_OR_RETURN(const auto machine, find(node));
  if (!machine) return MachineState::Absent;
  CDB_ASSIGN_OR_RETURN(std::set<std::string> gone, released());
  if (!gone.insert(release_line(*machine)).second) return MachineState::Absent;
  const std::vector<std::string> lines(gone.begin(), gone.end());
  CDB_TRY(write_file_atomically(config_.released, join(lines, "\n") + "\n"));
  log::warn("provisioner.machine_released", "node={} address={} note=\"{}\"", node.str(),
            machine->address, "what runs there and its data are left for a person to remove");
  return MachineState::Absent;
}

}  // namespace cdb::coordinator
