// What an apply would change. The coordinator plans it (a dry run), so that what it fills in by
// itself is no difference.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cdb/v1/resources.pb.h"
#include "cli/apply_report.h"
#include "cli/commands/commands.h"
#include "cli/kinds.h"
#include "cli/line_diff.h"
#include "cli/table.h"

namespace cdb::cli {
namespace {

std::string spec_text(const v1::Resource& resource) {
  return to_yaml(resource_tree(resource)["spec"]);
}

// The spec as it is; empty where there is no such resource.
Result<std::string> present_text(Session& session, const v1::Resource& planned) {
  v1::GetRequest request;
  request.set_kind(planned.kind());
  request.set_namespace_(planned.metadata().namespace_());
  request.set_name(planned.metadata().name());
  const auto present = session.client.get(request);
  if (present) return spec_text(*present);
  if (present.error().code == Code::NotFound) return std::string{};
  return present.error();
}

}  // namespace

Result<Exit> diff(Session& session, const DiffArgs& args) {
  World& world = session.world;
  const auto manifest = read_manifest(session, args.files);
  if (!manifest) return Exit::Error;
  v1::ApplyRequest request;
  for (const auto& resource : manifest->resources)
    *request.add_resources() = resource;
  request.set_dry_run(true);
  const auto planned = session.client.apply(request);
  if (!planned && report_fields(world, *manifest, planned.error())) return Exit::Error;
  if (!planned) return planned.error();
  bool differs = false;
  for (const auto& result : planned->results()) {
    if (result.action() == "unchanged") continue;
    CDB_ASSIGN_OR_RETURN(const std::string present, present_text(session, result.resource()));
    differs = true;
    world.out << fmt::format("{} {}/{} ({})\n{}", result.resource().kind(),
                             result.resource().metadata().namespace_(),
                             result.resource().metadata().name(),
                             present.empty() ? "new" : "changed",
                             line_diff(present, spec_text(result.resource())))
              << std::flush;
    for (const auto& warning : result.warnings()) {
      world.err << fmt::format("warning: {}: {}\n", result.resource().metadata().name(),
                               one_line(warning));
    }
  }
  return differs && args.exit_code ? Exit::Differs : Exit::Ok;
}

}  // namespace cdb::cli
