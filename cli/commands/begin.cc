#include "cli/commands/begin.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cdb/v1/operations.pb.h"
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

}  // namespace

Result<Exit> follow_begun(Session& session, const v1::Operation& operation, const BeginArgs& how) {
  World& world = session.world;
  const bool as_tree = how.format == Format::Json || how.format == Format::Yaml;
  if (how.dry_run || !how.wait) {
    if (print_tree(world, how.format, to_tree(operation))) return Exit::Ok;
  }
  if (how.dry_run) {
    print_plan(world, operation);
    return Exit::Ok;
  }
  if (!as_tree) {
    world.out << fmt::format("{} begun ({})\n", operation_title(operation), operation.id())
              << std::flush;
  }
  if (!how.wait) {
    say_how_to_follow(world, {operation});
    return Exit::Ok;
  }
  const Exit exit =
      wait_for(session.client, world, {operation}, session.global.timeout.value_or(kDefaultWait));
  if (as_tree) {
    CDB_ASSIGN_OR_RETURN(const v1::Operation ended, session.client.operation(operation.id()));
    print_tree(world, how.format, to_tree(ended));
  }
  return exit;
}

}  // namespace cdb::cli
