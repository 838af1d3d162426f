// cdb-coordinator: reads its configuration, builds the parts, runs until told to stop. The
// databases go on without it.
#include <filesystem>
#include <memory>

#include "coordinator/adapters/flavors.h"
#include "coordinator/adapters/program_hooks.h"
#include "coordinator/adapters/sqlite_store.h"
#include "coordinator/coordinator_config.h"
#include "coordinator/engine/host.h"
#include "coordinator/engine/workers.h"
#include "coordinator/rpc/services.h"
#include "lib/base/atomic_file.h"
#include "lib/base/log.h"
#include "lib/process/service.h"
#include "tuning/tune.h"

namespace cdb::coordinator {
namespace {

constexpr const char* kVersion = "0.1.0";
constexpr const char* kHelp =
    "Usage: cdb-coordinator --config FILE\n"
    "\n"
    "Keeps the declared clusters, provisions their machines, decides who is primary and writes "
    "the\n"
    "DNS names. Stopping it stops no database.\n"
    "\n"
    "  --config FILE   see packaging/etc/coordinator.toml for every key (TOML)\n"
    "  --version       prints the version\n"
    "  --help          prints this\n";

// What tuning says about settings, in the words of an apply.
SettingsCheck settings_check(const tuning::RuleSet& rules) {
  return [&rules](const model::MysqlVersion& version, const Sizing& sizing,
                  const std::map<std::string, std::string>& settings) {
    tuning::Facts facts;
    facts.version = version;
    facts.memory_bytes = sizing.flavor.memory_bytes;
    facts.vcpu = sizing.flavor.vcpu;
    facts.disk_kind = sizing.disk_kind;
    facts.disk_bytes = sizing.disk_bytes;
    std::vector<FieldError> errors;
    for (tuning::Violation& violation : tuning::check_overrides(facts, rules, settings)) {
      errors.push_back(
          {std::move(violation.field), std::move(violation.message), std::move(violation.hint)});
    }
    if (!errors.empty()) return errors;
    if (const auto plan = tuning::tune(facts, rules, settings); !plan) {
      errors.push_back({"", plan.error().message, plan.error().hint});
    }
    return errors;
  };
}

Result<std::unique_ptr<Rfc2136Dns>> open_dns(const CoordinatorConfig& config) {
  CDB_ASSIGN_OR_RETURN(TsigKey key, load_bind_key(config.dns_key_file));
  return Rfc2136Dns::create({config.dns_server, config.dns_zone, std::move(key)});
}

Result<std::unique_ptr<Provisioner>> open_provisioner(const CoordinatorConfig& config,
                                                      std::vector<std::string> coordinators) {
  if (const auto* listed = std::get_if<StaticProvisionerConfig>(&config.machines)) {
    CDB_ASSIGN_OR_RETURN(auto provisioner, StaticProvisioner::open(*listed));
    return std::unique_ptr<Provisioner>(
        std::make_unique<StaticProvisioner>(std::move(provisioner)));
  }
  LocalProvisionerConfig local = std::get<LocalProvisionerConfig>(config.machines);
  local.coordinators = std::move(coordinators);
  CDB_ASSIGN_OR_RETURN(auto provisioner, LocalProvisioner::open(std::move(local)));
  return std::unique_ptr<Provisioner>(std::make_unique<LocalProvisioner>(std::move(provisioner)));
}

// Everything but the command line. The order of construction is the order of dependence; the end
// undoes it backwards.
Status run(const std::filesystem::path& file) {
  CDB_ASSIGN_OR_RETURN(CoordinatorConfig config, load_coordinator_config(file));
  log::configure(config.log_level == "debug" ? log::Level::Debug : log::Level::Info,
                 config.log_file);
  CDB_ASSIGN_OR_RETURN(std::vector<Flavor> flavors, load_flavors(config.flavors));
  CDB_ASSIGN_OR_RETURN(const tuning::RuleSet rules, tuning::load_rules(config.tuning_dir));
  CDB_ASSIGN_OR_RETURN(const auto store, SqliteStore::open({config.state}));
  CDB_ASSIGN_OR_RETURN(const auto dns, open_dns(config));
  const SystemClock clock;

  const ProgramHooks hooks(config.hooks_dir.empty() ? config.hooks_dir
                                                    : std::filesystem::absolute(config.hooks_dir));
  Workers workers(*dns, hooks);
  EngineConfig engine_config;
  engine_config.flavors = std::move(flavors);
  engine_config.check_settings = settings_check(rules);
  engine_config.check_hook = [&hooks](const std::string& command) {
    return hooks.fault_of(command);
  };
  engine_config.zone = config.dns_zone;
  engine_config.dns_server = config.dns_server;
  Engine engine(std::move(engine_config), *store, workers);
  CDB_TRY(engine.load({clock.now(), clock.wall()}));

  EngineHost host(engine, clock);
  const auto sessions = make_engine_sessions(host);
  // Calls that come before the host starts wait in its inbox.
  CDB_ASSIGN_OR_RETURN(const auto server, Server::start({config.listen, config.insecure_listen},
                                                        make_services(host, *sessions)));
  std::string endpoints;
  for (const std::string& address : server->addresses())
    endpoints += address + "\n";

  CDB_ASSIGN_OR_RETURN(const auto provisioner, open_provisioner(config, server->addresses()));
  CDB_ASSIGN_OR_RETURN(std::vector<model::MysqlVersion> versions,
                       provisioner->installed_versions());
  engine.versions_found(std::move(versions));
  workers.start(host, *provisioner);
  host.start();
  if (!config.endpoint_file.empty())
    CDB_TRY(write_file_atomically(config.endpoint_file, endpoints));
  log::info("coordinator.started", "version={} listen={}", kVersion, server->addresses().front());

  log::info("coordinator.stopping", "signal={}", process::wait_for_stop());
  server->stop(Deadline::after(std::chrono::seconds(2)));
  workers.stop();
  host.stop();
  return {};
}

}  // namespace
}  // namespace cdb::coordinator

int main(int argc, char** argv) {
  return cdb::process::service_main(argc, argv,
                                    {"cdb-coordinator", cdb::coordinator::kVersion,
                                     cdb::coordinator::kHelp, cdb::coordinator::run});
}
