#include "tests/support/view_builder.h"

#include "lib/base/text.h"

namespace cdb::coordinator::test {

using model::MysqldState;
using model::NodeName;
using model::NodeState;
using model::ThreadState;

std::string uuid_of(int ordinal) {
  return std::to_string(ordinal) + "0000000-0000-0000-0000-000000000000";
}

model::GtidSet gtids(const std::string& text) {
  return model::GtidSet::parse(text).value();
}

std::string written(const std::string& text) {
  std::vector<std::string> parts;
  for (const std::string& part : split(text, ',')) {
    if (part.empty()) continue;
    const size_t colon = part.find(':');
    parts.push_back(uuid_of(std::stoi(part.substr(0, colon))) + part.substr(colon));
  }
  return join(parts, ",");
}

ViewBuilder::ViewBuilder(int nodes) {
  for (int i = 0; i < nodes; ++i) {
    MemberView member;
    member.ordinal = i;
    member.connected = true;
    model::NodeReport r;
    r.state = NodeState::New;
    r.mysqld = MysqldState::NotInitialised;
    member.report = r;
    view.members.emplace(NodeName("c-" + std::to_string(i)), member);
  }
}

model::NodeReport& ViewBuilder::report(const std::string& node) {
  return *view.members.at(NodeName(node)).report;
}

ViewBuilder& ViewBuilder::steady() {
  ClusterRecord& record = view.record;
  record.version = {3, 7};
  record.phase = Phase::Steady;
  record.primary = NodeName("c-0");
  record.primary_uuid = uuid_of(0);
  record.opened = true;
  record.open_boot = 4;
  record.base = gtids(written("0:1-100"));
  view.dns_current = true;
  for (auto& [name, member] : view.members) {
    auto& r = *member.report;
    r.accepted = record.version;
    r.mysqld = MysqldState::Running;
    r.mysqld_boot = 4;
    r.incarnation = name.str() + "-data";
    r.server.emplace();
    r.server->server_uuid = uuid_of(member.ordinal);
    r.server->executed = gtids(written("0:1-200"));
    member.last_executed = r.server->executed;
    r.server->semisync.available = true;
    if (member.ordinal == 0) {
      r.state = NodeState::Primary;
      r.server->read_only = false;
      r.server->semisync.source_enabled = true;
      r.server->semisync.acks_required = 1;
    } else {
      r.state = NodeState::Acker;
      r.server->replication.source = model::Endpoint{"127.0.0.1", 3306};
      r.server->replication.source_uuid = uuid_of(0);
      r.server->replication.receiver = ThreadState::On;
      r.server->replication.applier = ThreadState::On;
      r.server->semisync.replica_acking = true;
      record.ackers.emplace(name, r.incarnation);
    }
  }
  record.acks_required = record.ackers.empty() ? 0 : 1;
  record.acks_wanted = record.acks_required;
  return *this;
}

ViewBuilder& ViewBuilder::asynchronous() {
  view.policy.lossless = false;
  view.record.ackers.clear();
  view.record.acks_required = 0;
  view.record.acks_wanted = 0;
  for (auto& [name, member] : view.members) {
    if (member.report && member.report->server) member.report->server->semisync = {};
    if (member.report && member.report->state == NodeState::Acker)
      member.report->state = NodeState::Replica;
    if (member.report && member.report->state == NodeState::Primary)
      member.report->state = NodeState::PrimaryUnprotected;
  }
  return *this;
}

ViewBuilder& ViewBuilder::phase(Phase phase) {
  view.record.phase = phase;
  return *this;
}

ViewBuilder& ViewBuilder::lost(const std::string& node, Duration ago) {
  auto& member = view.members.at(NodeName(node));
  member.connected = false;
  member.silent_for = ago;
  return *this;
}

ViewBuilder& ViewBuilder::mysqld_dead(const std::string& node) {
  auto& r = report(node);
  r.mysqld = MysqldState::Stopped;
  r.state = NodeState::RejoinCheck;
  r.server.reset();
  return *this;
}

ViewBuilder& ViewBuilder::blind(const std::string& node) {
  report(node).server->replication.receiver = ThreadState::Connecting;
  return *this;
}

ViewBuilder& ViewBuilder::holds(const std::string& node, const std::string& executed,
                                const std::string& retrieved) {
  report(node).server->executed = gtids(written(executed));
  report(node).server->replication.retrieved = gtids(written(retrieved));
  return *this;
}

ViewBuilder& ViewBuilder::revoked(const std::string& node) {
  auto& r = report(node);
  r.accepted = view.record.version;
  r.state = NodeState::Revoked;
  r.server->replication.receiver = ThreadState::Off;
  r.server->semisync.replica_acking = false;
  return *this;
}

ViewBuilder& ViewBuilder::state(const std::string& node, NodeState state) {
  report(node).state = state;
  view.members.at(NodeName(node)).told_no_acker = state == NodeState::Replica;
  return *this;
}

ViewBuilder& ViewBuilder::accepted(const std::string& node, model::RecordVersion version) {
  report(node).accepted = version;
  return *this;
}

ViewBuilder& ViewBuilder::incarnation(const std::string& node, const std::string& name) {
  report(node).incarnation = name;
  return *this;
}

}  // namespace cdb::coordinator::test
