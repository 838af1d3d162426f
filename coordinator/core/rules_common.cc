#include "coordinator/core/rules.h"

namespace cdb::coordinator::rules {

using model::NodeName;
using model::NodeReport;
using model::NodeState;

ClusterRecord next_version(const ClusterView& view) {
  ClusterRecord record = view.record;
  ++record.version.version;
  record.blocked.clear();
  return record;
}

ClusterRecord next_epoch(const ClusterView& view) {
  ClusterRecord record = view.record;
  record.version = {record.version.epoch + 1, 1};
  record.blocked.clear();
  return record;
}

// The same record that says why it does not go on. No new version: nothing is asked of anyone.
Outcome blocked(const ClusterView& view, std::string why) {
  if (view.record.blocked == why) return {why, std::nullopt};
  ClusterRecord record = view.record;
  record.blocked = why;
  return {std::move(why), std::move(record)};
}

Outcome wait(std::string why) {
  return {std::move(why), std::nullopt};
}

const NodeReport* report_of(const ClusterView& view, const NodeName& name) {
  const MemberView* member = find_member(view, name);
  return member != nullptr && member->report ? &*member->report : nullptr;
}

// The primary's report, if its session is open and it knows the present record.
const NodeReport* primary_now(const ClusterView& view) {
  return is_current(view, view.record.primary) ? report_of(view, view.record.primary) : nullptr;
}

bool is_writable(const NodeReport& report) {
  return report.state == NodeState::Primary || report.state == NodeState::PrimaryUnprotected;
}

bool is_opened_phase(Phase phase) {
  return phase == Phase::Steady || phase == Phase::Publishing;
}

}  // namespace cdb::coordinator::rules
