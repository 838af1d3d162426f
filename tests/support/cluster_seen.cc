#include "tests/support/cluster_seen.h"

#include <algorithm>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace cdb::testing {
namespace {

NodeSeen read_node(const nlohmann::json& json) {
  NodeSeen node;
  node.name = json.at("name");
  node.role = json.at("role");
  node.state = json.at("state");
  node.executed = json.at("executed");
  node.problem = json.at("problem");
  node.errant = json.at("errant");
  node.connected = json.at("connected");
  node.acker = json.at("acker");
  node.writable = json.at("writable");
  const auto endpoint = json.find("endpoint");
  if (endpoint != json.end() && endpoint->is_object()) node.address = endpoint->value("host", "");
  return node;
}

}  // namespace

const NodeSeen& ClusterSeen::node(const std::string& name) const {
  for (const auto& node : nodes) {
    if (node.name == name) return node;
  }
  throw std::runtime_error("there is no node " + name);
}

const NodeSeen& ClusterSeen::replica() const {
  for (const auto& node : nodes) {
    if (node.name != primary) return node;
  }
  throw std::runtime_error("there is no replica");
}

ClusterSeen read_topology(const nlohmann::json& json) {
  ClusterSeen seen;
  seen.phase = json.at("phase");
  seen.primary = json.at("primary");
  seen.protection = json.at("protection");
  seen.blocked = json.at("blocked");
  seen.dns_problem = json.at("dns_problem");
  seen.epoch = json.at("record").at("epoch");
  for (const auto& node : json.at("nodes"))
    seen.nodes.push_back(read_node(node));
  return seen;
}

bool is_steady(const ClusterSeen& seen) {
  const auto well = [&](const NodeSeen& node) {
    if (!node.connected || !node.problem.empty() || !node.errant.empty()) return false;
    if (node.name == seen.primary) return node.writable;
    return node.state == "acker" || node.state == "replica";
  };
  return seen.phase == "steady" && seen.dns_problem.empty() &&
         std::all_of(seen.nodes.begin(), seen.nodes.end(), well);
}

bool is_level(const ClusterSeen& seen) {
  return std::all_of(seen.nodes.begin(), seen.nodes.end(), [&](const NodeSeen& node) {
    return node.executed == seen.nodes.front().executed;
  });
}

}  // namespace cdb::testing
