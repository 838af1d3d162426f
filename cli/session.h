#pragma once
// What every command is given, and the words they share. One thread.

#include <string>
#include <string_view>
#include <vector>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/settings.h"
#include "cli/tree.h"
#include "cli/world.h"

namespace cdb::v1 {
class ClusterRef;
}

namespace cdb::cli {

struct Session {
  World& world;
  Client& client;
  const Settings& settings;
  const GlobalArgs& global;
};

// "error: ..." and "hint: ..." on standard error.
void report(World& world, const Error& error);
// Asks a person to type `name`, unless `confirmed` names it already. Precondition where nobody did.
Status confirm(World& world, const std::string& what, const std::string& name,
               const std::vector<std::string>& confirmed);
// "demo", "mysql/demo" or "other/demo" (namespace/name) as the cluster that is meant.
v1::ClusterRef cluster_ref(const Session& session, const std::string& text);
// Prints a tree as YAML or JSON; false for the other formats.
bool print_tree(World& world, Format format, const Tree& tree);
// The same within a stream: YAML documents, JSON on one line.
bool print_tree_in_stream(World& world, Format format, const Tree& tree);
// What `-w` stays for: until Ctrl-C, or --timeout.
Follow follow_of(const Session& session);
// How a watch ended: Ctrl-C and --timeout end it well.
Result<Exit> watch_result(const Status& ended);

}  // namespace cdb::cli
