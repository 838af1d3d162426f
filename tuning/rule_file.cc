// toml++ is known to this file alone.
#include <algorithm>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "lib/base/text.h"
#include "tuning/names.h"
#include "tuning/rule_set.h"

namespace cdb::tuning {
namespace {

// One table of a rule file. Every getter leaves a clear error with file:line.
class Table {
 public:
  Table(const toml::table& table, std::string file) : table_(table), file_(std::move(file)) {}

  [[nodiscard]] Place place() const { return place_of(table_); }
  [[nodiscard]] Place place_of(const toml::node& node) const {
    return {file_, static_cast<int>(node.source().begin.line)};
  }
  [[nodiscard]] Error wrong(const toml::node& node, const std::string& what) const {
    return invalid(place_of(node).str() + ": " + what);
  }
  [[nodiscard]] const toml::node* find(std::string_view key) const { return table_.get(key); }

  [[nodiscard]] Status allow(std::initializer_list<std::string_view> keys) const {
    for (const auto& entry : table_) {
      const std::string_view key = entry.first.str();
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
      const std::string meant = nearest(key, std::vector<std::string>(keys.begin(), keys.end()));
      return invalid(fmt::format("{}: unknown key '{}'", place_of(entry.second).str(), key),
                     meant.empty() ? "" : "did you mean " + meant + "?");
    }
    return {};
  }

  Result<std::string> text(std::string_view key, bool needed = false) const {
    const toml::node* const node = find(key);
    if (node == nullptr) {
      if (!needed) return std::string();
      return invalid(fmt::format("{}: '{}' is missing", place().str(), key));
    }
    if (!node->is_string()) return wrong(*node, fmt::format("'{}' has to be a text", key));
    return **node->as_string();
  }
  Result<std::vector<std::string>> texts(std::string_view key) const {
    std::vector<std::string> texts;
    const toml::node* const node = find(key);
    if (node == nullptr) return texts;
    if (!node->is_array()) return wrong(*node, fmt::format("'{}' has to be a list of texts", key));
    for (const toml::node& item : *node->as_array()) {
      if (!item.is_string()) return wrong(item, fmt::format("'{}' has to be a list of texts", key));
      texts.push_back(**item.as_string());
    }
    return texts;
  }
  Result<std::optional<bool>> flag(std::string_view key) const {
    const toml::node* const node = find(key);
    if (node == nullptr) return std::optional<bool>();
    if (!node->is_boolean()) return wrong(*node, fmt::format("'{}' has to be true or false", key));
    return std::optional<bool>(**node->as_boolean());
  }
  // An expression in quotes, or a bare number.
  Result<std::optional<Expression>> expression(std::string_view key) const {
    const toml::node* const node = find(key);
    if (node == nullptr) return std::optional<Expression>();
    std::string text;
    if (node->is_integer()) text = fmt::format("{}", **node->as_integer());
    if (node->is_floating_point()) text = fmt::format("{}", **node->as_floating_point());
    if (node->is_string()) text = **node->as_string();
    if (text.empty()) {
      return wrong(*node, fmt::format("'{}' has to be a number or an expression in quotes", key));
    }
    auto expression = Expression::parse(text);
    if (!expression) return expression.error().in(place_of(*node).str());
    return std::optional<Expression>(*std::move(expression));
  }
  Result<Expression> needed_expression(std::string_view key) const {
    CDB_ASSIGN_OR_RETURN(auto expression, this->expression(key));
    if (!expression) return invalid(fmt::format("{}: '{}' is missing", place().str(), key));
    return *expression;
  }

 private:
  const toml::table& table_;
  std::string file_;
};

Result<Guard> read_guard(const Table& table) {
  Guard guard;
  CDB_ASSIGN_OR_RETURN(const std::string versions, table.text("versions"));
  auto parsed = VersionGuard::parse(versions);
  if (!parsed) return table.wrong(*table.find("versions"), parsed.error().text());
  guard.versions = *parsed;
  CDB_ASSIGN_OR_RETURN(guard.disk, table.texts("disk"));
  for (const std::string& kind : guard.disk) {
    if (kind != "hdd" && kind != "ssd" && kind != "nvme") {
      return table.wrong(*table.find("disk"), "'" + kind + "' is not hdd, ssd or nvme");
    }
  }
  CDB_ASSIGN_OR_RETURN(guard.lossless, table.flag("lossless"));
  CDB_ASSIGN_OR_RETURN(guard.clone, table.flag("clone"));
  CDB_ASSIGN_OR_RETURN(guard.given, table.texts("given"));
  const std::vector<std::string> known = text_fact_names();
  for (const std::string& name : guard.given) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return table.wrong(*table.find("given"), "'" + name + "' is not a fact");
    }
  }
  return guard;
}

Result<UserLimit> read_user_limit(const Table& rule) {
  UserLimit limit;
  const toml::node* const node = rule.find("user");
  if (node == nullptr) return limit;
  if (!node->is_table())
    return rule.wrong(*node, "'user' has to be a table like { mode = \"free\" }");
  const Table table(*node->as_table(), rule.place().file);
  CDB_TRY(table.allow({"mode", "min", "max", "values"}));
  CDB_ASSIGN_OR_RETURN(const std::string mode, table.text("mode", true));
  using Mode = UserLimit::Mode;
  const std::vector<std::pair<std::string, Mode>> modes{{"free", Mode::Free},
                                                        {"range", Mode::Range},
                                                        {"choice", Mode::Choice},
                                                        {"words", Mode::Words},
                                                        {"forbidden", Mode::Forbidden}};
  const auto found =
      std::find_if(modes.begin(), modes.end(), [&](const auto& m) { return m.first == mode; });
  if (found == modes.end()) {
    return table.wrong(*node, "mode is one of free, range, choice, words, forbidden");
  }
  limit.mode = found->second;
  CDB_ASSIGN_OR_RETURN(limit.min, table.expression("min"));
  CDB_ASSIGN_OR_RETURN(limit.max, table.expression("max"));
  CDB_ASSIGN_OR_RETURN(limit.values, table.texts("values"));
  const bool has_range = limit.min || limit.max;
  const bool wants_values = limit.mode == Mode::Choice || limit.mode == Mode::Words;
  if (has_range != (limit.mode == Mode::Range) || wants_values == limit.values.empty()) {
    return table.wrong(*node, "min and max go with range, values with choice and words");
  }
  return limit;
}

Result<ValueType> read_type(const Table& table, const Rule& rule) {
  CDB_ASSIGN_OR_RETURN(const std::string type, table.text("type"));
  if (type.empty()) return rule.value ? ValueType::Integer : ValueType::Text;
  if (type == "integer") return ValueType::Integer;
  if (type == "bytes") return ValueType::Bytes;
  if (type == "decimal") return ValueType::Decimal;
  if (type == "switch") return ValueType::Switch;
  if (type == "text") return ValueType::Text;
  return table.wrong(*table.find("type"), "type is one of integer, bytes, decimal, switch, text");
}

// `value` as true or false is a switch; otherwise a number. `text` is a text.
Status read_value(const Table& table, Rule& rule) {
  const toml::node* const value = table.find("value");
  if (value != nullptr && value->is_boolean()) {
    CDB_ASSIGN_OR_RETURN(rule.value, Expression::parse(**value->as_boolean() ? "1" : "0"));
    rule.type = ValueType::Switch;
  } else {
    CDB_ASSIGN_OR_RETURN(rule.value, table.expression("value"));
    CDB_ASSIGN_OR_RETURN(rule.type, read_type(table, rule));
  }
  CDB_ASSIGN_OR_RETURN(rule.text, table.text("text"));
  if (rule.value && table.find("text") != nullptr) {
    return table.wrong(*table.find("text"), "a rule has a value or a text, not both");
  }
  if (rule.value && rule.type == ValueType::Text) {
    return table.wrong(*value, "a value is a number; texts go into 'text'");
  }
  if (!rule.value && table.find("text") == nullptr && rule.write) {
    return invalid(table.place().str() + ": a rule that is written needs a value or a text");
  }
  if (!names_in_text(rule.text)) {
    return table.wrong(*table.find("text"), "the braces do not match");
  }
  return {};
}

Result<Rule> read_rule(const Table& table, const std::string& section) {
  CDB_TRY(table.allow({"id", "var", "versions", "disk", "lossless", "clone", "given", "value",
                       "text", "type", "align", "least", "write", "apply", "steady", "option",
                       "readback", "user", "why"}));
  Rule rule;
  rule.place = table.place();
  rule.section = section;
  CDB_ASSIGN_OR_RETURN(rule.id, table.text("id", true));
  CDB_ASSIGN_OR_RETURN(rule.variable, table.text("var", true));
  CDB_ASSIGN_OR_RETURN(rule.why, table.text("why", true));
  if (rule.variable != Catalogue::canonical(rule.variable)) {
    return table.wrong(*table.find("var"), "write '" + Catalogue::canonical(rule.variable) + "'");
  }
  if (rule.why.empty() || rule.why.find('\n') != std::string::npos) {
    return table.wrong(*table.find("why"), "'why' is one line that says something");
  }
  CDB_ASSIGN_OR_RETURN(rule.guard, read_guard(table));
  CDB_ASSIGN_OR_RETURN(const auto write, table.flag("write"));
  rule.write = write.value_or(true);
  CDB_ASSIGN_OR_RETURN(const auto readback, table.flag("readback"));
  CDB_ASSIGN_OR_RETURN(const auto option, table.flag("option"));
  rule.option = option.value_or(false);
  if (rule.option && table.find("value") != nullptr) {
    return table.wrong(*table.find("value"), "an option has a text: no expression can refer to it");
  }
  rule.readback = readback.value_or(true) && !rule.option;
  CDB_TRY(read_value(table, rule));
  CDB_ASSIGN_OR_RETURN(rule.align, table.expression("align"));
  CDB_ASSIGN_OR_RETURN(rule.least, table.expression("least"));
  CDB_ASSIGN_OR_RETURN(const std::string apply, table.text("apply"));
  if (!apply.empty() && apply != "online" && apply != "restart") {
    return table.wrong(*table.find("apply"), "apply is online or restart");
  }
  rule.online = apply != "restart";
  CDB_ASSIGN_OR_RETURN(rule.steady, table.texts("steady"));
  CDB_ASSIGN_OR_RETURN(rule.user, read_user_limit(table));
  return rule;
}

Result<Let> read_let(const Table& table) {
  CDB_TRY(table.allow({"name", "versions", "disk", "lossless", "clone", "given", "value", "why"}));
  Let let;
  let.place = table.place();
  CDB_ASSIGN_OR_RETURN(let.name, table.text("name", true));
  CDB_ASSIGN_OR_RETURN(let.guard, read_guard(table));
  CDB_ASSIGN_OR_RETURN(let.value, table.needed_expression("value"));
  return let;
}

Result<Term> read_term(const Table& table) {
  CDB_TRY(table.allow({"id", "versions", "disk", "lossless", "clone", "given", "bytes", "peak",
                       "var", "solved", "why"}));
  Term term;
  term.place = table.place();
  CDB_ASSIGN_OR_RETURN(term.id, table.text("id", true));
  CDB_ASSIGN_OR_RETURN(term.guard, read_guard(table));
  CDB_ASSIGN_OR_RETURN(term.bytes, table.needed_expression("bytes"));
  CDB_ASSIGN_OR_RETURN(term.peak, table.expression("peak"));
  CDB_ASSIGN_OR_RETURN(term.variable, table.text("var"));
  CDB_ASSIGN_OR_RETURN(const auto solved, table.flag("solved"));
  term.solved = solved.value_or(false);
  CDB_ASSIGN_OR_RETURN(term.why, table.text("why", true));
  return term;
}

// Calls `take` for every [[key]] of the file.
template <typename Take>
Status each_table(const Table& top, std::string_view key, const std::string& file, Take take) {
  const toml::node* const node = top.find(key);
  if (node == nullptr) return {};
  if (!node->is_array_of_tables()) return top.wrong(*node, fmt::format("write [[{}]]", key));
  for (const toml::node& item : *node->as_array()) {
    CDB_TRY(take(Table(*item.as_table(), file)));
  }
  return {};
}

Status read_budget(const Table& top, const std::string& file, RuleSet& rules) {
  const toml::node* const node = top.find("budget");
  if (node == nullptr) return {};
  if (!node->is_table()) return top.wrong(*node, "write [budget]");
  if (rules.budget_limit) return top.wrong(*node, "there is a [budget] already");
  const Table budget(*node->as_table(), file);
  CDB_TRY(budget.allow({"limit", "peak_limit"}));
  CDB_ASSIGN_OR_RETURN(rules.budget_limit, budget.needed_expression("limit"));
  CDB_ASSIGN_OR_RETURN(rules.peak_limit, budget.expression("peak_limit"));
  return {};
}

Status read_file(const toml::table& document, const std::string& file, RuleSet& rules) {
  const Table top(document, file);
  CDB_TRY(top.allow({"section", "rule", "let", "term", "budget"}));
  CDB_ASSIGN_OR_RETURN(const std::string section, top.text("section", true));
  CDB_TRY(each_table(top, "rule", file, [&](const Table& table) -> Status {
    CDB_ASSIGN_OR_RETURN(auto rule, read_rule(table, section));
    for (const Rule& other : rules.rules) {
      if (other.id != rule.id) continue;
      return invalid(fmt::format("{}: rule '{}' is there already, in {}", rule.place.str(), rule.id,
                                 other.place.str()));
    }
    rules.rules.push_back(std::move(rule));
    return {};
  }));
  CDB_TRY(each_table(top, "let", file, [&](const Table& table) -> Status {
    CDB_ASSIGN_OR_RETURN(auto let, read_let(table));
    rules.lets.push_back(std::move(let));
    return {};
  }));
  CDB_TRY(each_table(top, "term", file, [&](const Table& table) -> Status {
    CDB_ASSIGN_OR_RETURN(auto term, read_term(table));
    rules.terms.push_back(std::move(term));
    return {};
  }));
  return read_budget(top, file, rules);
}

}  // namespace

Status add_rule_file(RuleSet& rules, std::string_view toml, const std::string& file) {
  try {
    const toml::table document = toml::parse(toml, file);
    return read_file(document, file, rules);
  } catch (const toml::parse_error& error) {
    return invalid(fmt::format("{}:{}: {}", file, error.source().begin.line, error.description()));
  }
}

}  // namespace cdb::tuning
