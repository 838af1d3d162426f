// mysqllet: reads its configuration, builds the parts, runs until told to stop. mysqld goes on.
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <thread>

#include <malloc.h>
#include <unistd.h>

#include "agent/adapters/connector_mysql_server.h"
#include "agent/adapters/memory_file.h"
#include "agent/adapters/mycnf_files.h"
#include "agent/adapters/mysqld_process.h"
#include "agent/agent_config.h"
#include "agent/rpc/session_client.h"
#include "agent/tasks/node_task.h"
#include "lib/base/log.h"
#include "lib/process/identity.h"

namespace cdb::agent {
namespace {

constexpr int kExitUsage = 64;
constexpr int kExitLocked = 75;  // the supervisor tries again
constexpr const char* kVersion = "0.1.0";
constexpr const char* kHelp =
    "Usage: mysqllet --config FILE\n"
    "\n"
    "The agent of one database machine: tunes and supervises mysqld, replicates, fences and "
    "reports\n"
    "to the coordinator. Stopping it leaves mysqld running; the next agent adopts it.\n"
    "\n"
    "  --config FILE   what cloud-init brought: node, cluster, coordinators, paths (TOML)\n"
    "  --version       prints the version\n"
    "  --help          prints this\n";

int fail(const Error& error) {
  log::error("agent.failed", "{}", error.text());
  return error.code == Code::Conflict ? kExitLocked : 1;
}

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

Status run(const AgentConfig& config, const sigset_t& signals) {
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
  const auto disk_free = [data = config.paths.data_dir.parent_path()]() -> uint64_t {
    std::error_code failed;
    const auto space = std::filesystem::space(data, failed);
    return failed ? 0 : space.available;
  };
  NodeTask task({server, process, files, *memory}, disk_free, clock);
  task_for_password = &task;
  CDB_TRY(task.load());

  SessionClient client({config.coordinators, config.node, config.address, kVersion,
                        process::boot_id(), clock.wall()});
  task.set_client(client);
  client.start(task);
  std::jthread worker([&](const std::stop_token& stop) { task.run(stop); });
  log::info("agent.started", "node={} version={} mysqld={}", config.node.str(), kVersion,
            facts.version.str());

  int signal = 0;
  sigwait(&signals, &signal);
  log::info("agent.stopping", "signal={}", signal);
  return {};
}

int main(int argc, char** argv) {
  std::string_view file;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") return std::fputs(kHelp, stdout) < 0 ? 1 : 0;
    if (argument == "--version") return std::printf("mysqllet %s\n", kVersion) < 0 ? 1 : 0;
    if (argument == "--config" && i + 1 < argc) {
      file = argv[++i];
    } else {
      std::fprintf(stderr, "mysqllet: unknown argument '%s'\n%s", argv[i], kHelp);
      return kExitUsage;
    }
  }
  if (file.empty()) return std::fputs(kHelp, stderr), kExitUsage;
  const auto config = load_agent_config(file);
  if (!config) return fail(config.error());
  log::configure(config->log_level == "debug" ? log::Level::Debug : log::Level::Info);
  // A handful of threads share two arenas: resident memory counts on a small machine.
  ::mallopt(M_ARENA_MAX, 2);
  // Before any thread starts, so that all of them inherit it.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  const Status done = run(*config, signals);
  return done ? 0 : fail(done.error());
}

}  // namespace
}  // namespace cdb::agent

int main(int argc, char** argv) {
  return cdb::agent::main(argc, argv);
}
