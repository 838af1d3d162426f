// Both ways to move the primary: planned, and by a person's word.

#include <fmt/format.h>

#include "cdb/v1/clusters.pb.h"
#include "cli/commands/commands.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/wait.h"

namespace cdb::cli {
namespace {

// A dry run answers with the operation that would begin.
void print_plan(World& world, const v1::Operation& plan) {
  world.out << operation_title(plan) << " would begin (dry run)\n";
  Table arguments({"ARGUMENT", "VALUE"});
  for (const auto& [name, value] : plan.arguments())
    arguments.add({name, value});
  if (!arguments.empty()) world.out << arguments.text();
  Table steps({"STEP", "DETAIL"});
  for (const auto& step : plan.steps())
    steps.add({step.name(), step.detail()});
  if (!steps.empty()) world.out << steps.text();
  if (!plan.problem().empty()) world.err << "warning: " << one_line(plan.problem()) << "\n";
  world.out << std::flush;
}

Result<Exit> begin(Session& session, const v1::Operation& operation, bool dry_run, bool wait) {
  World& world = session.world;
  if (dry_run) {
    print_plan(world, operation);
    return Exit::Ok;
  }
  world.out << fmt::format("{} begun ({})\n", operation_title(operation), operation.id())
            << std::flush;
  if (!wait) {
    say_how_to_follow(world, {operation});
    return Exit::Ok;
  }
  return wait_for(session.client, world, {operation},
                  session.global.timeout.value_or(kDefaultWait));
}

}  // namespace

Result<Exit> switchover(Session& session, const SwitchoverArgs& args) {
  v1::SwitchoverRequest request;
  *request.mutable_cluster() = cluster_ref(session, args.cluster);
  request.set_to(args.to);
  request.set_dry_run(args.dry_run);
  CDB_ASSIGN_OR_RETURN(const v1::Operation operation, session.client.switchover(request));
  return begin(session, operation, args.dry_run, args.wait);
}

Result<Exit> failover(Session& session, const FailoverArgs& args) {
  v1::FailoverRequest request;
  *request.mutable_cluster() = cluster_ref(session, args.cluster);
  request.set_to(args.to);
  request.set_reason(args.reason);
  request.set_dry_run(args.dry_run);
  if (!args.dry_run) {
    const auto& cluster = request.cluster();
    CDB_TRY(confirm(
        session.world,
        fmt::format("replace the primary of {}/{}, even if it looks well{}", cluster.namespace_(),
                    cluster.name(), args.to.empty() ? "" : ", by " + args.to),
        cluster.name(), args.confirmed));
  }
  CDB_ASSIGN_OR_RETURN(const v1::Operation operation, session.client.failover(request));
  return begin(session, operation, args.dry_run, args.wait);
}

}  // namespace cdb::cli
