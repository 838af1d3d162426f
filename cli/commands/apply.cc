#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "cdb/v1/resources.pb.h"
#include "cli/apply_report.h"
#include "cli/commands/commands.h"
#include "cli/kinds.h"
#include "cli/table.h"
#include "cli/wait.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

void print_result(Session& session, const v1::ApplyResult& result, bool dry_run) {
  const auto& resource = result.resource();
  const auto& metadata = resource.metadata();
  const KindInfo* kind = find_kind(resource.kind());
  const std::string name = fmt::format(
      "{}/{}", kind == nullptr ? to_lower(resource.kind()) : kind->word, metadata.name());
  std::string line = fmt::format("{} {}", name, result.action());
  if (metadata.namespace_() != session.settings.name_space) {
    line += fmt::format(" in namespace {}", metadata.namespace_());
  }
  if (dry_run) line += " (dry run)";
  session.world.out << line << "\n" << std::flush;
  for (const auto& warning : result.warnings()) {
    session.world.err << fmt::format("warning: {}: {}\n", name, one_line(warning));
  }
}

// What runs already on the clusters of resources that began nothing: an earlier apply, say, that
// nobody waited for.
Result<std::vector<v1::Operation>> begun_before(Session& session,
                                                const v1::ApplyResponse& response) {
  std::set<std::pair<std::string, std::string>> clusters;
  for (const auto& result : response.results()) {
    const auto& metadata = result.resource().metadata();
    if (!result.has_operation()) clusters.emplace(metadata.namespace_(), metadata.name());
  }
  std::vector<v1::Operation> running;
  for (const auto& cluster : clusters) {
    v1::ListOperationsRequest request;
    request.mutable_cluster()->set_namespace_(cluster.first);
    request.mutable_cluster()->set_name(cluster.second);
    request.set_running_only(true);
    CDB_ASSIGN_OR_RETURN(const auto found, session.client.operations(request));
    running.insert(running.end(), found.operations().begin(), found.operations().end());
  }
  return running;
}

// Each once: several resources of a cluster may share one.
void add_new(const v1::Operation& operation, std::vector<v1::Operation>& operations) {
  const bool known =
      std::any_of(operations.begin(), operations.end(),
                  [&](const v1::Operation& other) { return other.id() == operation.id(); });
  if (!known) operations.push_back(operation);
}

}  // namespace

Result<Exit> apply(Session& session, const ApplyArgs& args) {
  World& world = session.world;
  const auto manifest = read_manifest(session, args.files);
  if (!manifest) return Exit::Error;
  v1::ApplyRequest request;
  for (const auto& resource : manifest->resources)
    *request.add_resources() = resource;
  request.set_dry_run(args.dry_run);
  const auto response = session.client.apply(request);
  if (!response && report_fields(world, *manifest, response.error())) return Exit::Error;
  if (!response) return response.error();

  std::vector<v1::Operation> running;
  for (const auto& result : response->results()) {
    print_result(session, result, args.dry_run);
    if (!args.dry_run && result.has_operation()) add_new(result.operation(), running);
  }
  if (args.wait && !args.dry_run) {
    CDB_ASSIGN_OR_RETURN(const auto earlier, begun_before(session, *response));
    for (const auto& operation : earlier)
      add_new(operation, running);
  }
  if (running.empty()) return Exit::Ok;
  if (!args.wait) {
    say_how_to_follow(world, running);
    return Exit::Ok;
  }
  return wait_for(session.client, world, running, session.global.timeout.value_or(kDefaultWait));
}

}  // namespace cdb::cli
