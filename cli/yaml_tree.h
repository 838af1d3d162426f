#pragma once
// YAML text as a tree that remembers where everything stood. yaml-cpp is known to yaml_tree.cc
// alone. Pure; any thread.

#include <string>
#include <string_view>
#include <vector>

namespace cdb::cli {

// Counted from 1, as editors do; line 0: the whole file.
struct Position {
  int line{0};
  int column{0};
  friend bool operator==(const Position&, const Position&) = default;
};

// One complaint about one place in one file.
struct Problem {
  std::string file{};
  Position at{};
  std::string message{};
  std::string hint{};
  // "file:line:column: message", and the hint on a line of its own.
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Problem&, const Problem&) = default;
};

struct YamlNode {
  enum class Type { Null, Scalar, List, Map };
  struct Key {
    std::string text{};
    Position at{};
  };

  Type type{Type::Null};
  Position at{};
  bool quoted{false};             // Scalar: written with quotes or as a block
  std::string text{};             // Scalar: as written, no type guessed
  std::vector<Key> keys{};        // Map: keys[i] belongs to items[i]; no key stands twice
  std::vector<YamlNode> items{};  // List and Map

  [[nodiscard]] const YamlNode* find(std::string_view key) const;
};

// The documents of `text`, empty ones left out. What is wrong is appended to `problems`; after a
// syntax error the documents before it are returned. Aliases are expanded within a bound.
std::vector<YamlNode> parse_yaml(const std::string& file, std::string_view text,
                                 std::vector<Problem>& problems);

}  // namespace cdb::cli
