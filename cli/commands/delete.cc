#include <fmt/format.h>

#include "cdb/v1/resources.pb.h"
#include "cli/commands/commands.h"
#include "cli/kinds.h"
#include "cli/manifest.h"
#include "cli/wait.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

struct Target {
  const KindInfo* kind{nullptr};
  std::string name_space{};
  std::string name{};
};

std::string described(const Target& target) {
  const std::string what =
      fmt::format("delete {} {}/{}", target.kind->name, target.name_space, target.name);
  return target.kind->name == "MySQL" ? what + " with its machines, its data and its names" : what;
}

Result<Target> target_of(const Session& session, const DeleteArgs& args) {
  std::string word = args.kind;
  std::string name = args.name;
  if (const auto parts = split(word, '/'); parts.size() == 2 && name.empty()) {
    word = parts[0];
    name = parts[1];
  }
  CDB_ASSIGN_OR_RETURN(const KindInfo* kind, kind_from_word(word));
  if (name.empty()) {
    return invalid(fmt::format("which {} is to be deleted?", kind->name),
                   fmt::format("cdb delete {} NAME", kind->word));
  }
  return Target{kind, session.settings.name_space, name};
}

// Last declared, first deleted: what depends on another resource stands below it.
Result<std::vector<Target>> targets_of(const Session& session, const DeleteArgs& args) {
  std::vector<Target> targets;
  if (args.files.empty()) {
    CDB_ASSIGN_OR_RETURN(Target target, target_of(session, args));
    targets.push_back(std::move(target));
  } else {
    std::vector<Problem> problems;
    const auto inputs = read_inputs(args.files, session.world.in, problems);
    const Manifest manifest = parse_manifest(
        inputs, {session.settings.name_space, session.settings.name_space_given}, problems);
    for (const auto& problem : problems)
      session.world.err << problem.text() << "\n";
    if (!problems.empty()) return invalid("the files have problems; nothing was deleted");
    for (auto i = manifest.resources.rbegin(); i != manifest.resources.rend(); ++i) {
      targets.push_back({find_kind(i->kind()), i->metadata().namespace_(), i->metadata().name()});
    }
  }
  for (const auto& target : targets) {
    if (!target.kind->generated) continue;
    return precondition(
        fmt::format("{} {} is generated and cannot be deleted", target.kind->name, target.name),
        target.kind->instead);
  }
  return targets;
}

}  // namespace

Result<Exit> remove(Session& session, const DeleteArgs& args) {
  World& world = session.world;
  CDB_ASSIGN_OR_RETURN(const std::vector<Target> targets, targets_of(session, args));
  for (const auto& target : targets) {
    CDB_TRY(confirm(world, described(target), target.name, args.confirmed));
  }
  std::vector<v1::Operation> running;
  Exit exit = Exit::Ok;
  for (const auto& target : targets) {
    v1::DeleteRequest request;
    request.set_kind(target.kind->name);
    request.set_namespace_(target.name_space);
    request.set_name(target.name);
    const auto response = session.client.remove(request);
    if (!response) {
      if (targets.size() == 1) return response.error();
      report(world, response.error().in(described(target)));
      exit = exit_for(response.error().code);
      continue;
    }
    const bool now = !response->has_operation();
    world.out << fmt::format("{}/{} {}\n", target.kind->word, target.name,
                             now ? "deleted" : "is being deleted")
              << std::flush;
    if (!now) running.push_back(response->operation());
  }
  if (running.empty()) return exit;
  if (!args.wait) {
    say_how_to_follow(world, running);
    return exit;
  }
  const Exit waited =
      wait_for(session.client, world, running, session.global.timeout.value_or(kDefaultWait));
  return exit == Exit::Ok ? waited : exit;
}

}  // namespace cdb::cli
