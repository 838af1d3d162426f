#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cdb/v1/resources.pb.h"
#include "cli/commands/commands.h"
#include "cli/kinds.h"
#include "cli/resource_table.h"
#include "cli/table.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

struct Query {
  std::vector<const KindInfo*> kinds{};
  std::vector<std::string> names{};
  std::string name_space{};  // empty: all
};

Result<Query> query_of(const Session& session, const GetArgs& args) {
  Query query;
  std::string words = args.kinds;
  query.names = args.names;
  if (const size_t slash = words.find('/'); slash != std::string::npos) {
    query.names.insert(query.names.begin(), words.substr(slash + 1));
    words.resize(slash);
  }
  CDB_ASSIGN_OR_RETURN(query.kinds, kinds_from_words(words));
  if (!query.names.empty() && query.kinds.size() > 1) {
    return invalid("a name goes with one kind only", "cdb get mysql NAME");
  }
  if (!query.names.empty() && args.all_namespaces) {
    return invalid("a name belongs to one namespace", "give -n NAMESPACE instead of -A");
  }
  if (!args.all_namespaces) query.name_space = session.settings.name_space;
  return query;
}

Result<std::vector<v1::Resource>> fetch(Session& session, const Query& query) {
  std::vector<v1::Resource> found;
  for (const auto& name : query.names) {
    v1::GetRequest request;
    request.set_kind(query.kinds.front()->name);
    request.set_namespace_(query.name_space);
    request.set_name(name);
    CDB_ASSIGN_OR_RETURN(v1::Resource resource, session.client.get(request));
    found.push_back(std::move(resource));
  }
  if (!query.names.empty()) return found;
  for (const KindInfo* kind : query.kinds) {
    v1::ListRequest request;
    request.set_kind(kind->name);
    request.set_namespace_(query.name_space);
    CDB_ASSIGN_OR_RETURN(const v1::ListResponse response, session.client.list(request));
    found.insert(found.end(), response.resources().begin(), response.resources().end());
  }
  return found;
}

std::string resource_word(const v1::Resource& resource) {
  const KindInfo* kind = find_kind(resource.kind());
  return fmt::format("{}/{}", kind == nullptr ? to_lower(resource.kind()) : kind->word,
                     resource.metadata().name());
}

void print_tables(World& world, const Query& query, const std::vector<v1::Resource>& found,
                  const Columns& columns) {
  bool first = true;
  for (const KindInfo* kind : query.kinds) {
    Table table(resource_header(*kind, columns));
    for (const auto& resource : found) {
      if (resource.kind() != kind->name) continue;
      table.add(resource_row(resource, *kind, columns, world.clock.wall()));
    }
    if (table.empty()) continue;
    if (!first) world.out << "\n";
    if (query.kinds.size() > 1) world.out << kind->name << "\n";
    world.out << table.text();
    first = false;
  }
  world.out << std::flush;
}

void say_nothing_found(World& world, const Query& query) {
  world.err << (query.kinds.size() > 1 ? "no resources" : "no " + query.kinds.front()->name)
            << " in "
            << (query.name_space.empty() ? "any namespace" : "namespace " + query.name_space)
            << "\n";
}

Result<Exit> print_once(Session& session, const Query& query, const GetArgs& args) {
  World& world = session.world;
  CDB_ASSIGN_OR_RETURN(const std::vector<v1::Resource> found, fetch(session, query));
  if (args.format == Format::Yaml || args.format == Format::Json) {
    std::vector<Tree> trees;
    for (const auto& resource : found)
      trees.push_back(resource_tree(resource));
    const bool one = query.names.size() == 1;
    print_tree(world, args.format, one ? trees.front() : list_tree(std::move(trees)));
  } else if (args.format == Format::Name) {
    for (const auto& resource : found)
      world.out << resource_word(resource) << "\n";
    world.out << std::flush;
  } else if (found.empty()) {
    say_nothing_found(world, query);
  } else {
    print_tables(world, query, found, {query.name_space.empty(), args.format == Format::Wide});
  }
  return Exit::Ok;
}

// Prints what changed since it was last printed: after a lost connection everything comes again.
class Watcher {
 public:
  Watcher(World& world, const Query& query, Format format)
      : world_(world),
        query_(query),
        format_(format),
        columns_{query.name_space.empty(), format == Format::Wide} {
    for (const KindInfo* kind : query.kinds) {
      auto header = resource_header(*kind, columns_);
      header.insert(header.begin(), "EVENT");
      tables_.emplace(kind->name, Table(std::move(header)));
    }
  }

  void take(const v1::WatchEvent& event) {
    const auto& resource = event.resource();
    const auto table = tables_.find(resource.kind());
    if (table == tables_.end() || !is_named(resource)) return;
    const std::string key =
        fmt::format("{} {}", resource.metadata().namespace_(), resource_word(resource));
    // As text: the order of a map differs from one message on the wire to the next.
    const std::string content =
        event.type() == "deleted" ? "" : to_json_line(resource_tree(resource));
    const auto last = last_.find(key);
    if (last != last_.end() && last->second == content) return;
    const bool known = last != last_.end() && !last->second.empty();
    last_[key] = content;
    // A stream that was opened again calls everything added.
    const std::string type = known && event.type() == "added" ? "modified" : event.type();
    print(type, resource, table->second);
  }

 private:
  [[nodiscard]] bool is_named(const v1::Resource& resource) const {
    return query_.names.empty() ||
           std::count(query_.names.begin(), query_.names.end(), resource.metadata().name()) > 0;
  }
  void print(const std::string& type, const v1::Resource& resource, Table& table) {
    if (format_ == Format::Name) {
      world_.out << resource_word(resource) << "\n" << std::flush;
      return;
    }
    Tree tree = Tree::object();
    tree["type"] = type;
    tree["object"] = resource_tree(resource);
    if (print_tree_in_stream(world_, format_, tree)) return;
    auto row = resource_row(resource, *find_kind(resource.kind()), columns_, world_.clock.wall());
    row.insert(row.begin(), type);
    table.add(std::move(row));
    world_.out << table.take_new_rows() << std::flush;
  }

  World& world_;
  const Query& query_;
  Format format_;
  Columns columns_;
  std::map<std::string, Table> tables_{};
  std::map<std::string, std::string> last_{};
};

Result<Exit> watch(Session& session, const Query& query, const GetArgs& args) {
  Watcher watcher(session.world, query, args.format);
  v1::ListRequest request;
  request.set_namespace_(query.name_space);
  if (query.kinds.size() == 1) request.set_kind(query.kinds.front()->name);
  return watch_result(session.client.watch_resources(
      request, follow_of(session), [&](const v1::WatchEvent& event) { watcher.take(event); }));
}

}  // namespace

Result<Exit> get(Session& session, const GetArgs& args) {
  CDB_ASSIGN_OR_RETURN(const Query query, query_of(session, args));
  return args.watch ? watch(session, query, args) : print_once(session, query, args);
}

}  // namespace cdb::cli
