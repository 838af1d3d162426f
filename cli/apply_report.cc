#include "cli/apply_report.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "cdb/v1/resources.pb.h"
#include "cli/table.h"

namespace cdb::cli {
namespace {

void report_problems(World& world, const std::vector<Problem>& problems) {
  for (const auto& problem : problems)
    world.err << problem.text() << "\n";
  world.err << fmt::format("error: {} found; nothing was applied\n",
                           problems.size() == 1 ? "1 problem was"
                                                : fmt::format("{} problems were", problems.size()))
            << std::flush;
}

}  // namespace

std::optional<Manifest> read_manifest(Session& session, const std::vector<std::string>& files) {
  std::vector<Problem> problems;
  const auto inputs = read_inputs(files, session.world.in, problems);
  Manifest manifest = parse_manifest(
      inputs, {session.settings.name_space, session.settings.name_space_given}, problems);
  if (problems.empty()) return manifest;
  report_problems(session.world, problems);
  return std::nullopt;
}

bool report_fields(World& world, const Manifest& manifest, const Error& error) {
  if (error.fields.empty()) return false;
  std::vector<Problem> problems;
  for (const auto& field : error.fields) {
    problems.push_back(
        locate(manifest, {field.field, one_line(field.message), one_line(field.hint)}));
  }
  // In the order in which a person reads the files.
  std::map<std::string, size_t> order;
  for (const auto& source : manifest.sources)
    order.emplace(source.file, order.size());
  std::stable_sort(problems.begin(), problems.end(), [&](const Problem& a, const Problem& b) {
    return std::tuple(order[a.file], a.at.line, a.at.column) <
           std::tuple(order[b.file], b.at.line, b.at.column);
  });
  report_problems(world, problems);
  const bool own_hint = std::any_of(problems.begin(), problems.end(),
                                    [](const Problem& problem) { return !problem.hint.empty(); });
  if (!own_hint && !error.hint.empty()) world.err << "hint: " << one_line(error.hint) << "\n";
  return true;
}

}  // namespace cdb::cli
