#include <fmt/format.h>

#include "cdb/v1/resources.pb.h"
#include "cli/commands/commands.h"
#include "cli/kinds.h"
#include "cli/manifest.h"
#include "cli/table.h"
#include "cli/wait.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

Exit report_problems(World& world, const std::vector<Problem>& problems) {
  for (const auto& problem : problems)
    world.err << problem.text() << "\n";
  world.err << fmt::format(
      "error: {} found; nothing was applied\n",
      problems.size() == 1 ? "1 problem was" : fmt::format("{} problems were", problems.size()));
  return Exit::Error;
}

Exit report_violations(World& world, const Manifest& manifest, const Error& error,
                       const std::vector<FieldViolation>& violations) {
  std::vector<Problem> problems;
  for (const auto& violation : violations) {
    problems.push_back(locate(manifest, violation.field, one_line(violation.description)));
  }
  // One hint for one complaint; for several it would hang in the air.
  if (problems.size() == 1) problems.front().hint = error.hint;
  const Exit exit = report_problems(world, problems);
  if (problems.size() > 1 && !error.hint.empty()) world.err << "hint: " << error.hint << "\n";
  return exit;
}

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

}  // namespace

Result<Exit> apply(Session& session, const ApplyArgs& args) {
  World& world = session.world;
  std::vector<Problem> problems;
  const auto inputs = read_inputs(args.files, world.in, problems);
  const Manifest manifest = parse_manifest(
      inputs, {session.settings.name_space, session.settings.name_space_given}, problems);
  if (!problems.empty()) return report_problems(world, problems);

  v1::ApplyRequest request;
  for (const auto& resource : manifest.resources)
    *request.add_resources() = resource;
  request.set_dry_run(args.dry_run);
  std::vector<FieldViolation> violations;
  const auto response = session.client.apply(request, violations);
  if (!response && !violations.empty()) {
    return report_violations(world, manifest, response.error(), violations);
  }
  if (!response) return response.error();

  std::vector<v1::Operation> running;
  for (const auto& result : response->results()) {
    print_result(session, result, args.dry_run);
    if (!args.dry_run && result.has_operation()) running.push_back(result.operation());
  }
  if (running.empty()) return Exit::Ok;
  if (!args.wait) {
    say_how_to_follow(world, running);
    return Exit::Ok;
  }
  return wait_for(session.client, world, running, session.global.timeout.value_or(kDefaultWait));
}

}  // namespace cdb::cli
