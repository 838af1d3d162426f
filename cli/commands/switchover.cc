// Both ways to move the primary: planned, and by a person's word.

#include <fmt/format.h>

#include "cdb/v1/clusters.pb.h"
#include "cli/commands/begin.h"
#include "cli/commands/commands.h"

namespace cdb::cli {

Result<Exit> switchover(Session& session, const SwitchoverArgs& args) {
  v1::SwitchoverRequest request;
  *request.mutable_cluster() = cluster_ref(session, args.cluster);
  request.set_to(args.to);
  request.set_dry_run(args.how.dry_run);
  CDB_ASSIGN_OR_RETURN(const v1::Operation operation, session.client.switchover(request));
  return follow_begun(session, operation, args.how);
}

// What a person has to agree to. With data at stake the coordinator is asked first: what it refuses
// needs no confirmation, and what may be lost is shown.
static Status confirm_failover(Session& session, v1::FailoverRequest request,
                               const FailoverArgs& args) {
  const auto& cluster = request.cluster();
  const std::string name = cluster.namespace_() + "/" + cluster.name();
  const std::string by = args.to.empty() ? "" : ", by " + args.to;
  if (!args.allow_data_loss) {
    return confirm(session.world,
                   fmt::format("replace the primary of {}, even if it looks well{}", name, by),
                   cluster.name(), args.confirmed);
  }
  request.set_dry_run(true);
  CDB_ASSIGN_OR_RETURN(const v1::Operation plan, session.client.failover(request));
  const auto lost = plan.arguments().find("may_be_lost");
  return confirm(
      session.world,
      fmt::format("give {} a primary that may lack acknowledged writes{}. May be lost: {}", name,
                  by, lost == plan.arguments().end() ? "nobody knows" : lost->second),
      cluster.name(), args.confirmed);
}

Result<Exit> failover(Session& session, const FailoverArgs& args) {
  v1::FailoverRequest request;
  *request.mutable_cluster() = cluster_ref(session, args.cluster);
  request.set_to(args.to);
  request.set_reason(args.reason);
  request.set_dry_run(args.how.dry_run);
  request.set_allow_data_loss(args.allow_data_loss);
  if (!args.how.dry_run && !args.yes) CDB_TRY(confirm_failover(session, request, args));
  CDB_ASSIGN_OR_RETURN(const v1::Operation operation, session.client.failover(request));
  return follow_begun(session, operation, args.how);
}

}  // namespace cdb::cli
