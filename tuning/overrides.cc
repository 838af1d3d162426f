#include "tuning/overrides.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "lib/base/text.h"
#include "tuning/plain_value.h"
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
  Solver& solver;

  // True, with variable, value and number set; or false, with what is against it.
  bool examine(Override& override, Violation& against) const;

 private:
  bool resolve_alias(Override& override, Violation& against) const;
  bool check_name(const Override& override, const Rule* rule, Violation& against) const;
  static bool check_text(const Override& override, Violation& against);
  bool check_type(Override& override, const Rule& rule, Violation& against) const;
};

bool Examiner::resolve_alias(Override& override, Violation& against) const {
  const Catalogue& catalogue = set.catalogue;
  const Alias* const alias = catalogue.alias(facts.version, override.variable);
  if (alias == nullptr) return true;
  override.variable = alias->variable;
  if (alias->scale == 1) return true;
  const auto number = parse_number(override.value);
  if (!number) {
    against.message = fmt::format("{} takes a number, not '{}'", override.field, override.given);
    against.hint = number_hint(ValueType::Decimal);
    return false;
  }
  override.scale = alias->scale;
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
    against.message = override.variable +
                      " takes a text without line breaks, control characters and double quotes";
    against.hint = "write single quotes, and all on one line";
    return false;
  }
  return true;
}

bool needs_no_facts(const UserLimit& limit) {
  return (!limit.min || limit.min->names().empty()) && (!limit.max || limit.max->names().empty());
}

struct Range {
  std::optional<double> min{};
  std::optional<double> max{};
};

Result<Range> range_of(Solver& solver, const Rule& rule) {
  Range range;
  if (rule.user.min) {
    CDB_ASSIGN_OR_RETURN(range.min, solver.evaluate(*rule.user.min));
  }
  if (rule.user.max) {
    CDB_ASSIGN_OR_RETURN(range.max, solver.evaluate(*rule.user.max));
  }
  return range;
}

std::string limit_text(const std::optional<double>& limit, ValueType type) {
  if (!limit) return "";
  return type == ValueType::Bytes ? bytes_text(*limit) : number_text(*limit, type);
}

// "a whole number from 10 to 10000 on this flavor"
std::string expected_text(const Rule& rule, const Range& range) {
  std::string text = range_text(type_text(rule.type), limit_text(range.min, rule.type),
                                limit_text(range.max, rule.type));
  return needs_no_facts(rule.user) ? text : text + " on this flavor";
}

bool is_known(const Facts& facts, const Rule& rule) {
  return needs_no_facts(rule.user) || (facts.memory_bytes > 0 && facts.disk_bytes > 0);
}

Violation refuse_word(const Override& override, const std::string& word,
                      const std::vector<std::string>& known) {
  return refuse(override, (known.size() == 1 ? "" : "one of ") + join(known, ", "),
                word_hint(word, known));
}

bool check_words(Override& override, const UserLimit& limit, Violation& against) {
  std::vector<std::string> chosen{override.value};
  if (limit.mode == UserLimit::Mode::Words) chosen = split(override.value, ',');
  for (std::string& word : chosen) {
    if (trim(word).empty() && chosen.size() == 1 && limit.mode == UserLimit::Mode::Words) continue;
    const std::string* const known = same_word(limit.values, word);
    if (known == nullptr) {
      against = refuse_word(override, word, limit.values);
      return false;
    }
    word = *known;
  }
  override.value = join(chosen, ",");
  return true;
}

bool Examiner::check_type(Override& override, const Rule& rule, Violation& against) const {
  const std::string& value = override.value;
  if (rule.type == ValueType::Switch) {
    const auto on = parse_switch(value);
    if (!on) {
      against = refuse(override, type_text(rule.type), "write ON or OFF");
      return false;
    }
    override.number = *on ? 1 : 0;
    override.value = *on ? "ON" : "OFF";
    return true;
  }
  if (rule.type != ValueType::Text) {
    override.number = parse_number(value);
    const bool whole = override.number && std::floor(*override.number) == *override.number;
    if (!override.number || (rule.type != ValueType::Decimal && !whole)) {
      Range range;
      if (is_known(facts, rule)) {
        if (const auto known = range_of(solver, rule)) range = *known;
      }
      against = refuse(override, expected_text(rule, range), number_hint(rule.type));
      return false;
    }
    override.value = number_text(*override.number, rule.type);
    return true;
  }
  const bool is_list =
      rule.user.mode == UserLimit::Mode::Choice || rule.user.mode == UserLimit::Mode::Words;
  return !is_list || check_words(override, rule.user, against);
}

bool Examiner::examine(Override& override, Violation& against) const {
  against.field = override.field;
  override.variable = Catalogue::canonical(override.field);
  override.value = std::string(trim(override.value));
  if (!resolve_alias(override, against)) return false;
  const Rule* const rule = solver.rule(override.variable);
  if (!check_name(override, rule, against) || !check_text(override, against)) return false;
  if (rule != nullptr) return check_type(override, *rule, against);
  const auto variable = set.catalogue.find(facts.version, override.variable);
  if (!variable) return true;  // a rule of an option: there is no variable to hold it against
  const Limit* const limit = set.catalogue.limit(facts.version, override.variable);
  const auto refused = check_plain(*variable, limit, override);
  if (refused) against = *refused;
  return !refused;
}

// "48 MiB to 3 GiB", in the unit of the user's name for it.
std::string range_hint(const Override& override, const Rule& rule, const Range& range) {
  const auto in_unit = [&](const std::optional<double>& end, bool up) {
    if (!end || override.scale <= 1) return limit_text(end, rule.type);
    const double scaled = *end / override.scale;
    return number_text(up ? std::ceil(scaled) : std::floor(scaled), ValueType::Decimal);
  };
  const std::string leave = " or leave it out for what the flavor is tuned to";
  const std::string min = in_unit(range.min, true);
  const std::string max = in_unit(range.max, false);
  if (max.empty()) return "write " + min + " or more," + leave;
  return min.empty() ? "write " + max + " or less," + leave
                     : "write " + min + " to " + max + "," + leave;
}

Result<std::optional<Violation>> check_range(Solver& solver, const Rule& rule,
                                             const Override& override) {
  CDB_ASSIGN_OR_RETURN(const Range range, range_of(solver, rule));
  const double value = *override.number;
  if ((!range.min || value >= *range.min) && (!range.max || value <= *range.max)) {
    return std::optional<Violation>();
  }
  return std::optional<Violation>(
      refuse(override, expected_text(rule, range), range_hint(override, rule, range)));
}

Status check_ranges(const Facts& facts, const RuleSet& rules, ExaminedOverrides& examined) {
  CDB_ASSIGN_OR_RETURN(Solver solver, Solver::make(facts, rules, examined.numbers()));
  for (const auto& entry : examined.accepted) {
    const Rule* const rule = solver.rule(entry.first);
    if (rule == nullptr || rule->user.mode != UserLimit::Mode::Range || !entry.second.number)
      continue;
    if (!is_known(facts, *rule)) continue;
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
  CDB_ASSIGN_OR_RETURN(Solver solver, Solver::make(facts, rules, {}));
  ExaminedOverrides examined;
  const Examiner examiner{facts, rules, solver};
  for (const auto& entry : overrides) {
    Override override;
    override.field = entry.first;
    override.given = entry.second;
    override.value = entry.second;
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
