// What needs no coordinator: contexts and the version.

#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/table.h"
#include "lib/base/text.h"

namespace cdb::cli {

Result<Exit> context(World& world, const ContextArgs& args) {
  CDB_ASSIGN_OR_RETURN(ContextFile file, read_contexts(context_path(world)));
  if (args.use.empty()) {
    if (file.contexts.empty()) {
      world.err << "no contexts in " << file.path.string() << "\n";
      return Exit::Ok;
    }
    Table table({"CURRENT", "NAME", "ENDPOINTS", "NAMESPACE", "DNS"});
    for (const auto& known : file.contexts) {
      table.add({known.name == file.current ? "*" : " ", known.name, join(known.endpoints, ","),
                 known.name_space, known.dns});
    }
    world.out << table.text() << std::flush;
    return Exit::Ok;
  }
  std::vector<std::string> names;
  for (const auto& known : file.contexts) {
    names.push_back(known.name);
    if (known.name != args.use) continue;
    file.current = args.use;
    CDB_TRY(write_contexts(file));
    world.err << fmt::format("context {} is used from now on\n", args.use);
    return Exit::Ok;
  }
  const std::string meant = nearest(args.use, names);
  return not_found(fmt::format("there is no context {} in {}", args.use, file.path.string()),
                   meant.empty() ? "" : fmt::format("did you mean {}?", meant));
}

Result<Exit> version(World& world) {
  world.out << "cdb " << CDB_VERSION << "\n" << std::flush;
  return Exit::Ok;
}

}  // namespace cdb::cli
