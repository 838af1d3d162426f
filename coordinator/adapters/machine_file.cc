#include "coordinator/adapters/machine_file.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "lib/base/atomic_file.h"

namespace cdb::coordinator {
namespace {

// A DNS label, as long as DNS has it: a node's name is its cluster's with an ordinal appended.
bool is_label(const std::string& name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= 63 && name.front() != '-' && name.back() != '-' &&
         std::all_of(name.begin(), name.end(), good);
}

}  // namespace

Status write_machine_file(const std::filesystem::path& path, const MachineFile& machine) {
  const nlohmann::json json{{"namespace", machine.node.cluster.name_space},
                            {"cluster", machine.node.cluster.name},
                            {"node", machine.node.node.str()},
                            {"address", machine.address},
                            {"port", machine.port},
                            {"version", machine.version},
                            {"mysqld", machine.mysqld},
                            {"flavor", machine.flavor},
                            {"memory_bytes", machine.memory_bytes},
                            {"cgroup", machine.cgroup},
                            {"cgroup_problem", machine.cgroup_problem}};
  return write_file_atomically(path, json.dump(2) + "\n");
}

Result<MachineFile> read_machine_file(const std::filesystem::path& path) {
  CDB_ASSIGN_OR_RETURN(const std::string content, read_file(path));
  try {
    const auto json = nlohmann::json::parse(content);
    MachineFile machine;
    json.at("namespace").get_to(machine.node.cluster.name_space);
    json.at("cluster").get_to(machine.node.cluster.name);
    json.at("node").get_to(machine.node.node.value);
    json.at("address").get_to(machine.address);
    json.at("port").get_to(machine.port);
    json.at("version").get_to(machine.version);
    json.at("mysqld").get_to(machine.mysqld);
    json.at("flavor").get_to(machine.flavor);
    json.at("memory_bytes").get_to(machine.memory_bytes);
    json.at("cgroup").get_to(machine.cgroup);
    json.at("cgroup_problem").get_to(machine.cgroup_problem);
    return machine;
  } catch (const nlohmann::json::exception& error) {
    return invalid(path.string() + " is damaged: " + error.what(),
                   "delete the instance, or restore the file");
  }
}

Result<std::string> instance_name(const model::NodeId& node) {
  for (const std::string* part : {&node.cluster.name_space, &node.node.value}) {
    if (!is_label(*part)) {
      return invalid("\"" + *part + "\" cannot name a machine",
                     "1 to 63 of a-z, 0-9 and '-', no '-' at either end");
    }
  }
  return node.cluster.name_space + "." + node.node.str();
}

Result<model::NodeId> parse_instance_name(const std::string& name) {
  const size_t dot = name.find('.');
  if (dot == std::string::npos) return not_found(name + " is no instance");
  model::NodeId node{{name.substr(0, dot), {}}, model::NodeName(name.substr(dot + 1))};
  if (!instance_name(node)) return not_found(name + " is no instance");
  node.cluster.name = node.node.str().substr(0, node.node.str().rfind('-'));
  return node;
}

}  // namespace cdb::coordinator
