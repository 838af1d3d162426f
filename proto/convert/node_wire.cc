#include "proto/convert/node_wire.h"

#include <limits>
#include <string>
#include <utility>

#include "cdb/v1/agent.pb.h"
#include "cdb/v1/common.pb.h"
#include "cdb/v1/peer.pb.h"
#include "lib/base/text.h"

// Each to_wire() takes its value apart by name: a field that is added to a value and forgotten here
// does not compile.

namespace cdb::wire {
namespace {

constexpr size_t kLongestNodeName = 63;
constexpr size_t kLongestMessage = 500;

std::string free_text(const std::string& text) {
  return to_utf8(text, kLongestText);
}

// `parsed`, with the name of its field put before the message, which may quote the peer at length.
template <typename T>
Result<T> named(const char* field, Result<T> parsed) {
  if (parsed) return parsed;
  Error error = parsed.error().in(field);
  error.message = to_utf8(error.message, kLongestMessage);
  return error;
}

Result<model::GtidSet> gtid_set(const char* field, const std::string& text) {
  return named(field, model::GtidSet::parse(text));
}

Result<int> count(const char* field, int32_t value) {
  if (value < 0) return invalid(std::string(field) + ": " + std::to_string(value) + " is negative");
  return value;
}

}  // namespace

v1::RecordVersion to_wire(const model::RecordVersion& version) {
  const auto& [epoch, number] = version;
  v1::RecordVersion message;
  message.set_epoch(epoch);
  message.set_version(number);
  return message;
}

model::RecordVersion from_wire(const v1::RecordVersion& version) {
  return {.epoch = version.epoch(), .version = version.version()};
}

v1::Endpoint to_wire(const model::Endpoint& endpoint) {
  const auto& [host, port] = endpoint;
  v1::Endpoint message;
  message.set_host(host);
  message.set_port(port);
  return message;
}

Result<model::Endpoint> from_wire(const v1::Endpoint& endpoint) {
  if (endpoint.host().empty()) return invalid("host: is empty");
  if (endpoint.port() == 0 || endpoint.port() > std::numeric_limits<uint16_t>::max()) {
    return invalid("port: " + std::to_string(endpoint.port()) + " is not a port");
  }
  return model::Endpoint{endpoint.host(), static_cast<uint16_t>(endpoint.port())};
}

v1::ClusterRef to_wire(const model::ClusterId& cluster) {
  const auto& [name_space, name] = cluster;
  v1::ClusterRef message;
  message.set_namespace_(name_space);
  message.set_name(name);
  return message;
}

Result<model::ClusterId> from_wire(const v1::ClusterRef& cluster) {
  if (!is_dns_label(cluster.namespace_())) {
    return invalid("namespace: '" + to_utf8(cluster.namespace_(), kLongestMessage) +
                   "' is not a DNS label");
  }
  if (!is_dns_label(cluster.name())) {
    return invalid("name: '" + to_utf8(cluster.name(), kLongestMessage) + "' is not a DNS label");
  }
  return model::ClusterId{cluster.namespace_(), cluster.name()};
}

v1::NodeRef to_wire(const model::NodeId& node) {
  const auto& [cluster, name] = node;
  v1::NodeRef message;
  *message.mutable_cluster() = to_wire(cluster);
  message.set_node(name.str());
  return message;
}

Result<model::NodeId> from_wire(const v1::NodeRef& node) {
  CDB_ASSIGN_OR_RETURN(model::ClusterId cluster, named("cluster", from_wire(node.cluster())));
  if (!is_dns_label(node.node(), kLongestNodeName)) {
    return invalid("node: '" + to_utf8(node.node(), kLongestMessage) + "' is not a DNS label");
  }
  return model::NodeId{std::move(cluster), model::NodeName(node.node())};
}

v1::Credentials to_wire(const model::Credentials& credentials) {
  const auto& [root, agent, replication, app] = credentials;
  v1::Credentials message;
  message.set_root(root.reveal());
  message.set_agent(agent.reveal());
  message.set_replication(replication.reveal());
  message.set_app(app.reveal());
  return message;
}

model::Credentials from_wire(const v1::Credentials& credentials) {
  return {.root = Secret(credentials.root()),
          .agent = Secret(credentials.agent()),
          .replication = Secret(credentials.replication()),
          .app = Secret(credentials.app())};
}

namespace {

v1::ReplicationStatus to_wire(const model::ReplicationStatus& status) {
  const auto& [source, source_uuid, receiver, applier, retrieved, lag_s, receiver_error,
               applier_error] = status;
  v1::ReplicationStatus message;
  if (source) *message.mutable_source() = wire::to_wire(*source);
  message.set_source_uuid(free_text(source_uuid));
  message.set_receiver(std::string(to_string(receiver)));
  message.set_applier(std::string(to_string(applier)));
  message.set_retrieved(retrieved.str());
  if (lag_s) message.set_lag_seconds(*lag_s);
  message.set_receiver_error(free_text(receiver_error));
  message.set_applier_error(free_text(applier_error));
  return message;
}

Result<model::ReplicationStatus> from_wire(const v1::ReplicationStatus& message) {
  model::ReplicationStatus status;
  if (message.has_source()) {
    CDB_ASSIGN_OR_RETURN(status.source, named("source", wire::from_wire(message.source())));
  }
  status.source_uuid = message.source_uuid();
  CDB_ASSIGN_OR_RETURN(status.receiver,
                       named("receiver", model::parse_thread_state(message.receiver())));
  CDB_ASSIGN_OR_RETURN(status.applier,
                       named("applier", model::parse_thread_state(message.applier())));
  CDB_ASSIGN_OR_RETURN(status.retrieved, gtid_set("retrieved", message.retrieved()));
  if (message.has_lag_seconds()) status.lag_s = message.lag_seconds();
  status.receiver_error = message.receiver_error();
  status.applier_error = message.applier_error();
  return status;
}

v1::SemisyncStatus to_wire(const model::SemisyncStatus& status) {
  const auto& [available, source_enabled, replica_enabled, replica_acking, acks_required,
               connected_ackers, waiting_sessions] = status;
  v1::SemisyncStatus message;
  message.set_available(available);
  message.set_source_enabled(source_enabled);
  message.set_replica_enabled(replica_enabled);
  message.set_replica_acking(replica_acking);
  message.set_acks_required(acks_required);
  message.set_connected_ackers(connected_ackers);
  message.set_waiting_sessions(waiting_sessions);
  return message;
}

Result<model::SemisyncStatus> from_wire(const v1::SemisyncStatus& message) {
  model::SemisyncStatus status{.available = message.available(),
                               .source_enabled = message.source_enabled(),
                               .replica_enabled = message.replica_enabled(),
                               .replica_acking = message.replica_acking()};
  CDB_ASSIGN_OR_RETURN(status.acks_required, count("acks_required", message.acks_required()));
  CDB_ASSIGN_OR_RETURN(status.connected_ackers,
                       count("connected_ackers", message.connected_ackers()));
  CDB_ASSIGN_OR_RETURN(status.waiting_sessions,
                       count("waiting_sessions", message.waiting_sessions()));
  return status;
}

}  // namespace

v1::ServerStatus to_wire(const model::ServerStatus& status) {
  const auto& [version, server_uuid, executed, purged, read_only, super_read_only, replication,
               semisync] = status;
  v1::ServerStatus message;
  message.set_version(version.str());
  message.set_server_uuid(free_text(server_uuid));
  message.set_executed(executed.str());
  message.set_purged(purged.str());
  message.set_read_only(read_only);
  message.set_super_read_only(super_read_only);
  *message.mutable_replication() = to_wire(replication);
  *message.mutable_semisync() = to_wire(semisync);
  return message;
}

Result<model::ServerStatus> from_wire(const v1::ServerStatus& message) {
  model::ServerStatus status;
  CDB_ASSIGN_OR_RETURN(status.version,
                       named("version", model::MysqlVersion::parse(message.version())));
  status.server_uuid = message.server_uuid();
  CDB_ASSIGN_OR_RETURN(status.executed, gtid_set("executed", message.executed()));
  CDB_ASSIGN_OR_RETURN(status.purged, gtid_set("purged", message.purged()));
  status.read_only = message.read_only();
  status.super_read_only = message.super_read_only();
  CDB_ASSIGN_OR_RETURN(status.replication, named("replication", from_wire(message.replication())));
  CDB_ASSIGN_OR_RETURN(status.semisync, named("semisync", from_wire(message.semisync())));
  return status;
}

namespace {

// The longest lease or heartbeat that is believed.
constexpr int64_t kLongestMs = 24 * 3600 * 1000;

int64_t to_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

Result<Duration> milliseconds(const char* field, int64_t value) {
  if (value < 0 || value > kLongestMs) {
    return invalid(std::string(field) + ": " + std::to_string(value) + " is not a duration");
  }
  return Duration(std::chrono::milliseconds(value));
}

v1::Peer to_wire(const model::Peer& peer) {
  const auto& [name, address, admitted, holder] = peer;
  v1::Peer message;
  message.set_name(name.str());
  message.set_address(address);
  message.set_admitted(admitted);
  message.set_holder(holder);
  return message;
}

Result<model::Peer> from_wire(const v1::Peer& message) {
  if (!is_dns_label(message.name(), kLongestNodeName)) {
    return invalid("name: '" + to_utf8(message.name(), kLongestMessage) + "' is not a DNS label");
  }
  return model::Peer{.name = model::NodeName(message.name()),
                     .address = message.address(),
                     .admitted = message.admitted(),
                     .holder = message.holder()};
}

}  // namespace

void to_wire(const model::LeaseStatus& lease, v1::LeaseStatus& message) {
  const auto& [epoch, left_ms, source, fence, wanted_ms] = lease;
  message.set_epoch(epoch);
  message.set_left_ms(left_ms);
  message.set_source(std::string(to_string(source)));
  message.set_fence(free_text(fence));
  message.set_wanted_ms(wanted_ms);
}

Result<model::LeaseStatus> from_wire(const v1::LeaseStatus& message) {
  model::LeaseStatus lease;
  lease.epoch = message.epoch();
  lease.left_ms = message.left_ms();
  CDB_ASSIGN_OR_RETURN(lease.source, named("source", model::parse_lease_source(message.source())));
  lease.fence = message.fence();
  CDB_TRY(milliseconds("wanted_ms", message.wanted_ms()));
  lease.wanted_ms = message.wanted_ms();
  return lease;
}

v1::LeaseGrant to_wire(const model::LeaseGrant& grant) {
  const auto& [epoch, ttl] = grant;
  v1::LeaseGrant message;
  message.set_epoch(epoch);
  message.set_ttl_ms(to_ms(ttl));
  return message;
}

Result<model::LeaseGrant> from_wire(const v1::LeaseGrant& message) {
  model::LeaseGrant grant{.epoch = message.epoch()};
  CDB_ASSIGN_OR_RETURN(grant.ttl, milliseconds("ttl_ms", message.ttl_ms()));
  return grant;
}

v1::HoldRequest to_wire(const model::HoldRequest& request) {
  const auto& [from, epoch, ttl] = request;
  v1::HoldRequest message;
  *message.mutable_from() = to_wire(from);
  message.set_epoch(epoch);
  message.set_ttl_ms(to_ms(ttl));
  return message;
}

Result<model::HoldRequest> from_wire(const v1::HoldRequest& message) {
  model::HoldRequest request;
  CDB_ASSIGN_OR_RETURN(request.from, named("from", from_wire(message.from())));
  request.epoch = message.epoch();
  CDB_ASSIGN_OR_RETURN(request.ttl, milliseconds("ttl_ms", message.ttl_ms()));
  return request;
}

v1::HoldAnswer to_wire(const model::HoldAnswer& answer) {
  const auto& [given, accepted] = answer;
  v1::HoldAnswer message;
  message.set_given(given);
  *message.mutable_accepted() = to_wire(accepted);
  return message;
}

model::HoldAnswer from_wire(const v1::HoldAnswer& message) {
  return {.given = message.given(), .accepted = from_wire(message.accepted())};
}

v1::NodeReport to_wire(const model::NodeReport& report, uint64_t sequence) {
  const auto& [accepted, state, mysqld, mysqld_boot, incarnation, server, errant, final_set, marker,
               doing, problem, credentials, pending_restart, disk_free_bytes, disk_full, lease,
               holding_epoch, gate, discarded] = report;
  v1::NodeReport message;
  message.set_sequence(sequence);
  *message.mutable_accepted() = to_wire(accepted);
  message.set_state(std::string(to_string(state)));
  message.set_mysqld(std::string(to_string(mysqld)));
  message.set_mysqld_boot(mysqld_boot);
  message.set_incarnation(free_text(incarnation));
  if (server) *message.mutable_server() = to_wire(*server);
  message.set_errant(errant.str());
  if (final_set) message.set_final_set(final_set->str());
  if (marker) message.set_marker(marker->str());
  message.set_doing(free_text(doing));
  message.set_problem(free_text(problem));
  if (credentials) *message.mutable_credentials() = to_wire(*credentials);
  for (const std::string& setting : pending_restart) {
    message.add_pending_restart(free_text(setting));
  }
  message.set_disk_free_bytes(disk_free_bytes);
  message.set_disk_full(disk_full);
  to_wire(lease, *message.mutable_lease());
  message.set_holding_epoch(holding_epoch);
  if (gate) *message.mutable_gate() = to_wire(*gate);
  if (discarded) {
    message.mutable_discarded()->set_gtids(discarded->gtids.str());
    message.mutable_discarded()->set_archive(free_text(discarded->archive));
    message.mutable_discarded()->set_trimmed(discarded->trimmed);
  }
  return message;
}

Result<model::NodeReport> from_wire(const v1::NodeReport& message) {
  model::NodeReport report;
  report.accepted = from_wire(message.accepted());
  CDB_ASSIGN_OR_RETURN(report.state, named("state", model::parse_node_state(message.state())));
  CDB_ASSIGN_OR_RETURN(report.mysqld, named("mysqld", model::parse_mysqld_state(message.mysqld())));
  report.mysqld_boot = message.mysqld_boot();
  report.incarnation = message.incarnation();
  if (message.has_server()) {
    CDB_ASSIGN_OR_RETURN(report.server, named("server", from_wire(message.server())));
  }
  CDB_ASSIGN_OR_RETURN(report.errant, gtid_set("errant", message.errant()));
  if (message.has_final_set()) {
    CDB_ASSIGN_OR_RETURN(report.final_set, gtid_set("final_set", message.final_set()));
  }
  if (message.has_marker()) {
    CDB_ASSIGN_OR_RETURN(report.marker, gtid_set("marker", message.marker()));
  }
  report.doing = message.doing();
  report.problem = message.problem();
  if (message.has_credentials()) report.credentials = from_wire(message.credentials());
  report.pending_restart.assign(message.pending_restart().begin(), message.pending_restart().end());
  report.disk_free_bytes = message.disk_free_bytes();
  report.disk_full = message.disk_full();
  if (message.has_lease()) {
    CDB_ASSIGN_OR_RETURN(report.lease, named("lease", from_wire(message.lease())));
  }
  report.holding_epoch = message.holding_epoch();
  if (message.has_gate()) report.gate = from_wire(message.gate());
  if (message.has_discarded()) {
    model::Discarded discarded;
    CDB_ASSIGN_OR_RETURN(discarded.gtids, gtid_set("discarded", message.discarded().gtids()));
    discarded.archive = message.discarded().archive();
    discarded.trimmed = message.discarded().trimmed();
    report.discarded = std::move(discarded);
  }
  return report;
}

v1::NodeGoal to_wire(const model::NodeGoal& goal) {
  const auto& [record, state, source, source_uuid, base, acks_required, open_boot, sole, drain_to,
               planned, may_reseed, may_trim, reseed, rejoin, may_initialise, credentials, peers,
               holds_required, heartbeat, ttl, server_id, memory_bytes, vcpu, disk_kind, disk_bytes,
               settings] = goal;
  v1::NodeGoal message;
  *message.mutable_record() = to_wire(record);
  message.set_state(std::string(to_string(state)));
  if (source) *message.mutable_source() = to_wire(*source);
  message.set_source_uuid(free_text(source_uuid));
  if (base) message.set_base(base->str());
  message.set_acks_required(acks_required);
  message.set_open_boot(open_boot);
  message.set_sole(sole);
  if (drain_to) message.set_drain_to(drain_to->str());
  message.set_planned(planned);
  message.set_may_reseed(may_reseed);
  message.set_may_trim(may_trim);
  message.set_reseed(free_text(reseed));
  message.set_rejoin(free_text(rejoin));
  message.set_may_initialise(may_initialise);
  if (credentials) *message.mutable_credentials() = to_wire(*credentials);
  for (const model::Peer& peer : peers)
    *message.add_peers() = to_wire(peer);
  message.set_holds_required(holds_required);
  message.set_heartbeat_ms(to_ms(heartbeat));
  message.set_ttl_ms(to_ms(ttl));
  message.set_server_id(server_id);
  message.set_memory_bytes(memory_bytes);
  message.set_vcpu(vcpu);
  message.set_disk_kind(disk_kind);
  message.set_disk_bytes(disk_bytes);
  message.mutable_settings()->insert(settings.begin(), settings.end());
  return message;
}

Result<model::NodeGoal> from_wire(const v1::NodeGoal& message) {
  model::NodeGoal goal;
  goal.record = from_wire(message.record());
  CDB_ASSIGN_OR_RETURN(goal.state, named("state", model::parse_node_state(message.state())));
  if (message.has_source()) {
    CDB_ASSIGN_OR_RETURN(goal.source, named("source", from_wire(message.source())));
  }
  goal.source_uuid = message.source_uuid();
  if (message.has_base()) {
    CDB_ASSIGN_OR_RETURN(goal.base, gtid_set("base", message.base()));
  }
  CDB_ASSIGN_OR_RETURN(goal.acks_required, count("acks_required", message.acks_required()));
  goal.open_boot = message.open_boot();
  goal.sole = message.sole();
  if (message.has_drain_to()) {
    CDB_ASSIGN_OR_RETURN(goal.drain_to, gtid_set("drain_to", message.drain_to()));
  }
  goal.planned = message.planned();
  goal.may_reseed = message.may_reseed();
  goal.may_trim = message.may_trim();
  goal.reseed = message.reseed();
  goal.rejoin = message.rejoin();
  goal.may_initialise = message.may_initialise();
  if (message.has_credentials()) goal.credentials = from_wire(message.credentials());
  for (const v1::Peer& peer : message.peers()) {
    CDB_ASSIGN_OR_RETURN(model::Peer converted, named("peers", from_wire(peer)));
    goal.peers.push_back(std::move(converted));
  }
  CDB_ASSIGN_OR_RETURN(goal.holds_required, count("holds_required", message.holds_required()));
  // Absent in the goals of an older coordinator, and in an older agent's memory.
  if (message.heartbeat_ms() != 0) {
    CDB_ASSIGN_OR_RETURN(goal.heartbeat, milliseconds("heartbeat_ms", message.heartbeat_ms()));
  }
  if (message.ttl_ms() != 0) {
    CDB_ASSIGN_OR_RETURN(goal.ttl, milliseconds("ttl_ms", message.ttl_ms()));
  }
  goal.server_id = message.server_id();
  goal.memory_bytes = message.memory_bytes();
  if (message.vcpu() < 1)
    return invalid("vcpu: " + std::to_string(message.vcpu()) + " is not a count");
  goal.vcpu = message.vcpu();
  goal.disk_kind = message.disk_kind();
  goal.disk_bytes = message.disk_bytes();
  goal.settings.insert(message.settings().begin(), message.settings().end());
  return goal;
}

}  // namespace cdb::wire
