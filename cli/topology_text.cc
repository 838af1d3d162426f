#include "cli/topology_text.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "cdb/v1/clusters.pb.h"
#include "cli/resource_table.h"
#include "cli/table.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

std::string endpoint_text(const v1::TopologyNode& node) {
  if (!node.has_endpoint() || node.endpoint().host().empty()) return {};
  const bool v6 = node.endpoint().host().find(':') != std::string::npos;
  return fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), node.endpoint().host(),
                     node.endpoint().port());
}

std::string lag_text(const v1::TopologyNode& node) {
  std::vector<std::string> parts;
  if (node.has_lag_seconds()) parts.push_back(fmt::format("{} s", node.lag_seconds()));
  if (node.has_lag_transactions()) parts.push_back(fmt::format("{} tx", node.lag_transactions()));
  return join(parts, ", ");
}

// What it is, and what it shall be where that differs.
std::string state_text(const v1::TopologyNode& node) {
  std::string text = node.state().empty() ? "unknown" : node.state();
  if (!node.goal().empty() && node.goal() != node.state()) text += " -> " + node.goal();
  return node.connected() ? text : text + " (agent gone)";
}

// Who lets it serve, and for how long without a further word.
std::string lease_text(const v1::TopologyNode& node) {
  if (!node.connected() || !node.has_lease()) return {};
  const v1::NodeLease& lease = node.lease();
  if (lease.source() == "none" || lease.left_ms() <= 0) return "none";
  return fmt::format("{} {}", lease.source(), to_text(std::chrono::milliseconds(lease.left_ms())));
}

std::string epoch_text(const v1::TopologyNode& node) {
  return node.epoch() == 0 ? std::string{} : std::to_string(node.epoch());
}

// The primary first, then by name.
std::vector<const v1::TopologyNode*> in_order(const v1::Topology& topology) {
  std::vector<const v1::TopologyNode*> nodes;
  for (const auto& node : topology.nodes())
    nodes.push_back(&node);
  std::sort(nodes.begin(), nodes.end(), [&](const auto* a, const auto* b) {
    const bool a_first = a->name() == topology.primary();
    const bool b_first = b->name() == topology.primary();
    return a_first != b_first ? a_first : a->name() < b->name();
  });
  return nodes;
}

std::string node_table(const v1::Topology& topology) {
  Table table(
      {"NODE", "ROLE", "STATE", "ENDPOINT", "LAG", "EPOCH", "ACKER", "LEASE", "WRITES", "VERSION"});
  for (const auto* node : in_order(topology)) {
    const std::string branch = node->name() == topology.primary() ? "" : "+ ";
    table.add({branch + node->name(), node->role(), state_text(*node), endpoint_text(*node),
               lag_text(*node), epoch_text(*node), node->acker() ? "yes" : "", lease_text(*node),
               node->writable() ? "yes" : "no", node->version()});
  }
  return table.empty() ? "no nodes yet\n" : table.text();
}

void add_node_lines(const v1::TopologyNode& node, std::string& text) {
  const auto line = [&](std::string_view what, const std::string& value) {
    if (!value.empty()) text += fmt::format("{} of {}: {}\n", what, node.name(), one_line(value));
  };
  line("problem", node.problem());
  line("errant transactions", node.errant());
  line("doing", node.doing());
  if (node.mysqld() == "stalled" || node.mysqld() == "stopped") line("mysqld", node.mysqld());
  if (node.connected() && node.has_lease() && node.lease().fence() == "none") {
    line("fence", "none: nothing shuts its port when its lease is over");
  }
  line("settings that wait for a restart",
       join({node.pending_restart().begin(), node.pending_restart().end()}, ", "));
}

std::string election_text(const v1::Election& last, WallTime now) {
  std::string text = age_text(last.decided(), now) + " ago";
  if (!last.to().empty()) {
    text += last.from().empty() || last.from() == last.to()
                ? ": " + last.to()
                : fmt::format(": {} to {}", last.from(), last.to());
  }
  if (!last.cause().empty()) text += ", " + last.cause();
  if (last.has_write_gap_ms()) {
    text += fmt::format("; writes waited for at most {}",
                        to_text(std::chrono::milliseconds(last.write_gap_ms())));
  } else if (!last.has_writable()) {
    text += "; not writable yet";
  }
  return text;
}

}  // namespace

std::string topology_text(const v1::Topology& topology, WallTime now) {
  std::string text;
  const auto line = [&](std::string_view title, const std::string& value) {
    if (!value.empty()) text += fmt::format("{:<15}{}\n", title, one_line(value));
  };
  line("cluster", fmt::format("{}/{}", topology.cluster().namespace_(), topology.cluster().name()));
  line("phase", topology.phase());
  line("protection", topology.protection());
  line("epoch",
       fmt::format("{} (version {})", topology.record().epoch(), topology.record().version()));
  line("acks required", std::to_string(topology.acks_required()));
  line("read-write", topology.rw_name());
  line("read-only", topology.ro_name());
  if (topology.has_last()) line("last election", election_text(topology.last(), now));
  line("may have lost", topology.last().loss());
  if (topology.paused()) line("paused", "no automatic failover (Orchestrator: paused)");
  line("blocked", topology.blocked());
  line("dns problem", topology.dns_problem());
  text += "\n" + node_table(topology);
  for (const auto* node : in_order(topology))
    add_node_lines(*node, text);
  return text;
}

}  // namespace cdb::cli
