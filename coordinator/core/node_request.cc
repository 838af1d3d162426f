#include "coordinator/core/node_request.h"

#include <algorithm>

#include <fmt/format.h>

#include "coordinator/core/rules.h"

namespace cdb::coordinator {
namespace {

using model::GtidSet;
using model::NodeName;
using model::NodeReport;
using model::NodeState;

Status check_replica(const ClusterView& view, const NodeName& node, const char* what) {
  if (!view.members.contains(node)) {
    return not_found("no node " + node.str() + " in this cluster");
  }
  if (!rules::is_opened_phase(view.record.phase)) {
    return precondition(
        "an election is under way (" + std::string(to_string(view.record.phase)) + ")",
        "wait until the cluster is steady");
  }
  if (node == view.record.primary) {
    return precondition(fmt::format("{} is the primary: {} would end all writes", node.str(), what),
                        "first move the primary away: cdb switchover");
  }
  return {};
}

// A primary that is open now and answers; the only place that data can come from.
const NodeReport* open_primary(const ClusterView& view) {
  const NodeReport* primary = rules::primary_now(view);
  return primary != nullptr && rules::is_writable(*primary) && primary->server ? primary : nullptr;
}

}  // namespace

Status check_maintenance(const ClusterView& view, const NodeRequest& request) {
  CDB_TRY(check_replica(view, request.node, "maintenance"));
  if (find_member(view, request.node)->maintenance) {
    return precondition(request.node.str() + " is in maintenance already");
  }
  if (view.removing.contains(request.node)) {
    return precondition(request.node.str() + " is being removed");
  }
  const bool counts = view.record.ackers.contains(request.node);
  if (!counts || view.record.acks_wanted == 0) return {};
  const auto others =
      std::count_if(view.record.ackers.begin(), view.record.ackers.end(), [&](const auto& acker) {
        const MemberView* member = find_member(view, acker.first);
        return acker.first != request.node && same_incarnation(view, acker.first) &&
               member->connected && !is_taken(*member) &&
               streams_from(*member->report, view.record.primary_uuid);
      });
  if (others >= view.record.acks_wanted) return {};
  const std::string why = fmt::format("without {} {} of {} ackers would be left",
                                      request.node.str(), others, view.record.acks_wanted);
  if (view.policy.without_ackers == WithoutAckers::Block) {
    return precondition(why + ", and policy lets writes wait then",
                        "bring another replica back first, or change without_ackers");
  }
  if (request.allow_unprotected) return {};
  return precondition(why, others == 0 ? "--allow-unprotected lets writes go on with no acker"
                                       : "--allow-unprotected lets writes go on with fewer");
}

Status check_maintenance_end(const ClusterView& view, const NodeName& node) {
  const MemberView* member = find_member(view, node);
  if (member == nullptr) return not_found("no node " + node.str() + " in this cluster");
  if (!member->maintenance) return precondition(node.str() + " is not in maintenance");
  return {};
}

Status check_rejoin(const ClusterView& view, const NodeName& node) {
  CDB_TRY(check_replica(view, node, "a rejoin"));
  const MemberView& member = *find_member(view, node);
  if (member.maintenance) {
    return precondition(node.str() + " is in maintenance",
                        "end that first: cdb maintenance CLUSTER " + node.str() + " off");
  }
  if (!member.connected || !member.report) {
    return precondition("the agent of " + node.str() + " is not connected",
                        "start its machine and its agent; it rejoins by itself then");
  }
  if (open_primary(view) == nullptr) {
    return precondition("there is no open primary to replicate from",
                        "cdb topology shows what hinders it");
  }
  return {};
}

Status check_reseed(const ClusterView& view, const NodeName& node) {
  CDB_TRY(check_rejoin(view, node));
  const NodeReport& report = *find_member(view, node)->report;
  const NodeReport& primary = *open_primary(view);
  if (report.incarnation.empty()) {
    return precondition(node.str() + " has no data that could be replaced",
                        "it is seeded by itself");
  }
  // What it holds of the cluster's own must be elsewhere too. What it alone made up is archived.
  const GtidSet own = errant_of(view.record, report);
  GtidSet only_here = holdings(report) - own - primary.server->executed;
  // The primary's report may be the older one: what streams from it now is there.
  if (streams_from(report, view.record.primary_uuid))
    only_here = only_here.without_source(view.record.primary_uuid);
  if (!only_here.empty()) {
    return precondition(fmt::format("{} holds {} transactions that the primary does not ({})",
                                    node.str(), only_here.count(), only_here.str()),
                        "it may be the only copy: look before it is replaced");
  }
  if (!primary.server->executed.contains(view.record.base)) {
    return precondition("the primary lacks a part of what was acknowledged before it was elected",
                        "this node may hold the only copy");
  }
  return {};
}

}  // namespace cdb::coordinator
