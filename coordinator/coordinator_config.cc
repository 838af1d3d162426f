#include "coordinator/coordinator_config.h"

#include "lib/config/toml_reader.h"

namespace cdb::coordinator {

namespace fs = std::filesystem;
namespace {

LocalProvisionerConfig read_local(config::TomlReader& reader, const CoordinatorConfig& config) {
  LocalProvisionerConfig local;
  local.root = fs::absolute(reader.text("local.root"));
  local.network = reader.text("local.network", "127.77.0.0/16");
  for (const std::string& path : reader.texts("local.mysqld"))
    local.mysqld.push_back(fs::absolute(path));
  local.mysqllet = fs::absolute(reader.text("local.mysqllet", "/usr/sbin/mysqllet"));
  local.instance_init =
      fs::absolute(reader.text("local.instance_init", "/usr/lib/cdb/cdb-instance-init"));
  local.tuning_dir = fs::absolute(config.tuning_dir);
  const std::string cgroups = reader.text("local.cgroups", "auto");
  if (cgroups != "auto" && cgroups != "off")
    reader.wrong("local.cgroups", "must be \"auto\" or \"off\"");
  local.use_cgroups = cgroups == "off" ? UseCgroups::Off : UseCgroups::Auto;
  return local;
}

StaticProvisionerConfig read_static(config::TomlReader& reader, const CoordinatorConfig& config) {
  StaticProvisionerConfig machines;
  machines.machines = fs::absolute(reader.text("static.machines", "/etc/cdb/machines.toml"));
  const fs::path beside = config.state.parent_path() / "released-machines";
  machines.released = fs::absolute(reader.text("static.released", beside.string()));
  return machines;
}

}  // namespace

Result<CoordinatorConfig> load_coordinator_config(const fs::path& file) {
  CDB_ASSIGN_OR_RETURN(auto reader, config::TomlReader::open(file));
  CoordinatorConfig config;
  config.listen = reader.texts("listen", std::vector<std::string>{"127.0.0.1:7400"});
  config.insecure_listen = reader.flag("insecure_listen", false);
  config.endpoint_file = reader.text("endpoint_file", "");
  config.state = reader.text("state", "/var/lib/cdb/coordinator/cdb.sqlite");
  config.flavors = reader.text("flavors", "/etc/cdb/flavors.toml");
  config.tuning_dir = reader.text("tuning_dir", "/usr/share/cdb/tuning");
  config.hooks_dir = reader.text("hooks_dir", "");
  config.log_file = reader.text("log_file", "");
  config.log_level = reader.text("log_level", "info");
  config.dns_server = reader.text("dns.server");
  config.dns_zone = reader.text("dns.zone");
  config.dns_key_file = reader.text("dns.key_file");
  if (reader.has("static")) {
    if (reader.has("local"))
      reader.wrong("static", "[local] is there too", "machines come from exactly one of them");
    config.machines = read_static(reader, config);
  } else {
    config.machines = read_local(reader, config);
  }
  CDB_TRY(reader.finish());
  return config;
}

}  // namespace cdb::coordinator
