#include "coordinator/adapters/local_provisioner.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coordinator/adapters/agent_config.h"
#include "coordinator/instance_init/init_status.h"
#include "coordinator/instance_init/members.h"
#include "lib/base/atomic_file.h"
#include "lib/base/file_lock.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/process/program.h"

namespace cdb::coordinator {
namespace {

using std::chrono::seconds;

constexpr size_t kLongestSocket = 107;  // sockaddr_un has 108 bytes, one of them for the end
constexpr const char* kSocketName = "mysqld.sock";
constexpr int kFailuresToShow = 3;
constexpr Duration kVersionTime = seconds(15);
constexpr Duration kInitTime = seconds(10);
constexpr int kExitLocked = 75;

std::string lock_file(const std::filesystem::path& root) {
  return root / ".lock";
}

Status make_directory(const std::filesystem::path& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return from_errno("make " + path.string(), errno);
}

Status check_socket_length(const InstanceLayout& layout) {
  const size_t length = (layout.run_dir() / kSocketName).string().size();
  if (length <= kLongestSocket) return {};
  return invalid(fmt::format("the path of the socket in {} would have {} bytes, Linux allows {}",
                             layout.run_dir().string(), length, kLongestSocket),
                 fmt::format("shorten the directory of the instances by {} characters",
                             length - kLongestSocket));
}

// The same file again is not written again: nobody reads it in vain, and a full disk does not
// matter.
Status write_if_changed(const std::filesystem::path& path, const std::string& text, mode_t mode,
                        bool& changed) {
  const auto before = read_file(path);
  changed = !before || *before != text;
  return changed ? write_file_atomically(path, text, mode) : Status();
}

Membership membership_of(const InstanceLayout& layout,
                         const std::optional<MemoryCgroups>& cgroups) {
  Membership who{layout.directory, {}, 0};
  if (cgroups) who.cgroup = cgroups->path_of(layout.directory.filename());
  return who;
}

std::string describe(const MachineFile& machine, const InitStatus& status) {
  std::string detail;
  if (status.waiting) detail = "waits for an earlier agent to end; ";
  const std::string& problem =
      machine.cgroup_problem.empty() ? status.cgroup_problem : machine.cgroup_problem;
  if (!problem.empty()) detail += "no memory cgroup: " + problem + "; ";
  return detail.substr(0, detail.size() - std::min<size_t>(detail.size(), 2));
}

// What a program said last in its log; empty where it said nothing.
std::string last_line(const std::filesystem::path& log) {
  constexpr size_t kEnough = 2048;
  const auto tail = read_file_tail(log, kEnough);
  if (!tail) return {};
  const auto lines = split(trim(*tail), '\n');
  return lines.back();
}

}  // namespace

LocalProvisioner::LocalProvisioner(LocalProvisionerConfig config, AddressPool addresses)
    : config_(std::move(config)), addresses_(std::move(addresses)) {}

Result<LocalProvisioner> LocalProvisioner::open(LocalProvisionerConfig config) {
  if (config.mysqld.empty()) {
    return invalid("no MySQL server to build machines with", "name at least one mysqld");
  }
  std::vector<std::filesystem::path*> paths{&config.root, &config.mysqllet, &config.instance_init,
                                            &config.tuning_dir};
  for (auto& path : config.mysqld)
    paths.push_back(&path);
  for (auto* path : paths) {
    if (path->empty()) return invalid("the local provisioner lacks a path in its configuration");
    std::error_code error;
    auto whole = std::filesystem::absolute(*path, error).lexically_normal();
    if (error) return from_errno("find " + path->string(), error.value());
    *path = whole.has_filename() ? whole : whole.parent_path();
  }
  CDB_ASSIGN_OR_RETURN(AddressNetwork network, AddressNetwork::parse(config.network));
  AddressPool addresses(std::move(network), config.port, config.reservations);
  LocalProvisioner provisioner(std::move(config), std::move(addresses));
  // Found also where none are to be made: earlier ones want to be removed.
  const auto hierarchy = find_memory_hierarchy(read_file("/proc/self/mountinfo").value_or(""));
  if (hierarchy) {
    const auto hash = stable_hash(provisioner.config_.root.string());
    provisioner.cgroups_.emplace(*hierarchy, fmt::format("{:016x}", hash));
  } else {
    provisioner.no_cgroups_ = hierarchy.error().message;
  }
  if (provisioner.config_.use_cgroups == UseCgroups::Off) provisioner.no_cgroups_ = "switched off";
  return provisioner;
}

Status LocalProvisioner::ask_servers() {
  if (!servers_.empty()) return {};
  std::vector<Server> servers;
  Error last = internal("no server was asked");
  for (const auto& path : config_.mysqld) {
    const auto asked =
        process::run({path, {"--no-defaults", "--version"}, {}, {}}, Deadline::after(kVersionTime));
    auto version = asked ? model::MysqlVersion::parse_program_output(asked->out)
                         : Result<model::MysqlVersion>(asked.error());
    if (asked && asked->exit_code != 0) {
      version = unavailable(fmt::format("exit code {}: {}", asked->exit_code, trim(asked->err)));
    }
    if (version) {
      servers.push_back({*version, path});
      continue;
    }
    last = version.error().in("ask " + path.string() + " for its version");
    log::warn("provisioner.server_unusable", "mysqld={} problem=\"{}\"", path.string(),
              last.message);
  }
  if (servers.empty()) return Error{Code::Unavailable, last.message, last.hint, {}};
  std::stable_sort(servers.begin(), servers.end(),
                   [](const Server& a, const Server& b) { return a.version < b.version; });
  servers_ = std::move(servers);
  return {};
}

Result<std::vector<model::MysqlVersion>> LocalProvisioner::installed_versions() {
  CDB_TRY(ask_servers());
  std::vector<model::MysqlVersion> versions;
  for (const Server& server : servers_) {
    if (versions.empty() || versions.back() != server.version) versions.push_back(server.version);
  }
  return versions;
}

Result<InstanceLayout> LocalProvisioner::layout_of(const model::NodeId& node) const {
  CDB_ASSIGN_OR_RETURN(const std::string name, instance_name(node));
  return InstanceLayout(config_.root / name);
}

Result<MachineFile> LocalProvisioner::new_machine(const MachineSpec& spec,
                                                  const InstanceLayout& layout) {
  CDB_TRY(ask_servers());
  const auto server = std::find_if(servers_.begin(), servers_.end(), [&spec](const Server& each) {
    return each.version == spec.version;
  });
  if (server == servers_.end()) {
    return precondition("MySQL " + spec.version.str() + " is not installed on this machine",
                        "add its mysqld to the configuration of the local provisioner");
  }
  // Addresses of our own instances count even when a reboot took their reservations away.
  std::set<std::string> used;
  CDB_ASSIGN_OR_RETURN(const std::vector<Machine> machines, list());
  for (const Machine& machine : machines)
    used.insert(machine.address);

  MachineFile machine;
  machine.node = spec.node;
  machine.port = config_.port;
  machine.version = spec.version.str();
  machine.mysqld = server->path;
  machine.flavor = spec.flavor;
  machine.memory_bytes = spec.memory_bytes;
  const auto record = [&](const std::string& address) {
    machine.address = address;
    return write_machine_file(layout.machine_file(), machine);
  };
  CDB_ASSIGN_OR_RETURN(machine.address, addresses_.take(layout.directory, used, record));
  log::info("provisioner.machine_made", "node={} address={} directory={}", spec.node.str(),
            machine.address, layout.directory.string());
  return machine;
}

Result<MachineFile> LocalProvisioner::machine_for(const MachineSpec& spec,
                                                  const InstanceLayout& layout) {
  auto machine = read_machine_file(layout.machine_file());
  if (!machine) {
    if (machine.error().code == Code::NotFound) return new_machine(spec, layout);
    return machine;
  }
  if (machine->version != spec.version.str()) {
    return conflict(fmt::format("machine {} has MySQL {}, not {}", spec.node.str(),
                                machine->version, spec.version.str()),
                    "a machine keeps its version: replace it");
  }
  CDB_TRY(addresses_.keep(machine->address, layout.directory));
  machine->flavor = spec.flavor;
  machine->memory_bytes = spec.memory_bytes;
  return machine;
}

// The cgroup comes after its name is on disk, so that a crash in between cannot leave one unknown.
Result<MachineFile> LocalProvisioner::confine(MachineFile machine, const InstanceLayout& layout) {
  const MachineFile before = machine;
  machine.cgroup.clear();
  machine.cgroup_problem = no_cgroups_;
  if (no_cgroups_.empty()) {
    const auto cgroup = cgroups_->ensure(layout.directory.filename(), machine.memory_bytes);
    if (cgroup) machine.cgroup = *cgroup;
    machine.cgroup_problem = cgroup ? "" : cgroup.error().message;
  }
  const auto written = read_machine_file(layout.machine_file());
  if (!written || *written != machine) {
    CDB_TRY(write_machine_file(layout.machine_file(), machine));
  }
  if (before.cgroup_problem != machine.cgroup_problem && !machine.cgroup_problem.empty()) {
    log::warn("provisioner.no_memory_cgroup", "node={} problem=\"{}\"", machine.node.str(),
              machine.cgroup_problem);
  }
  return machine;
}

Status LocalProvisioner::place(const MachineFile& machine, const InstanceLayout& layout) {
  for (const auto& directory :
       {layout.data_dir(), layout.log_dir(), layout.run_dir(), layout.state_dir()}) {
    CDB_TRY(make_directory(directory, 0755));
  }
  const std::string text = agent_config(machine, layout, config_.coordinators, config_.tuning_dir);
  bool changed = false;
  CDB_TRY(write_if_changed(layout.agent_config(), text, 0600, changed));
  if (!changed) return {};
  // A running agent reads it when it starts again; its init sees to that. Without one: nothing to
  // do.
  const auto init = process::read_identity(layout.init_identity());
  if (init && process::alive(*init)) return process::send_signal(*init, SIGHUP);
  return {};
}

Status LocalProvisioner::power_on(const MachineFile& machine, const InstanceLayout& layout) {
  process::Program program;
  program.path = config_.instance_init;
  program.arguments = {"--directory=" + layout.directory.string(),
                       "--agent=" + config_.mysqllet.string()};
  if (!machine.cgroup.empty()) program.arguments.push_back("--cgroup=" + machine.cgroup);
  const auto result = process::run(program, Deadline::after(kInitTime));
  if (!result) {
    return unavailable("power on " + machine.node.str() + ": " + result.error().message,
                       result.error().hint);
  }
  // Locked: an init is there, started by a call that was cut short.
  if (result->exit_code == 0) {
    log::info("provisioner.powered_on", "node={} address={}", machine.node.str(), machine.address);
  } else if (result->exit_code != kExitLocked) {
    return unavailable(fmt::format("power on {}: exit code {}: {}", machine.node.str(),
                                   result->exit_code, trim(result->err)));
  }
  return {};
}

Result<Machine> LocalProvisioner::ensure(const MachineSpec& spec) {
  CDB_ASSIGN_OR_RETURN(const InstanceLayout layout, layout_of(spec.node));
  CDB_TRY(check_socket_length(layout));
  std::error_code error;
  std::filesystem::create_directories(config_.root, error);
  if (error) return from_errno("make " + config_.root.string(), error.value());
  const auto lock = FileLock::try_acquire(lock_file(config_.root));
  if (!lock) {
    if (lock.error().code != Code::Conflict) return lock.error();
    return Machine{spec.node, MachineState::Building, "", "another call is at work, ask again"};
  }
  stopping_.erase(spec.node);
  CDB_TRY(make_directory(layout.directory, 0755));
  CDB_ASSIGN_OR_RETURN(MachineFile machine, machine_for(spec, layout));
  CDB_ASSIGN_OR_RETURN(machine, confine(std::move(machine), layout));
  CDB_TRY(place(machine, layout));
  CDB_ASSIGN_OR_RETURN(const bool on, FileLock::is_held(layout.init_lock()));
  if (!on) CDB_TRY(power_on(machine, layout));
  return look(spec.node, layout);
}

Result<Machine> LocalProvisioner::look(const model::NodeId& node,
                                       const InstanceLayout& layout) const {
  Machine seen{node, MachineState::Absent, "", ""};
  std::error_code error;
  if (!std::filesystem::is_directory(layout.directory, error)) return seen;
  const auto machine = read_machine_file(layout.machine_file());
  if (!machine) {
    const bool half = machine.error().code == Code::NotFound;
    seen.state = half ? MachineState::Off : MachineState::Failed;
    seen.detail = half ? "half made, or half removed" : machine.error().text();
    return seen;
  }
  seen.address = machine->address;
  CDB_ASSIGN_OR_RETURN(const bool on, FileLock::is_held(layout.init_lock()));
  if (!on) {
    seen.state = MachineState::Off;
    return seen;
  }
  // An init that has only just come up has not written yet.
  const InitStatus status = read_init_status(layout.init_status()).value_or(InitStatus{});
  seen.state = MachineState::Running;
  seen.detail = describe(*machine, status);
  if (status.failures >= kFailuresToShow) {
    seen.state = MachineState::Failed;
    seen.detail = fmt::format("the agent ends at once, {} times in a row, last with {}: {} ({})",
                              status.failures, status.last_exit, last_line(layout.agent_log()),
                              layout.agent_log().string());
  }
  return seen;
}

Result<Machine> LocalProvisioner::observe(const model::NodeId& node) {
  CDB_ASSIGN_OR_RETURN(const InstanceLayout layout, layout_of(node));
  return look(node, layout);
}

Result<std::vector<Machine>> LocalProvisioner::list() {
  std::vector<Machine> machines;
  std::error_code error;
  std::filesystem::directory_iterator entry(config_.root, error);
  if (error == std::errc::no_such_file_or_directory) return machines;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    auto node = parse_instance_name(entry->path().filename());
    if (!node) continue;
    const InstanceLayout layout(entry->path());
    // The cluster's name stands in the file; what the directory's name says is for half-made ones.
    if (const auto machine = read_machine_file(layout.machine_file())) node = machine->node;
    CDB_ASSIGN_OR_RETURN(Machine machine, look(*node, layout));
    if (machine.state != MachineState::Absent) machines.push_back(std::move(machine));
  }
  if (error) return from_errno("list " + config_.root.string(), error.value());
  std::sort(machines.begin(), machines.end(),
            [](const Machine& a, const Machine& b) { return a.node < b.node; });
  return machines;
}

// SIGTERM to an init is power off. Asked again with every call, which harms nobody.
Status LocalProvisioner::stop_init(const model::NodeId& node, const InstanceLayout& layout) {
  const auto init = process::read_identity(layout.init_identity());
  // It holds the lock and has not said who it is yet: it is just coming up. Ask again.
  if (!init || !process::alive(*init)) return {};
  const auto [first, fresh] = stopping_.emplace(node, BootTime::now());
  const bool stuck = !fresh && BootTime::now() - first->second > config_.power_off_time;
  if (fresh) log::info("provisioner.power_off", "node={}", node.str());
  if (stuck) log::warn("provisioner.init_stuck", "node={} pid={}", node.str(), init->pid);
  const Status sent = process::send_signal(*init, stuck ? SIGKILL : SIGTERM);
  if (!sent && sent.error().code != Code::NotFound) return sent;
  return {};
}

// The order is such that a crash leaves an instance that is still seen, and removed by the next
// call: its machine.json, which keeps the address, goes last.
Status LocalProvisioner::erase(const InstanceLayout& layout) {
  if (cgroups_) CDB_TRY(cgroups_->remove(layout.directory.filename()));
  std::error_code error;
  std::vector<std::filesystem::path> entries;
  std::filesystem::directory_iterator entry(layout.directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->path() != layout.machine_file()) entries.push_back(entry->path());
  }
  entries.push_back(layout.directory);
  for (const auto& path : entries) {
    if (!error) std::filesystem::remove_all(path, error);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return from_errno("remove " + layout.directory.string(), error.value());
  }
  return addresses_.release(layout.directory);
}

Result<MachineState> LocalProvisioner::remove(const model::NodeId& node) {
  CDB_ASSIGN_OR_RETURN(const InstanceLayout layout, layout_of(node));
  std::error_code error;
  std::optional<FileLock> lock;
  if (std::filesystem::is_directory(config_.root, error)) {
    auto taken = FileLock::try_acquire(lock_file(config_.root));
    if (!taken && taken.error().code == Code::Conflict) return MachineState::Off;  // ask again
    if (!taken && taken.error().code != Code::Unavailable) return taken.error();
    if (taken) lock = std::move(taken).value();
  }
  CDB_ASSIGN_OR_RETURN(const bool on, FileLock::is_held(layout.init_lock()));
  if (on) {
    CDB_TRY(stop_init(node, layout));
    return MachineState::Running;
  }
  // What a killed init left behind, or a file that is gone.
  if (kill_members(membership_of(layout, cgroups_)) > 0) return MachineState::Off;
  const Status erased = erase(layout);
  if (!erased && erased.error().code == Code::Conflict) return MachineState::Off;
  CDB_TRY(erased);
  stopping_.erase(node);
  log::info("provisioner.machine_removed", "node={}", node.str());
  return MachineState::Absent;
}

}  // namespace cdb::coordinator
