#include "lib/config/toml_reader.h"

#include <algorithm>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "lib/base/text.h"

namespace cdb::config {

struct TomlReader::Parts {
  toml::table table{};
  std::string file{};
  std::vector<std::string> known{};
  Status problem{};

  const toml::node* find(const std::string& key) {
    known.push_back(key);
    return table.at_path(key).node();
  }

  void fail(const std::string& message, const toml::node* where, const std::string& hint = {}) {
    if (!problem) return;  // the first one is told
    const std::string place =
        where == nullptr ? file : fmt::format("{}:{}", file, where->source().begin.line);
    problem = invalid(place + ": " + message, hint);
  }

  void check_known(const toml::table& part, const std::string& prefix) {
    for (const auto& [key, node] : part) {
      const std::string name = prefix + std::string(key.str());
      const auto is_prefix = [&](const std::string& start) {
        return std::any_of(known.begin(), known.end(),
                           [&](const std::string& k) { return k.rfind(start, 0) == 0; });
      };
      if (node.is_table() && is_prefix(name + ".")) {
        check_known(*node.as_table(), name + ".");
      } else if (node.is_array_of_tables() && is_prefix(name + "[")) {
        for (size_t i = 0; i < node.as_array()->size(); ++i)
          check_known(*node.as_array()->get(i)->as_table(), fmt::format("{}[{}].", name, i));
      } else if (std::find(known.begin(), known.end(), name) == known.end()) {
        const std::string meant = nearest(name, known);
        fail("unknown key '" + name + "'", &node,
             meant.empty() ? "" : "did you mean " + meant + "?");
      }
    }
  }
};

TomlReader::TomlReader(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TomlReader::TomlReader(TomlReader&&) noexcept = default;
TomlReader& TomlReader::operator=(TomlReader&&) noexcept = default;
TomlReader::~TomlReader() = default;

Result<TomlReader> TomlReader::open(const std::filesystem::path& file) {
  auto parts = std::make_unique<Parts>();
  parts->file = file.string();
  try {
    parts->table = toml::parse_file(parts->file);
  } catch (const toml::parse_error& error) {
    const auto line = error.source().begin.line;
    return invalid(fmt::format("{}{}: {}", parts->file, line > 0 ? fmt::format(":{}", line) : "",
                               error.description()));
  }
  return TomlReader(std::move(parts));
}

std::string TomlReader::text(const std::string& key, const std::optional<std::string>& fallback) {
  const toml::node* node = parts_->find(key);
  if (node == nullptr) {
    if (!fallback) parts_->fail("'" + key + "' is missing", nullptr);
    return fallback.value_or("");
  }
  const auto value = node->value_exact<std::string>();
  if (!value) parts_->fail("'" + key + "' must be a text", node);
  return value.value_or("");
}

int64_t TomlReader::number(const std::string& key, int64_t fallback, int64_t least, int64_t most) {
  const toml::node* node = parts_->find(key);
  if (node == nullptr) return fallback;
  const auto value = node->value_exact<int64_t>();
  if (!value || *value < least || *value > most) {
    parts_->fail(fmt::format("'{}' must be a number from {} to {}", key, least, most), node);
    return fallback;
  }
  return *value;
}

bool TomlReader::flag(const std::string& key, bool fallback) {
  const toml::node* node = parts_->find(key);
  if (node == nullptr) return fallback;
  const auto value = node->value_exact<bool>();
  if (!value) parts_->fail("'" + key + "' must be true or false", node);
  return value.value_or(fallback);
}

std::vector<std::string> TomlReader::texts(
    const std::string& key, const std::optional<std::vector<std::string>>& fallback) {
  const toml::node* node = parts_->find(key);
  if (node == nullptr) {
    if (!fallback) parts_->fail("'" + key + "' is missing", nullptr);
    return fallback.value_or(std::vector<std::string>{});
  }
  std::vector<std::string> values;
  const toml::array* array = node->as_array();
  if (array == nullptr || array->empty())
    parts_->fail("'" + key + "' must be a list of texts", node);
  if (array == nullptr) return values;
  for (const toml::node& element : *array) {
    const auto value = element.value_exact<std::string>();
    if (!value) parts_->fail("'" + key + "' must be a list of texts", &element);
    values.push_back(value.value_or(""));
  }
  return values;
}

bool TomlReader::has(const std::string& key) const {
  return parts_->table.at_path(key).node() != nullptr;
}

size_t TomlReader::tables(const std::string& key) {
  const toml::node* node = parts_->find(key);
  if (node == nullptr) return 0;
  if (!node->is_array_of_tables()) {
    parts_->fail("'" + key + "' must be written as [[" + key + "]]", node);
    return 0;
  }
  return node->as_array()->size();
}

void TomlReader::wrong(const std::string& key, const std::string& message,
                       const std::string& hint) {
  parts_->fail("'" + key + "': " + message, parts_->table.at_path(key).node(), hint);
}

Status TomlReader::finish() {
  parts_->check_known(parts_->table, "");
  return parts_->problem;
}

}  // namespace cdb::config
