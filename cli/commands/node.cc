// What is done to one node: a person takes it for a while, or it tries again.

#include <fmt/format.h>

#include "cdb/v1/clusters.pb.h"
#include "cli/commands/begin.h"
#include "cli/commands/commands.h"

namespace cdb::cli {

Result<Exit> maintenance(Session& session, const MaintenanceArgs& args) {
  v1::MaintenanceRequest request;
  *request.mutable_cluster() = cluster_ref(session, args.cluster);
  request.set_node(args.node);
  request.set_on(args.mode == "on");
  request.set_allow_unprotected(args.allow_unprotected);
  request.set_dry_run(args.how.dry_run);
  CDB_ASSIGN_OR_RETURN(const v1::Operation operation, session.client.maintenance(request));
  return follow_begun(session, operation, args.how);
}

Result<Exit> rejoin(Session& session, const RejoinArgs& args) {
  v1::RejoinRequest request;
  *request.mutable_cluster() = cluster_ref(session, args.cluster);
  request.set_node(args.node);
  request.set_reseed(args.reseed);
  request.set_dry_run(true);
  if (args.reseed && !args.how.dry_run) {
    // What the coordinator refuses needs no confirmation, and what it would archive is shown first.
    CDB_ASSIGN_OR_RETURN(const v1::Operation plan, session.client.rejoin(request));
    const auto archives = plan.arguments().find("archives");
    CDB_TRY(confirm(
        session.world,
        fmt::format("replace all data of {} by a copy of the primary's{}", args.node,
                    archives == plan.arguments().end()
                        ? ""
                        : "; only its archived binary logs will still have " + archives->second),
        args.node, args.confirmed));
  }
  request.set_dry_run(args.how.dry_run);
  CDB_ASSIGN_OR_RETURN(const v1::Operation operation, session.client.rejoin(request));
  return follow_begun(session, operation, args.how);
}

}  // namespace cdb::cli
