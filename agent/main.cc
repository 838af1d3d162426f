// mysqllet: reads its configuration, builds the parts, runs until told to stop. mysqld goes on.
#include <filesystem>
#include <string_view>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

#include "agent/adapters/connector_mysql_server.h"
#include "agent/adapters/disk_watch.h"
#include "agent/adapters/kernel_fence.h"
#include "agent/adapters/memory_file.h"
#include "agent/adapters/mycnf_files.h"
#include "agent/adapters/mysqld_process.h"
#include "agent/adapters/no_fence.h"
#include "agent/agent_config.h"
#include "agent/fence_command.h"
#include "agent/rpc/peer_calls.h"
#include "agent/rpc/peer_service.h"
#include "agent/rpc/session_client.h"
#include "agent/tasks/lease_task.h"
#include "agent/tasks/node_task.h"
#include "lib/base/log.h"
#include "lib/process/identity.h"
#include "lib/process/service.h"

namespace cdb::agent {
namespace {

constexpr const char* kVersion = "0.1.0";
constexpr const char* kHelp =
    "Usage: mysqllet --config FILE\n"
    "       mysqllet fence show|remove\n"
    "\n"
    "The agent of one database machine: tunes and supervises mysqld, replicates, fences and "
    "reports\n"
    "to the coordinator. Stopping it leaves mysqld running; the next agent adopts it.\n"
    "\n"
    "  --config FILE   what cloud-init brought: node, cluster, coordinators, paths (TOML)\n"
    "  --version       prints the version\n"
    "  --help          prints this\n"
    "  fence           the gates before the MySQL ports of this machine\n";

Result<tuning::Facts> base_facts(const AgentConfig& config, MysqldProcess& process) {
  tuning::Facts facts;
  CDB_ASSIGN_OR_RETURN(facts.version, process.version());
  CDB_ASSIGN_OR_RETURN(
      const ServerPlugins plugins,
      find_plugins(config.paths.mysqld, facts.version, Deadline::after(std::chrono::seconds(30))));
  facts.lossless = plugins.semisync && facts.version.has_lossless_semisync();
  facts.has_clone = plugins.clone;
  facts.port = config.port;
  facts.bind_address = config.address;
  facts.report_host = config.address;
  facts.data_dir = config.paths.data_dir.string();
  facts.socket = config.paths.socket().string();
  facts.pid_file = (config.paths.run_dir / "mysqld.pid").string();
  facts.error_log = config.paths.error_log().string();
  facts.log_dir = config.paths.log_dir.string();
  return facts;
}

// A planned stop: how long the next agent may take, and how long the coordinator to agree.
constexpr Duration kAbsence = std::chrono::seconds(20);
constexpr Duration kFarewell = std::chrono::seconds(1);

Result<std::unique_ptr<Fence>> make_fence(const AgentConfig& config) {
  if (!config.kernel_fence) return std::unique_ptr<Fence>(std::make_unique<NoFence>());
  CDB_ASSIGN_OR_RETURN(auto fence, KernelFence::open({config.address, config.port}));
  return std::unique_ptr<Fence>(std::move(fence));
}

// A lease must not run out because the machine is busy. Without the right to it stays as it is.
void prefer_this_thread() {
  constexpr int kNice = -10;
  if (::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice) != 0)
    log::warn("lease.priority", "why=\"no right to raise it\"");
}

Status run(const std::filesystem::path& file) {
  CDB_ASSIGN_OR_RETURN(const AgentConfig config, load_agent_config(file));
  log::configure(config.log_level == "debug" ? log::Level::Debug : log::Level::Info);
  CDB_ASSIGN_OR_RETURN(const auto memory, MemoryFile::open(config.paths.state_dir));
  for (const auto& directory :
       {config.paths.run_dir, config.paths.log_dir, config.paths.archive_dir()}) {
    std::error_code failed;
    std::filesystem::create_directories(directory, failed);
    if (failed) return from_errno("create " + directory.string(), failed.value());
  }
  const SystemClock clock;
  MysqldProcess process({config.paths.mysqld,
                         config.paths.data_dir,
                         config.paths.config_file(),
                         config.paths.socket(),
                         config.paths.identity_file(),
                         config.paths.error_log(),
                         config.paths.archive_dir(),
                         {}});
  CDB_ASSIGN_OR_RETURN(tuning::RuleSet rules, tuning::load_rules(config.tuning_dir));
  CDB_ASSIGN_OR_RETURN(const tuning::Facts facts, base_facts(config, process));
  MycnfFiles files(config.paths, facts, std::move(rules), process);

  // The password becomes known to the task, and the server asks for it at each login.
  NodeTask* task_for_password = nullptr;
  ConnectorMysqlServer server([&]() -> MysqlAccess {
    return {config.paths.socket().string(),
            task_for_password == nullptr ? Secret{} : task_for_password->agent_password()};
  });
  const DiskWatch disk(config.paths.data_dir);
  CDB_ASSIGN_OR_RETURN(const std::unique_ptr<Fence> fence, make_fence(config));
  CDB_TRY(fence->install());
  PeerCalls peers(config.peer_port);
  LeaseTask lease(config.node, *fence, peers, clock);
  NodeTask task(
      {server, process, files, *memory, lease}, [&] { return disk.state(); }, process::boot_id(),
      clock);
  task_for_password = &task;
  CDB_TRY(task.load());

  SessionClient client({config.coordinators, config.node, config.address, kVersion,
                        process::boot_id(), clock.wall()});
  task.set_client(client);
  lease.set_client(client);
  CDB_ASSIGN_OR_RETURN(
      const auto service,
      PeerService::start(model::Endpoint{config.address, config.peer_port}.str(),
                         config.node.cluster,
                         [&](const model::HoldRequest& request) { return lease.hold(request); }));
  client.start(task, lease);
  std::jthread worker([&](const std::stop_token& stop) { task.run(stop); });
  std::jthread keeper([&](const std::stop_token& stop) {
    prefer_this_thread();
    lease.run(stop);
  });
  log::info("agent.started", "node={} version={} mysqld={} fence={}", config.node.str(), kVersion,
            facts.version.str(), fence->kind());

  log::info("agent.stopping", "signal={}", process::wait_for_stop());
  // The next agent is to find the gate still open.
  const bool longer = lease.ask_longer(kAbsence, Deadline::after(kFarewell));
  log::info("agent.absence", "announced={}", longer);
  peers.stop();
  return {};
}

}  // namespace
}  // namespace cdb::agent

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "fence") {
    return cdb::agent::fence_command(argc - 1, argv + 1);
  }
  return cdb::process::service_main(
      argc, argv, {"mysqllet", cdb::agent::kVersion, cdb::agent::kHelp, cdb::agent::run});
}
