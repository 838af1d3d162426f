#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/tree.h"

namespace cdb::cli {
namespace {

// Whether every YAML reader takes the bare text for the same text: nothing that could be a number,
// a date, a truth value or syntax.
bool may_stand_bare(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ') return false;
  const char first = text.front();
  const bool letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
                      first == '/' || first == '_';
  if (!letter) return false;
  for (const std::string_view word :
       {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf"}) {
    if (text.size() != word.size()) continue;
    bool same = true;
    for (size_t i = 0; i < word.size(); ++i)
      same = same && (text[i] | 0x20) == word[i];
    if (same) return false;
  }
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-./,()=+@%;";
  if (text.find_first_not_of(kPlain) == std::string_view::npos) return true;
  // "a:b" is plain text, "a: b" and "a:" are not; the same for "#".
  if (text.find_first_not_of(std::string(kPlain) + ":") != std::string_view::npos) return false;
  return text.find(": ") == std::string_view::npos && text.back() != ':';
}

std::string scalar(const Tree& value) {
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  // A JSON string is a YAML double-quoted one.
  return may_stand_bare(text) ? text : value.dump(-1, ' ', false, Tree::error_handler_t::replace);
}

std::string key_text(const std::string& key) {
  return scalar(Tree(key));
}

void write(const Tree& tree, size_t indent, std::string& out);

// What follows "key:" or "-".
void write_after_mark(const Tree& value, size_t indent, bool in_list, std::string& out) {
  if (value.is_structured() && !value.empty()) {
    if (in_list) {
      // The first line stands behind the dash.
      std::string nested;
      write(value, indent, nested);
      out += " " + nested.substr(indent);
    } else {
      out += "\n";
      write(value, indent, out);
    }
  } else if (value.is_structured()) {
    out += value.is_array() ? " []\n" : " {}\n";
  } else {
    out += " " + scalar(value) + "\n";
  }
}

void write(const Tree& tree, size_t indent, std::string& out) {
  if (tree.is_object()) {
    for (const auto& [key, value] : tree.items()) {
      out.append(indent, ' ');
      out += key_text(key) + ":";
      // Lists stand as deep as their key.
      write_after_mark(value, value.is_array() ? indent : indent + 2, false, out);
    }
  } else if (tree.is_array()) {
    for (const auto& value : tree) {
      out.append(indent, ' ');
      out += "-";
      write_after_mark(value, indent + 2, true, out);
    }
  } else {
    out.append(indent, ' ');
    out += scalar(tree) + "\n";
  }
}

}  // namespace

std::string to_yaml(const Tree& tree) {
  std::string out;
  if (tree.is_structured() && tree.empty()) return tree.is_array() ? "[]\n" : "{}\n";
  write(tree, 0, out);
  return out;
}

}  // namespace cdb::cli
