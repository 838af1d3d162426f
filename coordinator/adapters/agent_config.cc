#include "coordinator/adapters/agent_config.h"

#include <fmt/format.h>

#include "lib/base/text.h"

namespace cdb::coordinator {
namespace {

// A TOML basic string.
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result + "\"";
}

}  // namespace

std::string agent_config(const MachineFile& machine, const InstanceLayout& layout,
                         const std::vector<std::string>& coordinators,
                         const std::filesystem::path& tuning_dir) {
  std::vector<std::string> endpoints;
  for (const std::string& endpoint : coordinators)
    endpoints.push_back(quoted(endpoint));
  std::string text = "# Written by the local provisioner; changes here are overwritten.\n";
  const auto add = [&text](const char* key, const std::string& value) {
    text += fmt::format("{} = {}\n", key, value);
  };
  add("node", quoted(machine.node.node.str()));
  add("cluster", quoted(machine.node.cluster.name));
  add("namespace", quoted(machine.node.cluster.name_space));
  add("coordinators", "[" + join(endpoints, ", ") + "]");
  add("address", quoted(machine.address));
  add("port", std::to_string(machine.port));
  // Local instances reach one another from one address: no gate could tell them apart.
  add("fence", quoted("none"));
  add("mysqld", quoted(machine.mysqld));
  add("data_dir", quoted(layout.data_dir()));
  add("run_dir", quoted(layout.run_dir()));
  add("log_dir", quoted(layout.log_dir()));
  add("state_dir", quoted(layout.state_dir()));
  add("tuning_dir", quoted(tuning_dir));
  return text;
}

}  // namespace cdb::coordinator
