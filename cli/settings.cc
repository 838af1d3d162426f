#include "cli/settings.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/tree.h"
#include "cli/yaml_tree.h"
#include "lib/base/atomic_file.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

using Type = YamlNode::Type;

// Where a coordinator on this machine listens unless told otherwise.
constexpr const char* kDefaultEndpoint = "127.0.0.1:7400";

std::string text_of(const YamlNode& map, std::string_view key) {
  const YamlNode* node = map.find(key);
  return node == nullptr ? std::string{} : node->text;
}

std::vector<std::string> endpoints_of(std::string_view text) {
  std::vector<std::string> endpoints;
  for (const auto& part : split(text, ',')) {
    if (!trim(part).empty()) endpoints.emplace_back(trim(part));
  }
  return endpoints;
}

Status check_keys(const std::string& file, const YamlNode& map,
                  const std::vector<std::string>& known) {
  for (const auto& key : map.keys) {
    if (std::count(known.begin(), known.end(), key.text) > 0) continue;
    const std::string meant = nearest(key.text, known);
    return invalid(
        fmt::format("{}:{}:{}: unknown field {}", file, key.at.line, key.at.column, key.text),
        meant.empty() ? "known are " + join(known, ", ") : fmt::format("did you mean {}?", meant));
  }
  return {};
}

Result<Context> read_context(const std::string& file, const YamlNode& node) {
  if (node.type != Type::Map || text_of(node, "name").empty()) {
    return invalid(
        fmt::format("{}:{}:{}: a context needs a name", file, node.at.line, node.at.column),
        "write - {name: NAME, endpoints: [HOST:PORT], namespace: NAMESPACE}");
  }
  CDB_TRY(check_keys(file, node, {"name", "endpoints", "namespace", "dns"}));
  Context context{text_of(node, "name"), {}, text_of(node, "namespace"), text_of(node, "dns")};
  if (const YamlNode* endpoints = node.find("endpoints")) {
    if (endpoints->type == Type::Scalar) context.endpoints = endpoints_of(endpoints->text);
    for (const auto& item : endpoints->items)
      context.endpoints.push_back(item.text);
  }
  return context;
}

Status check_endpoint(const std::string& endpoint) {
  if (endpoint.rfind("unix:", 0) == 0) return {};
  const size_t colon = endpoint.rfind(':');
  const bool port = colon != std::string::npos && colon + 1 < endpoint.size() &&
                    endpoint.find_first_not_of("0123456789", colon + 1) == std::string::npos;
  if (port && colon > 0) return {};
  return invalid(fmt::format("\"{}\" is no endpoint", endpoint), "write host:port");
}

Result<Context> chosen_context(const GlobalArgs& global, const World& world) {
  CDB_ASSIGN_OR_RETURN(const ContextFile file, read_contexts(context_path(world)));
  const std::string asked = !global.context.empty() ? global.context : world.env("CDB_CONTEXT");
  const std::string name = !asked.empty() ? asked : file.current;
  if (name.empty()) return Context{};
  std::vector<std::string> known;
  for (const auto& context : file.contexts) {
    if (context.name == name) return context;
    known.push_back(context.name);
  }
  const std::string meant = nearest(name, known);
  return invalid(fmt::format("there is no context {} in {}", name, file.path.string()),
                 !meant.empty()  ? fmt::format("did you mean {}?", meant)
                 : known.empty() ? "the file names no context"
                                 : "the contexts are " + join(known, ", "));
}

}  // namespace

std::filesystem::path context_path(const World& world) {
  if (const auto path = world.env("CDB_CONFIG"); !path.empty()) return path;
  const std::string base = world.env("XDG_CONFIG_HOME");
  if (base.empty() && world.env("HOME").empty()) return {};
  const std::filesystem::path folder = base.empty()
                                           ? std::filesystem::path(world.env("HOME")) / ".config"
                                           : std::filesystem::path(base);
  return folder / "cdb" / "config.yaml";
}

Result<ContextFile> read_contexts(const std::filesystem::path& path) {
  ContextFile file{path, {}, {}};
  if (path.empty()) return file;
  const auto text = read_file(path);
  if (!text) {
    if (text.error().code == Code::NotFound) return file;
    return text.error();
  }
  std::vector<Problem> problems;
  const auto documents = parse_yaml(path.string(), *text, problems);
  if (!problems.empty()) return invalid(problems.front().text());
  if (documents.empty()) return file;
  const YamlNode& root = documents.front();
  CDB_TRY(check_keys(path.string(), root, {"current-context", "contexts"}));
  file.current = text_of(root, "current-context");
  if (const YamlNode* contexts = root.find("contexts")) {
    for (const auto& item : contexts->items) {
      CDB_ASSIGN_OR_RETURN(Context context, read_context(path.string(), item));
      file.contexts.push_back(std::move(context));
    }
  }
  return file;
}

Status write_contexts(const ContextFile& file) {
  Tree tree = Tree::object();
  tree["current-context"] = file.current;
  tree["contexts"] = Tree::array();
  for (const auto& context : file.contexts) {
    Tree entry = Tree::object();
    entry["name"] = context.name;
    entry["endpoints"] = context.endpoints;
    if (!context.name_space.empty()) entry["namespace"] = context.name_space;
    if (!context.dns.empty()) entry["dns"] = context.dns;
    tree["contexts"].push_back(std::move(entry));
  }
  return write_file_atomically(file.path, to_yaml(tree));
}

Result<Settings> find_settings(const GlobalArgs& global, const World& world) {
  CDB_ASSIGN_OR_RETURN(const Context context, chosen_context(global, world));
  Settings settings;
  settings.endpoints = endpoints_of(global.endpoints);
  if (settings.endpoints.empty()) settings.endpoints = endpoints_of(world.env("CDB_ENDPOINTS"));
  if (settings.endpoints.empty()) settings.endpoints = context.endpoints;
  if (settings.endpoints.empty()) settings.endpoints.emplace_back(kDefaultEndpoint);
  for (const auto& endpoint : settings.endpoints)
    CDB_TRY(check_endpoint(endpoint));
  settings.name_space_given = !global.name_space.empty();
  for (const auto& candidate :
       {global.name_space, world.env("CDB_NAMESPACE"), context.name_space}) {
    if (candidate.empty()) continue;
    settings.name_space = candidate;
    break;
  }
  settings.dns = !world.env("CDB_DNS").empty() ? world.env("CDB_DNS") : context.dns;
  return settings;
}

}  // namespace cdb::cli
