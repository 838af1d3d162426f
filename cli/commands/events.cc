#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cdb/v1/operations.pb.h"
#include "cli/commands/commands.h"
#include "cli/table.h"

namespace cdb::cli {
namespace {

std::vector<std::string> row_of(const v1::Event& event) {
  const WallTime time(std::chrono::seconds(event.time().seconds()) +
                      std::chrono::microseconds(event.time().nanos() / 1000));
  const auto& cluster = event.cluster();
  return {to_rfc3339(time),
          event.severity(),
          cluster.name().empty() ? "" : fmt::format("{}/{}", cluster.namespace_(), cluster.name()),
          event.node(),
          event.type(),
          event.message()};
}

Table new_table() {
  return Table({"TIME", "SEVERITY", "CLUSTER", "NODE", "TYPE", "MESSAGE"});
}

// Where all events are asked for, those of other namespaces are left out here: the contract filters
// by cluster only.
bool is_meant(const Session& session, const EventsArgs& args, const v1::Event& event) {
  return !args.cluster.empty() || args.all_namespaces || event.cluster().name().empty() ||
         event.cluster().namespace_() == session.settings.name_space;
}

}  // namespace

Result<Exit> events(Session& session, const EventsArgs& args) {
  World& world = session.world;
  v1::ListEventsRequest request;
  if (!args.cluster.empty()) *request.mutable_cluster() = cluster_ref(session, args.cluster);
  request.set_limit(args.limit);
  Table table = new_table();
  if (args.watch) {
    return watch_result(
        session.client.watch_events(request, follow_of(session), [&](const v1::Event& event) {
          if (!is_meant(session, args, event)) return;
          if (print_tree_in_stream(world, args.format, to_tree(event))) return;
          table.add(row_of(event));
          world.out << table.take_new_rows() << std::flush;
        }));
  }
  CDB_ASSIGN_OR_RETURN(const v1::ListEventsResponse found, session.client.events(request));
  std::vector<Tree> trees;
  for (const auto& event : found.events()) {
    if (!is_meant(session, args, event)) continue;
    trees.push_back(to_tree(event));
    table.add(row_of(event));
  }
  if (print_tree(world, args.format, list_tree(std::move(trees)))) return Exit::Ok;
  if (table.empty()) {
    world.err << "no events\n";
  } else {
    world.out << table.text() << std::flush;
  }
  return Exit::Ok;
}

}  // namespace cdb::cli
