#include "coordinator/core/cluster_view.h"

#include <algorithm>

namespace cdb::coordinator {

using model::GtidSet;
using model::NodeName;
using model::NodeReport;

const MemberView* find_member(const ClusterView& view, const NodeName& name) {
  const auto found = view.members.find(name);
  return found == view.members.end() ? nullptr : &found->second;
}

bool is_current(const ClusterView& view, const NodeName& name) {
  const MemberView* member = find_member(view, name);
  return member != nullptr && member->connected && member->report &&
         member->report->accepted.epoch == view.record.version.epoch;
}

bool same_incarnation(const ClusterView& view, const NodeName& name) {
  const auto acker = view.record.ackers.find(name);
  const MemberView* member = find_member(view, name);
  return acker != view.record.ackers.end() && !view.record.leaving.contains(name) &&
         member != nullptr && member->report && member->report->incarnation == acker->second;
}

bool has_what_it_acknowledged(const ClusterView& view, const NodeName& name) {
  const auto acker = view.record.ackers.find(name);
  const MemberView* member = find_member(view, name);
  return acker != view.record.ackers.end() && !acker->second.empty() && member != nullptr &&
         member->report && member->report->incarnation == acker->second;
}

GtidSet holdings(const NodeReport& report) {
  if (!report.server) return {};
  return report.server->executed + report.server->replication.retrieved;
}

GtidSet errant_of(const ClusterRecord& record, const NodeReport& report) {
  GtidSet errant = holdings(report) - record.base;
  if (!record.primary_uuid.empty()) errant = errant.without_source(record.primary_uuid);
  return errant + report.errant;
}

bool streams_from(const NodeReport& report, const std::string& source_uuid) {
  return report.server && report.server->replication.receiver == model::ThreadState::On &&
         report.server->replication.source_uuid == source_uuid;
}

int live_ackers(const ClusterView& view) {
  return static_cast<int>(
      std::count_if(view.record.ackers.begin(), view.record.ackers.end(), [&](const auto& acker) {
        const MemberView* member = find_member(view, acker.first);
        return same_incarnation(view, acker.first) && member->connected &&
               streams_from(*member->report, view.record.primary_uuid);
      }));
}

Duration lapse_of(Duration ttl) {
  return ttl + ttl / 10;
}

std::set<NodeName> staying_voters(const ClusterRecord& record) {
  std::set<NodeName> staying = record.voters;
  for (const NodeName& name : record.leaving)
    staying.erase(name);
  return staying;
}

int promises_needed(const ClusterRecord& record) {
  return static_cast<int>(record.voters.size()) - record.holds_required + 1;
}

bool is_taken(const MemberView& member) {
  return member.maintenance || !member.reseed.empty();
}

bool acks_only_at_need(const ClusterView& view, const NodeName& primary, const NodeName& name) {
  const MemberView* first = find_member(view, primary);
  const MemberView* second = find_member(view, name);
  return view.policy.acks_from_other_zone && first != nullptr && second != nullptr &&
         !first->zone.empty() && first->zone == second->zone;
}

bool enough_ackers_elsewhere(const ClusterView& view) {
  const auto elsewhere =
      std::count_if(view.record.ackers.begin(), view.record.ackers.end(), [&](const auto& acker) {
        const MemberView* member = find_member(view, acker.first);
        return same_incarnation(view, acker.first) && member->connected && !is_taken(*member) &&
               streams_from(*member->report, view.record.primary_uuid) &&
               !acks_only_at_need(view, view.record.primary, acker.first);
      });
  return elsewhere >= std::max(1, view.policy.acks);
}

bool is_to_leave(const ClusterView& view, const NodeName& name) {
  const MemberView* member = find_member(view, name);
  if (member == nullptr) return true;
  return is_taken(*member) ||
         (acks_only_at_need(view, view.record.primary, name) &&
          view.record.acks_required >= view.policy.acks && enough_ackers_elsewhere(view));
}

int revocations_needed(const ClusterRecord& record) {
  return static_cast<int>(record.ackers.size()) - record.acks_required + 1;
}

GtidSet held_by_at_least(const std::vector<GtidSet>& sets, size_t count) {
  if (count == 0 || count > sets.size()) return {};
  // at_least[c]: what at least c of the sets seen so far contain.
  std::vector<GtidSet> at_least(count + 1);
  for (const GtidSet& set : sets) {
    for (size_t c = count; c >= 2; --c)
      at_least[c].add(at_least[c - 1] & set);
    at_least[1].add(set);
  }
  return at_least[count];
}

}  // namespace cdb::coordinator
