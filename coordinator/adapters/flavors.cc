#include "coordinator/adapters/flavors.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <toml++/toml.h>

#include "lib/base/atomic_file.h"
#include "lib/base/text.h"

namespace cdb::coordinator {
namespace {

// Below these no supported server starts with room for a connection.
constexpr uint64_t kLeastMemory = uint64_t{256} << 20U;
constexpr uint64_t kLeastDisk = uint64_t{1} << 30U;
constexpr int64_t kMostVcpu = 1024;

const std::vector<std::string> kKeys{"name", "vcpu", "memory", "disk"};

class Reader {
 public:
  explicit Reader(std::string_view file) : file_(file) {}

  Result<std::vector<Flavor>> read(const toml::table& root) {
    for (const auto& [key, node] : root) {
      if (key.str() != "flavor") {
        return error(key.source(), "unknown key \"" + std::string(key.str()) + "\"",
                     "the file consists of [[flavor]] tables");
      }
    }
    const toml::node* const list = root.get("flavor");
    if (list == nullptr || !list->is_array_of_tables()) {
      return error(list == nullptr ? root.source() : list->source(), "no [[flavor]] table",
                   "write [[flavor]] above the keys name, vcpu, memory and disk of each");
    }
    std::vector<Flavor> flavors;
    for (const toml::node& node : *list->as_array()) {
      CDB_ASSIGN_OR_RETURN(Flavor flavor, read_flavor(*node.as_table()));
      flavors.push_back(std::move(flavor));
    }
    return flavors;
  }

 private:
  Result<Flavor> read_flavor(const toml::table& table) {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      if (std::find(kKeys.begin(), kKeys.end(), name) != kKeys.end()) continue;
      const std::string meant = nearest(name, kKeys);
      return error(key.source(), "unknown key \"" + name + "\"",
                   meant.empty() ? "a flavor has " + join(kKeys, ", ") : "did you mean " + meant);
    }
    Flavor flavor;
    CDB_ASSIGN_OR_RETURN(flavor.name, read_name(table));
    CDB_ASSIGN_OR_RETURN(flavor.vcpu, read_vcpu(table));
    CDB_ASSIGN_OR_RETURN(flavor.memory_bytes, read_size(table, "memory", kLeastMemory, "256MiB"));
    CDB_ASSIGN_OR_RETURN(flavor.disk_bytes, read_size(table, "disk", kLeastDisk, "1GiB"));
    return flavor;
  }

  Result<std::string> read_name(const toml::table& table) {
    CDB_ASSIGN_OR_RETURN(const toml::node* node, find(table, "name"));
    const auto name = node->value_exact<std::string>();
    const auto good = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    };
    if (!name || name->empty() || name->size() > 40 ||
        !std::all_of(name->begin(), name->end(), good)) {
      return error(node->source(), "the name of a flavor must be 1 to 40 of a-z, 0-9, '-' and '.'",
                   "write for example name = \"small\"");
    }
    const auto [first, fresh] = lines_.emplace(*name, node->source().begin.line);
    if (!fresh) {
      return error(node->source(), "a second flavor named \"" + *name + "\"",
                   "the first is in line " + std::to_string(first->second));
    }
    return *name;
  }

  Result<int> read_vcpu(const toml::table& table) {
    CDB_ASSIGN_OR_RETURN(const toml::node* node, find(table, "vcpu"));
    const auto vcpu = node->value_exact<int64_t>();
    if (!vcpu || *vcpu < 1 || *vcpu > kMostVcpu) {
      return error(node->source(), "vcpu must be a whole number from 1 to 1024",
                   "write for example vcpu = 2");
    }
    return static_cast<int>(*vcpu);
  }

  Result<uint64_t> read_size(const toml::table& table, std::string_view key, uint64_t least,
                             std::string_view least_text) {
    CDB_ASSIGN_OR_RETURN(const toml::node* node, find(table, key));
    const std::string name(key);
    const auto text = node->value_exact<std::string>();
    if (!text) {
      return error(node->source(), name + " must be a size in quotes",
                   "write for example " + name + " = \"8GiB\"");
    }
    const auto bytes = parse_size(*text);
    if (!bytes)
      return error(node->source(), name + ": " + bytes.error().message, bytes.error().hint);
    if (*bytes < least) {
      return error(node->source(), name + " must be at least " + std::string(least_text), {});
    }
    return *bytes;
  }

  Result<const toml::node*> find(const toml::table& table, std::string_view key) {
    const toml::node* const node = table.get(key);
    if (node != nullptr) return node;
    return error(table.source(), "this flavor has no " + std::string(key),
                 "a flavor has " + join(kKeys, ", "));
  }

  [[nodiscard]] Error error(const toml::source_region& where, std::string_view message,
                            std::string hint) const {
    return invalid(file_ + ":" + std::to_string(where.begin.line) + ":" +
                       std::to_string(where.begin.column) + ": " + std::string(message),
                   std::move(hint));
  }

  std::string file_;
  std::map<std::string, toml::source_index> lines_{};
};

}  // namespace

Result<std::vector<Flavor>> parse_flavors(std::string_view text, std::string_view name) {
  try {
    const toml::table root = toml::parse(text, name);
    return Reader(name).read(root);
  } catch (const toml::parse_error& error) {
    const auto& where = error.source().begin;
    return invalid(std::string(name) + ":" + std::to_string(where.line) + ":" +
                       std::to_string(where.column) + ": " + std::string(error.description()),
                   "the file must be TOML: names of flavors and sizes stand in quotes");
  }
}

Result<std::vector<Flavor>> load_flavors(const std::filesystem::path& file) {
  CDB_ASSIGN_OR_RETURN(const std::string text, read_file(file));
  return parse_flavors(text, file.string());
}

}  // namespace cdb::coordinator
