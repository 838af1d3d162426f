#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cdb/v1/operations.pb.h"
#include "cli/commands/commands.h"
#include "cli/progress.h"
#include "cli/resource_table.h"
#include "cli/table.h"
#include "cli/wait.h"

namespace cdb::cli {
namespace {

struct Found {
  std::vector<v1::Operation> operations{};
  bool one{false};  // asked for by its id
};

Result<Found> find_operations(Session& session, const OperationsArgs& args) {
  if (!args.which.empty()) {
    auto one = session.client.operation(args.which);
    if (one) return Found{{std::move(one).value()}, true};
    if (one.error().code != Code::NotFound && one.error().code != Code::Invalid) return one.error();
  }
  v1::ListOperationsRequest request;
  if (!args.which.empty()) *request.mutable_cluster() = cluster_ref(session, args.which);
  request.set_running_only(args.running || args.watch);
  CDB_ASSIGN_OR_RETURN(const v1::ListOperationsResponse response,
                       session.client.operations(request));
  Found found;
  for (const auto& operation : response.operations()) {
    const bool meant = !args.which.empty() || args.all_namespaces ||
                       operation.cluster().namespace_() == session.settings.name_space;
    if (meant) found.operations.push_back(operation);
  }
  if (found.operations.empty() && !args.which.empty() && !request.running_only()) {
    return not_found(
        fmt::format("there is no operation {0} and no operation of a cluster {0}", args.which),
        "cdb operations lists all");
  }
  return found;
}

std::string present_step(const v1::Operation& operation) {
  for (const auto& step : operation.steps()) {
    if (step.state() == "running" || step.state() == "failed") return step.name();
  }
  return {};
}

void print_table(World& world, const std::vector<v1::Operation>& operations) {
  const WallTime now = world.clock.wall();
  Table table({"ID", "KIND", "CLUSTER", "STATE", "STEP", "TOOK", "AGE", "PROBLEM"});
  for (const auto& operation : operations) {
    table.add({operation.id(), operation.kind(),
               fmt::format("{}/{}", operation.cluster().namespace_(), operation.cluster().name()),
               operation.state(), present_step(operation), to_text(operation_age(operation, now)),
               age_text(operation.created(), now), operation.problem()});
  }
  world.out << table.text() << std::flush;
}

void print_one(World& world, const v1::Operation& operation) {
  for (const auto& line : live_lines(operation, world.clock.wall()))
    world.out << line << "\n";
  for (const auto& [name, value] : operation.arguments()) {
    world.out << fmt::format("  argument {}: {}\n", name, one_line(value));
  }
  world.out << std::flush;
}

}  // namespace

Result<Exit> operations(Session& session, const OperationsArgs& args) {
  World& world = session.world;
  CDB_ASSIGN_OR_RETURN(const Found found, find_operations(session, args));
  if (args.watch) {
    if (found.operations.empty()) {
      world.err << "no operation is running\n";
      return Exit::Ok;
    }
    return wait_for(session.client, world, found.operations,
                    session.global.timeout.value_or(kDefaultWait));
  }
  std::vector<Tree> trees;
  for (const auto& operation : found.operations)
    trees.push_back(to_tree(operation));
  if (args.format == Format::Yaml || args.format == Format::Json) {
    print_tree(world, args.format, found.one ? trees.front() : list_tree(std::move(trees)));
  } else if (args.format == Format::Name) {
    for (const auto& operation : found.operations)
      world.out << operation.id() << "\n";
  } else if (found.one) {
    print_one(world, found.operations.front());
  } else if (found.operations.empty()) {
    world.err << (args.running ? "no operation is running\n" : "no operations\n");
  } else {
    print_table(world, found.operations);
  }
  world.out << std::flush;
  return Exit::Ok;
}

}  // namespace cdb::cli
