#include "cli/session.h"

#include <algorithm>

#include <fmt/format.h>

#include "cdb/v1/common.pb.h"
#include "cli/table.h"
#include "lib/base/text.h"

namespace cdb::cli {

void report(World& world, const Error& error) {
  world.err << "error: " << error.message << "\n";
  if (!error.hint.empty()) world.err << "hint: " << error.hint << "\n";
  world.err << std::flush;
}

Status confirm(World& world, const std::string& what, const std::string& name,
               const std::vector<std::string>& confirmed) {
  if (std::count(confirmed.begin(), confirmed.end(), name) > 0) return {};
  const std::string hint = fmt::format("give --confirm={}", name);
  if (!confirmed.empty()) {
    return precondition(
        fmt::format("{} was not confirmed: --confirm names {}", what, join(confirmed, ", ")), hint);
  }
  if (!world.in_terminal || !world.err_terminal) {
    return precondition(fmt::format("{} must be confirmed", what), hint);
  }
  world.err << fmt::format("This will {}.\nType the name, {}, to go on: ", what, name)
            << std::flush;
  std::string typed;
  std::getline(world.in, typed);
  if (trim(typed) == name) return {};
  return precondition(fmt::format("{} was not confirmed: the name typed is another", what));
}

v1::ClusterRef cluster_ref(const Session& session, const std::string& text) {
  v1::ClusterRef cluster;
  cluster.set_namespace_(session.settings.name_space);
  cluster.set_name(text);
  const auto parts = split(text, '/');
  if (parts.size() == 2) {
    cluster.set_name(parts[1]);
    if (to_lower(parts[0]) != "mysql") cluster.set_namespace_(parts[0]);
  }
  return cluster;
}

bool print_tree(World& world, Format format, const Tree& tree) {
  if (format != Format::Yaml && format != Format::Json) return false;
  world.out << (format == Format::Yaml ? to_yaml(tree) : to_json_text(tree)) << std::flush;
  return true;
}

bool print_tree_in_stream(World& world, Format format, const Tree& tree) {
  if (format != Format::Yaml && format != Format::Json) return false;
  world.out << (format == Format::Yaml ? "---\n" + to_yaml(tree) : to_json_line(tree))
            << std::flush;
  return true;
}

Follow follow_of(const Session& session) {
  Follow follow;
  follow.stop = session.world.interruptible();
  if (session.global.timeout) follow.deadline = Deadline::after(*session.global.timeout);
  follow.notice = [&err = session.world.err](const std::string& text) {
    err << one_line(text) << "\n" << std::flush;
  };
  return follow;
}

Result<Exit> watch_result(const Status& ended) {
  if (ended.ok() || ended.error().code == Code::Deadline) return Exit::Ok;
  if (ended.error().code == Code::Cancelled) return Exit::Interrupted;
  return ended.error();
}

}  // namespace cdb::cli
