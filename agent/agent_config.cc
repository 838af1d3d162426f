#include "agent/agent_config.h"

#include "lib/config/toml_reader.h"
#include "tuning/rule_set.h"

namespace cdb::agent {

Result<AgentConfig> load_agent_config(const std::filesystem::path& file) {
  CDB_ASSIGN_OR_RETURN(auto reader, config::TomlReader::open(file));
  AgentConfig config;
  config.node.node = model::NodeName(reader.text("node"));
  config.node.cluster = {reader.text("namespace", "default"), reader.text("cluster")};
  config.coordinators = reader.texts("coordinators");
  config.address = reader.text("address");
  config.port = static_cast<uint16_t>(reader.number("port", 3306, 1, 65535));
  config.peer_port = static_cast<uint16_t>(reader.number("peer_port", 7401, 1, 65535));
  const std::string fence = reader.text("fence", "kernel");
  config.kernel_fence = fence == "kernel";
  config.paths.mysqld = reader.text("mysqld");
  config.paths.data_dir = reader.text("data_dir", "/var/lib/cdb/mysql");
  config.paths.run_dir = reader.text("run_dir", "/run/cdb");
  config.paths.log_dir = reader.text("log_dir", "/var/log/cdb");
  config.paths.state_dir = reader.text("state_dir", "/var/lib/cdb/state");
  config.tuning_dir = reader.text("tuning_dir", tuning::installed_rules().string());
  config.log_level = reader.text("log_level", "info");
  CDB_TRY(reader.finish());
  if (fence != "kernel" && fence != "none") {
    return invalid(file.string() + ": fence is '" + fence + "'", "kernel, or none");
  }
  return config;
}

}  // namespace cdb::agent
