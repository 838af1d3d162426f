#include "tuning/overrides.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "lib/base/text.h"
#include "tuning/solver.h"

namespace cdb::tuning {
namespace {

// Stands for a patch number that nobody has said yet.
constexpr int kNewestPatch = 999;

std::string version_text(const model::MysqlVersion& version) {
  if (version.patch != kNewestPatch) return version.str();
  return fmt::format("{}.{}", version.major, version.minor);
}

// One name, looked up for one version.
struct Examiner {
  const Facts& facts;
  const RuleSet& set;
  const Solver& solver;

  // True, with variable, value and number set; or false, with what is against it.
  bool examine(Override& override, Violation& against) const;

 private:
  bool resolve_alias(Override& override, Violation& against) const;
  bool check_name(const Override& override, const Rule* rule, Violation& against) const;
  static bool check_text(const Override& override, Violation& against);
  static bool check_type(Override& override, const Rule& rule, Violation& against);
};

bool Examiner::resolve_alias(Override& override, Violation& against) const {
  const Catalogue& catalogue = set.catalogue;
  const Alias* const alias = catalogue.alias(facts.version, override.variable);
  if (alias == nullptr) return true;
  override.variable = alias->variable;
  if (alias->scale == 1) return true;
  const auto number = parse_number(override.value);
  if (!number) {
    against.message = fmt::format("'{}' is not a number", override.value);
    return false;
  }
  override.value = number_text(*number * alias->scale, ValueType::Decimal);
  return true;
}

bool Examiner::check_name(const Override& override, const Rule* rule, Violation& against) const {
  const std::string& name = override.variable;
  if (rule != nullptr) {
    if (rule->user.mode != UserLimit::Mode::Forbidden) return true;
    against.message = fmt::format("{} is set by the system: {}", name, rule->why);
    return false;
  }
  if (const Owned* const owned = set.catalogue.owned(name)) {
    against.message = fmt::format("{} is set by the system: {}", name, owned->why);
    return false;
  }
  if (set.catalogue.find(facts.version, name)) return true;
  const std::string lines = set.catalogue.lines_with(name);
  if (!lines.empty()) {
    against.message = fmt::format("MySQL {} does not know {} (MySQL {} does)",
                                  version_text(facts.version), name, lines);
    return false;
  }
  against.message = fmt::format("no MySQL knows a variable {}", name);
  const std::string meant = nearest(name, set.catalogue.names(facts.version));
  if (!meant.empty()) against.hint = "did you mean " + meant + "?";
  return false;
}

// What would end the line, start another one or leave the quotes.
bool Examiner::check_text(const Override& override, Violation& against) {
  const bool has_control = std::any_of(override.value.begin(), override.value.end(),
                                       [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (has_control || override.value.find('"') != std::string::npos) {
    against.message = "the value has a line break, a control character or a double quote in it";
    return false;
  }
  return true;
}

const std::string* same_word(const std::vector<std::string>& words, std::string_view word) {
  for (const std::string& known : words) {
    if (to_lower(known) == to_lower(trim(word))) return &known;
  }
  return nullptr;
}

bool Examiner::check_type(Override& override, const Rule& rule, Violation& against) {
  const std::string& value = override.value;
  if (rule.type == ValueType::Switch) {
    const std::string word = to_lower(value);
    const bool on = word == "on" || word == "1" || word == "true";
    const bool off = word == "off" || word == "0" || word == "false";
    if (!on && !off) {
      against.message = fmt::format("'{}' is neither ON nor OFF", value);
      return false;
    }
    override.number = on ? 1 : 0;
    override.value = on ? "ON" : "OFF";
    return true;
  }
  if (rule.type != ValueType::Text) {
    override.number = parse_number(value);
    const bool whole = override.number && std::floor(*override.number) == *override.number;
    if (!override.number || (rule.type != ValueType::Decimal && !whole)) {
      against.message = fmt::format("'{}' is not a {}number", value,
                                    rule.type == ValueType::Decimal ? "" : "whole ");
      return false;
    }
    override.value = number_text(*override.number, rule.type);
    return true;
  }
  if (rule.user.mode == UserLimit::Mode::Choice || rule.user.mode == UserLimit::Mode::Words) {
    std::vector<std::string> chosen{value};
    if (rule.user.mode == UserLimit::Mode::Words) chosen = split(value, ',');
    for (std::string& word : chosen) {
      if (trim(word).empty() && chosen.size() == 1) continue;  // the empty list
      const std::string* const known = same_word(rule.user.values, word);
      if (known == nullptr) {
        against.message = fmt::format("'{}' is not one of {}", word, join(rule.user.values, ", "));
        return false;
      }
      word = *known;
    }
    override.value = join(chosen, ",");
  }
  return true;
}

bool Examiner::examine(Override& override, Violation& against) const {
  against.field = override.field;
  override.variable = Catalogue::canonical(override.field);
  override.value = std::string(trim(override.value));
  if (!resolve_alias(override, against)) return false;
  const Rule* const rule = solver.rule(override.variable);
  if (!check_name(override, rule, against) || !check_text(override, against)) return false;
  if (rule != nullptr) return check_type(override, *rule, against);
  // SET GLOBAL takes no unit letters, the file does: one spelling for both.
  if (const auto number = parse_number(override.value)) {
    override.value = number_text(*number, ValueType::Decimal);
  }
  return true;
}

std::string limit_text(const std::optional<double>& limit, ValueType type) {
  if (!limit) return "any";
  return type == ValueType::Bytes ? bytes_text(*limit) : number_text(*limit, type);
}

Result<std::optional<Violation>> check_range(Solver& solver, const Rule& rule,
                                             const Override& override) {
  std::optional<double> min;
  std::optional<double> max;
  if (rule.user.min) {
    CDB_ASSIGN_OR_RETURN(min, solver.evaluate(*rule.user.min));
  }
  if (rule.user.max) {
    CDB_ASSIGN_OR_RETURN(max, solver.evaluate(*rule.user.max));
  }
  const double value = *override.number;
  if ((!min || value >= *min) && (!max || value <= *max)) return std::optional<Violation>();
  return std::optional<Violation>(
      {override.field,
       fmt::format("{} is out of range: {} to {} on this flavor",
                   rule.type == ValueType::Bytes ? bytes_text(value) : override.value,
                   limit_text(min, rule.type), limit_text(max, rule.type)),
       ""});
}

bool needs_no_facts(const UserLimit& limit) {
  return (!limit.min || limit.min->names().empty()) && (!limit.max || limit.max->names().empty());
}

Status check_ranges(const Facts& facts, const RuleSet& rules, ExaminedOverrides& examined) {
  CDB_ASSIGN_OR_RETURN(Solver solver, Solver::make(facts, rules, examined.numbers()));
  const bool facts_known = facts.memory_bytes > 0 && facts.disk_bytes > 0;
  for (const auto& entry : examined.accepted) {
    const Rule* const rule = solver.rule(entry.first);
    if (rule == nullptr || rule->user.mode != UserLimit::Mode::Range || !entry.second.number)
      continue;
    if (!facts_known && !needs_no_facts(rule->user)) continue;
    CDB_ASSIGN_OR_RETURN(const auto violation, check_range(solver, *rule, entry.second));
    if (violation) examined.violations.push_back(*violation);
  }
  return {};
}

}  // namespace

std::map<std::string, double> ExaminedOverrides::numbers() const {
  std::map<std::string, double> numbers;
  for (const auto& entry : accepted) {
    if (entry.second.number) numbers[entry.first] = *entry.second.number;
  }
  return numbers;
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
  if (at == end) return value;
  if (at + 1 != end || std::floor(value) != value) return std::nullopt;
  switch (*at) {
    case 'k':
    case 'K': return value * 1024;
    case 'm':
    case 'M': return value * 1024 * 1024;
    case 'g':
    case 'G': return value * 1024 * 1024 * 1024;
    default: return std::nullopt;
  }
}

std::string number_text(double value, ValueType type) {
  if (type == ValueType::Switch) return value != 0 ? "ON" : "OFF";
  if (type != ValueType::Decimal || std::floor(value) == value) return fmt::format("{:.0f}", value);
  return fmt::format("{}", value);
}

Result<ExaminedOverrides> examine_overrides(const Facts& facts, const RuleSet& rules,
                                            const Overrides& overrides) {
  CDB_ASSIGN_OR_RETURN(const Solver solver, Solver::make(facts, rules, {}));
  ExaminedOverrides examined;
  const Examiner examiner{facts, rules, solver};
  for (const auto& entry : overrides) {
    Override override{entry.first, "", entry.second, {}};
    Violation against;
    if (!examiner.examine(override, against)) {
      examined.violations.push_back(against);
      continue;
    }
    const auto added = examined.accepted.emplace(override.variable, override);
    if (!added.second) {
      examined.violations.push_back({override.field,
                                     fmt::format("sets {}, and '{}' sets it too", override.variable,
                                                 added.first->second.field),
                                     "leave one of them"});
    }
  }
  CDB_TRY(check_ranges(facts, rules, examined));
  return examined;
}

std::vector<Violation> check_overrides(const Facts& facts, const RuleSet& rules,
                                       const Overrides& overrides) {
  Facts newest = facts;
  if (newest.version.patch == 0) newest.version.patch = kNewestPatch;
  const auto examined = examine_overrides(newest, rules, overrides);
  if (examined) return examined->violations;
  return {{"", examined.error().message, examined.error().hint}};
}

}  // namespace cdb::tuning
