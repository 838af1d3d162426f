#include "coordinator/instance_init/init_status.h"

#include <nlohmann/json.hpp>

#include "lib/base/atomic_file.h"

namespace cdb::coordinator {

Status write_init_status(const std::filesystem::path& path, const InitStatus& status) {
  nlohmann::json json{{"restarts", status.restarts},
                      {"failures", status.failures},
                      {"waiting", status.waiting},
                      {"cgroup_problem", status.cgroup_problem},
                      {"last_exit", status.last_exit}};
  if (status.agent) {
    json["agent"] = {{"pid", status.agent->pid},
                     {"start_ticks", status.agent->start_ticks},
                     {"boot_id", status.agent->boot_id}};
  }
  return write_file_atomically(path, json.dump() + "\n");
}

Result<InitStatus> read_init_status(const std::filesystem::path& path) {
  CDB_ASSIGN_OR_RETURN(const std::string content, read_file(path));
  try {
    const auto json = nlohmann::json::parse(content);
    InitStatus status;
    json.at("restarts").get_to(status.restarts);
    json.at("failures").get_to(status.failures);
    json.at("waiting").get_to(status.waiting);
    json.at("cgroup_problem").get_to(status.cgroup_problem);
    json.at("last_exit").get_to(status.last_exit);
    if (json.contains("agent")) {
      const auto& agent = json.at("agent");
      status.agent =
          process::Identity{agent.at("pid").get<pid_t>(), agent.at("start_ticks").get<uint64_t>(),
                            agent.at("boot_id").get<std::string>()};
    }
    return status;
  } catch (const nlohmann::json::exception& error) {
    return invalid(path.string() + " is damaged: " + error.what());
  }
}

}  // namespace cdb::coordinator
