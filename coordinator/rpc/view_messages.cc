#include "coordinator/rpc/view_messages.h"

#include <google/protobuf/timestamp.pb.h>

#include "cdb/v1/clusters.pb.h"
#include "cdb/v1/operations.pb.h"
#include "cdb/v1/resources.pb.h"
#include "coordinator/convert/resource_convert.h"
#include "lib/base/text.h"
#include "proto/convert/node_wire.h"

// Each to_proto() takes its value apart by name: a field that is added to a view and forgotten here
// does not compile.

namespace cdb::coordinator {
namespace {

constexpr uint32_t kMysqlPort = 3306;

std::string free_text(const std::string& text) {
  return to_utf8(text, wire::kLongestText);
}

v1::ResourceStatus to_proto(const ResourceStatus& view) {
  const auto& [state, message, version, primary, members, ready_members, epoch, protection, role] =
      view;
  v1::ResourceStatus status;
  status.set_state(state);
  status.set_message(free_text(message));
  status.set_version(version);
  status.set_primary(primary);
  status.set_members(members);
  status.set_ready_members(ready_members);
  status.set_epoch(epoch);
  status.set_protection(protection);
  status.set_role(role);
  return status;
}

std::string_view word(ApplyAction action) {
  switch (action) {
    case ApplyAction::Created: return "created";
    case ApplyAction::Configured: return "configured";
    case ApplyAction::Unchanged: return "unchanged";
  }
  return "unchanged";
}

v1::TopologyNode to_proto(const NodeView& view) {
  const auto& [member, role, goal, connected, acker, writable, report, lag_s, lag_transactions,
               zone, priority, never_promote] = view;
  v1::TopologyNode node;
  node.set_name(member.node.node.str());
  node.set_role(role);
  node.set_state(std::string(to_string(report.state)));
  node.set_goal(goal);
  if (!member.address.empty()) {
    node.mutable_endpoint()->set_host(member.address);
    node.mutable_endpoint()->set_port(kMysqlPort);
  }
  node.set_connected(connected);
  node.set_acker(acker);
  node.set_writable(writable);
  if (lag_s) node.set_lag_seconds(*lag_s);
  if (lag_transactions) node.set_lag_transactions(*lag_transactions);
  node.set_epoch(report.accepted.epoch);
  node.set_version(report.server ? report.server->version.str() : member.version);
  node.set_problem(free_text(report.problem));
  node.set_doing(free_text(report.doing));
  if (report.server) node.set_executed(report.server->executed.str());
  node.set_errant(report.errant.str());
  node.set_mysqld(std::string(to_string(report.mysqld)));
  for (const std::string& name : report.pending_restart) {
    node.add_pending_restart(free_text(name));
  }
  if (connected) {
    node.mutable_lease()->set_source(std::string(to_string(report.lease.source)));
    node.mutable_lease()->set_left_ms(report.lease.left_ms);
    node.mutable_lease()->set_fence(report.lease.fence);
    node.mutable_lease()->set_epoch(report.lease.epoch);
  }
  node.set_maintenance(member.maintenance);
  node.set_zone(free_text(zone));
  node.set_priority(priority);
  node.set_never_promote(never_promote);
  return node;
}

v1::Election to_proto(const LastElection& election) {
  const auto& [epoch, from, to, cause, loss, automatic, decided, writable, write_gap] = election;
  v1::Election message;
  message.set_epoch(epoch);
  message.set_from(from);
  message.set_to(to);
  message.set_cause(free_text(cause));
  message.set_loss(free_text(loss));
  message.set_automatic(automatic);
  *message.mutable_decided() = coordinator::to_proto(decided);
  if (writable) *message.mutable_writable() = coordinator::to_proto(*writable);
  if (write_gap) message.set_write_gap_ms(write_gap->count());
  return message;
}

}  // namespace

v1::Resource to_proto(const ResourceView& view) {
  const auto& [resource, status] = view;
  v1::Resource message = to_proto(resource);
  *message.mutable_status() = to_proto(status);
  return message;
}

v1::ApplyResult to_proto(const ApplyItem& item) {
  const auto& [resource, action, operation, warnings] = item;
  v1::ApplyResult result;
  *result.mutable_resource() = to_proto(resource);
  result.set_action(std::string(word(action)));
  if (operation) *result.mutable_operation() = to_proto(*operation);
  for (const std::string& warning : warnings)
    result.add_warnings(free_text(warning));
  return result;
}

v1::Topology to_proto(const TopologyView& view) {
  const auto& [cluster, record, protection, nodes, last_election, paused, rw_name, ro_name,
               dns_problem] = view;
  v1::Topology topology;
  *topology.mutable_cluster() = wire::to_wire(cluster);
  *topology.mutable_record() = wire::to_wire(record.version);
  topology.set_phase(std::string(to_string(record.phase)));
  topology.set_primary(record.primary.str());
  topology.set_acks_required(record.acks_required);
  topology.set_protection(protection);
  topology.set_blocked(free_text(record.blocked));
  for (const NodeView& node : nodes)
    *topology.add_nodes() = to_proto(node);
  topology.set_last_cause(free_text(record.cause));
  if (last_election) {
    *topology.mutable_last_election() = to_proto(last_election->decided);
    *topology.mutable_last() = to_proto(*last_election);
  }
  topology.set_paused(paused);
  topology.set_rw_name(rw_name);
  topology.set_ro_name(ro_name);
  topology.set_dns_problem(free_text(dns_problem));
  return topology;
}

v1::Connection to_proto(const ConnectionView& view) {
  const auto& [rw_name, ro_name, port, user, password, rw_address, ro_addresses, dns_server] = view;
  v1::Connection connection;
  connection.set_rw_name(rw_name);
  connection.set_ro_name(ro_name);
  connection.set_port(port);
  connection.set_user(user);
  connection.set_password(password.reveal());
  connection.set_rw_address(rw_address);
  for (const std::string& address : ro_addresses)
    connection.add_ro_addresses(address);
  connection.set_dns_server(dns_server);
  return connection;
}

v1::Catalogue to_proto(const CatalogueView& view) {
  v1::Catalogue catalogue;
  for (const Flavor& each : view.flavors) {
    const auto& [name, vcpu, memory_bytes, disk_bytes] = each;
    v1::Flavor* flavor = catalogue.add_flavors();
    flavor->set_name(name);
    flavor->set_vcpu(vcpu);
    flavor->set_memory_bytes(memory_bytes);
    flavor->set_disk_bytes(disk_bytes);
  }
  for (const model::MysqlVersion& version : view.versions) {
    catalogue.add_mysql_versions(version.str());
  }
  return catalogue;
}

Result<model::ClusterId> cluster_named(const v1::ClusterRef& cluster) {
  if (cluster.name().empty()) return invalid("the request names no cluster");
  return model::ClusterId{cluster.namespace_().empty() ? "default" : cluster.namespace_(),
                          cluster.name()};
}

Result<ResourceKey> resource_named(const std::string& kind, const std::string& name_space,
                                   const std::string& name) {
  CDB_ASSIGN_OR_RETURN(const Kind parsed, parse_kind(kind));
  if (name.empty()) return invalid("the request names no " + std::string(to_string(parsed)));
  return ResourceKey{parsed, name_space.empty() ? "default" : name_space, name};
}

}  // namespace cdb::coordinator
