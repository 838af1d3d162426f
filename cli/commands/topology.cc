#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cdb/v1/clusters.pb.h"
#include "cli/commands/commands.h"
#include "cli/resource_table.h"
#include "cli/table.h"
#include "cli/topology_text.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

// On a terminal each picture takes the place of the one before; elsewhere they follow one another.
class Pictures {
 public:
  explicit Pictures(World& world) : world_(world) {}

  void show(const std::string& text) {
    if (text == last_) return;
    if (world_.out_terminal && rows_ > 0) {
      world_.out << fmt::format("\x1b[{}A\r\x1b[J", rows_);
    } else if (!last_.empty()) {
      world_.out << "\n";
    }
    rows_ = 0;
    for (const auto& line : split(text.substr(0, text.size() - 1), '\n')) {
      rows_ += terminal_rows(line, world_.columns);
    }
    world_.out << text << std::flush;
    last_ = text;
  }

 private:
  World& world_;
  std::string last_{};
  size_t rows_{0};
};

}  // namespace

Result<Exit> topology(Session& session, const TopologyArgs& args) {
  World& world = session.world;
  v1::GetTopologyRequest request;
  *request.mutable_cluster() = cluster_ref(session, args.cluster);
  if (!args.watch) {
    CDB_ASSIGN_OR_RETURN(const v1::Topology found, session.client.topology(request));
    if (!print_tree(world, args.format, to_tree(found))) {
      world.out << topology_text(found, world.clock.wall()) << std::flush;
    }
    return Exit::Ok;
  }
  Pictures pictures(world);
  return watch_result(
      session.client.watch_topology(request, follow_of(session), [&](const v1::Topology& found) {
        if (print_tree_in_stream(world, args.format, to_tree(found))) return;
        pictures.show(topology_text(found, world.clock.wall()));
      }));
}

}  // namespace cdb::cli
