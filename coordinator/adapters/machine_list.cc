#include "coordinator/adapters/machine_list.h"

#include <set>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "coordinator/adapters/machine_file.h"
#include "coordinator/core/flavors.h"
#include "lib/config/toml_reader.h"

namespace cdb::coordinator {
namespace {

using config::TomlReader;

// "team-a/shop-0": an ordinal at the end, for a cluster's nodes are counted.
Result<model::NodeId> parse_node(const std::string& text) {
  const size_t slash = text.find('/');
  const size_t dash = text.rfind('-');
  const auto node = slash == std::string::npos
                        ? not_found("")
                        : parse_instance_name(text.substr(0, slash) + "." + text.substr(slash + 1));
  const bool counted = node && dash != std::string::npos && dash + 1 < text.size() &&
                       text.find_first_not_of("0123456789", dash + 1) == std::string::npos;
  if (counted && !node->cluster.name.empty()) return *node;
  return invalid("\"" + text + "\" is no node", "write namespace/cluster-ordinal: team-a/shop-0");
}

bool is_ipv4(const std::string& text) {
  in_addr parsed{};
  return ::inet_pton(AF_INET, text.c_str(), &parsed) == 1;
}

ListedMachine read_machine(TomlReader& reader, const std::string& prefix) {
  ListedMachine machine;
  const auto node = parse_node(reader.text(prefix + "node"));
  if (node) {
    machine.node = *node;
  } else {
    reader.wrong(prefix + "node", node.error().message, node.error().hint);
  }
  machine.address = reader.text(prefix + "address");
  if (!is_ipv4(machine.address)) reader.wrong(prefix + "address", "must be an IPv4 address");
  const auto version = model::MysqlVersion::parse(reader.text(prefix + "version"));
  if (version) {
    machine.version = *version;
  } else {
    reader.wrong(prefix + "version", version.error().message, version.error().hint);
  }
  machine.vcpu = static_cast<int>(reader.number(prefix + "vcpu", 0, 1, 1024));
  if (const std::string size = reader.text(prefix + "memory", ""); !size.empty()) {
    const auto bytes = parse_size(size);
    if (bytes) {
      machine.memory_bytes = *bytes;
    } else {
      reader.wrong(prefix + "memory", bytes.error().message, bytes.error().hint);
    }
  }
  const std::vector<std::string> none;
  machine.power_state = reader.texts(prefix + "power_state", none);
  machine.power_on = reader.texts(prefix + "power_on", none);
  return machine;
}

}  // namespace

Result<std::vector<ListedMachine>> load_machine_list(const std::filesystem::path& file) {
  CDB_ASSIGN_OR_RETURN(TomlReader reader, TomlReader::open(file));
  std::vector<ListedMachine> machines;
  std::set<model::NodeId> nodes;
  std::set<std::string> addresses;
  const size_t count = reader.tables("machine");
  for (size_t i = 0; i < count; ++i) {
    const std::string prefix = fmt::format("machine[{}].", i);
    machines.push_back(read_machine(reader, prefix));
    if (!nodes.insert(machines.back().node).second)
      reader.wrong(prefix + "node", "another machine is for " + machines.back().node.str());
    if (!addresses.insert(machines.back().address).second)
      reader.wrong(prefix + "address", "another machine has " + machines.back().address);
  }
  CDB_TRY(reader.finish());
  return machines;
}

}  // namespace cdb::coordinator
