#include "coordinator/core/goals.h"

#include <algorithm>

namespace cdb::coordinator {
namespace {

using model::NodeGoal;
using model::NodeName;
using model::NodeState;

// Whom the others replicate from: the candidate as soon as it is chosen, which makes its first
// acknowledgement quick; the old primary until it has closed.
NodeName source_of(const ClusterRecord& record) {
  return record.phase == Phase::Promoting ? record.candidate : record.primary;
}

// A node that a person has is left alone as soon as nothing hangs on it: it neither acknowledges
// nor owes a proof.
NodeState state_of(const ClusterRecord& record, const NodeName& node, bool maintenance) {
  const bool free = node != record.primary && node != record.candidate &&
                    !record.ackers.contains(node) && !record.unfenced.contains(node) &&
                    !record.voters.contains(node);
  if (maintenance && free) return NodeState::Maintenance;
  const bool acks = record.ackers.contains(node) && !record.leaving.contains(node);
  switch (record.phase) {
    case Phase::Revoking:
      return record.unfenced.contains(node) ? NodeState::Fenced : NodeState::Revoked;
    case Phase::Demoting:
      if (node == record.primary) return NodeState::Fenced;
      return acks ? NodeState::Acker : NodeState::Replica;
    case Phase::Promoting:
      if (node == record.candidate) return NodeState::Promoting;
      // One whose proof is waited for, or that is not wanted as an acker, stays closed until
      // somebody has opened.
      if (record.unfenced.contains(node) && (record.proof_needed || !acks))
        return NodeState::Fenced;
      return acks ? NodeState::Acker : NodeState::Replica;
    case Phase::Forming:
    case Phase::Steady:
    case Phase::Publishing:
      if (node == record.primary) {
        return record.acks_wanted > 0 ? NodeState::Primary : NodeState::PrimaryUnprotected;
      }
      return acks ? NodeState::Acker : NodeState::Replica;
  }
  return NodeState::Replica;
}

// Also while the record still has acknowledgements that policy does not want any more.
bool acks_count(const ClusterView& view) {
  return view.policy.lossless || view.record.acks_required > 0 || view.record.acks_wanted > 0;
}

// Whether this member may replicate from others: the primary may count its acknowledgements, or it
// has said in this epoch that it gives none. One that was never revoked still acknowledges to
// whoever it is connected to.
bool is_admitted(const ClusterView& view, const NodeName& name) {
  if (view.record.leaving.contains(name) && acks_count(view)) return false;
  if (view.removing.contains(name)) return false;
  if (view.record.ackers.contains(name) || !acks_count(view)) return true;
  if (!is_current(view, name)) return false;
  const MemberView& member = *find_member(view, name);
  // Else an older goal may still make it acknowledge.
  if (!member.told_no_acker) return false;
  const auto& server = member.report->server;
  if (server) return !server->semisync.replica_enabled && !server->semisync.replica_acking;
  // One that does not answer may go on as it was.
  return member.report->mysqld == model::MysqldState::Stopped ||
         member.report->mysqld == model::MysqldState::NotInitialised;
}

std::vector<model::Peer> peers_of(const ClusterView& view, const ClusterRow& row,
                                  const NodeName& node) {
  const std::set<NodeName> voters = staying_voters(view.record);
  std::vector<model::Peer> peers;
  for (const auto& [name, member] : row.members) {
    if (name == node || member.address.empty()) continue;
    const bool acks = view.record.ackers.contains(name) && !view.record.leaving.contains(name);
    peers.push_back({.name = name,
                     .address = member.address,
                     .admitted = is_admitted(view, name),
                     .holder = acks_count(view) ? acks : voters.contains(name)});
  }
  return peers;
}

}  // namespace

std::optional<NodeGoal> goal_for(const ClusterView& view, const ClusterRow& row,
                                 const NodeSizing& sizing, const NodeName& node) {
  const ClusterRecord& record = view.record;
  const auto member = row.members.find(node);
  if (record.phase == Phase::Forming || member == row.members.end()) return std::nullopt;

  NodeGoal goal;
  goal.record = record.version;
  const MemberView* seen = find_member(view, node);
  goal.state = state_of(record, node, seen != nullptr && seen->maintenance);
  goal.acks_required = record.acks_wanted;
  goal.open_boot = record.open_boot;
  goal.sole = row.members.size() == 1;
  goal.planned = record.phase == Phase::Demoting;
  goal.base = record.base;
  goal.credentials = row.credentials;
  goal.peers = peers_of(view, row, node);
  // h = k: any that many holders block every failover; where policy waits for more than there are,
  // all of them do. Asynchronous: one of the voters does.
  const int staying = static_cast<int>(
      std::count_if(record.ackers.begin(), record.ackers.end(),
                    [&](const auto& acker) { return !record.leaving.contains(acker.first); }));
  goal.holds_required = acks_count(view)                 ? std::min(record.acks_wanted, staying)
                        : staying_voters(record).empty() ? 0
                                                         : 1;
  goal.heartbeat = view.policy.heartbeat;
  goal.ttl = view.policy.ttl;
  goal.server_id = member->second.server_id;
  goal.memory_bytes = sizing.memory_bytes;
  goal.vcpu = sizing.vcpu;
  goal.disk_kind = sizing.disk_kind;
  goal.disk_bytes = sizing.disk_bytes;
  goal.settings = sizing.settings;

  const NodeName source = source_of(record);
  const auto from = row.members.find(source);
  const bool replicates = goal.state == NodeState::Replica || goal.state == NodeState::Acker;
  const bool has_source = replicates || goal.state == NodeState::Maintenance;
  if (has_source && source != node && from != row.members.end() && !from->second.address.empty()) {
    goal.source = model::Endpoint{from->second.address, 3306};
  }
  // In Promoting the candidate has written nothing yet: whatever base lacks is errant.
  if (record.phase != Phase::Promoting) goal.source_uuid = record.primary_uuid;
  if (goal.state == NodeState::Promoting && record.version.epoch > 1) goal.drain_to = record.base;

  // Only the very first primary may begin with nothing; a replica always may.
  goal.may_initialise =
      replicates || (goal.state == NodeState::Promoting && record.version.epoch == 1);
  const MemberView* primary = find_member(view, record.primary);
  const bool primary_open = record.opened &&
                            (record.phase == Phase::Steady || record.phase == Phase::Publishing) &&
                            primary != nullptr && primary->connected && primary->report &&
                            (primary->report->state == NodeState::Primary ||
                             primary->report->state == NodeState::PrimaryUnprotected);
  // A node whose acknowledgements count leaves A before its copy of the data goes.
  const auto acker = record.ackers.find(node);
  const bool counts = acker != record.ackers.end() && seen != nullptr && seen->report &&
                      acker->second == seen->report->incarnation;
  goal.may_reseed = replicates && primary_open && !counts;
  // Since it opened, base is all that anybody else ever had. Only where commits waited is a tail
  // rolled back.
  goal.may_trim = replicates && record.opened && view.policy.lossless && node != record.primary;
  if (seen != nullptr) {
    // Not before it has left A: until then its copy counts.
    if (goal.may_reseed && !record.ackers.contains(node)) goal.reseed = seen->reseed;
    goal.rejoin = seen->rejoin;
  }
  return goal;
}

}  // namespace cdb::coordinator
