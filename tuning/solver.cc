#include "tuning/solver.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lib/base/text.h"
#include "tuning/names.h"

namespace cdb::tuning {

Result<Solver> Solver::make(const Facts& facts, const RuleSet& rules,
                            std::map<std::string, double> asked) {
  Solver solver(facts, rules);
  solver.asked_ = std::move(asked);
  for (const Rule& rule : rules.rules) {
    if (!rule.guard.holds(facts)) continue;
    solver.rules_.push_back(&rule);
    if (rule.option) continue;  // plugin_load_add stands there repeatedly
    const auto added = solver.rule_of_.emplace(rule.variable, &rule);
    if (added.second) continue;
    return internal(fmt::format("{}: rules '{}' and '{}' both set {} on MySQL {}", rule.place.str(),
                                added.first->second->id, rule.id, rule.variable,
                                facts.version.str()));
  }
  for (const Let& let : rules.lets) {
    if (!let.guard.holds(facts)) continue;
    if (!solver.let_of_.emplace(let.name, &let).second) {
      return internal(fmt::format("{}: '{}' has two values on MySQL {}", let.place.str(), let.name,
                                  facts.version.str()));
    }
  }
  for (const Term& term : rules.terms) {
    if (term.guard.holds(facts)) solver.terms_.push_back(&term);
  }
  return solver;
}

const Rule* Solver::rule(const std::string& variable) const {
  const auto at = rule_of_.find(variable);
  return at == rule_of_.end() ? nullptr : at->second;
}

Result<double> Solver::number(const std::string& name) {
  if (const auto known = known_.find(name); known != known_.end()) return known->second;
  if (std::find(under_way_.begin(), under_way_.end(), name) != under_way_.end()) {
    return internal(
        fmt::format("'{}' depends on itself: {} -> {}", name, join(under_way_, " -> "), name));
  }
  under_way_.push_back(name);
  auto value = compute(name);
  under_way_.pop_back();
  if (value) known_[name] = *value;
  return value;
}

Result<double> Solver::evaluate(const Expression& expression) {
  return expression.evaluate([this](const std::string& name) { return number(name); });
}

Result<double> Solver::compute(const std::string& name) {
  if (const auto fact = number_fact(facts_, name)) return *fact;
  if (name == kBudgetRoom) return budget_room();
  if (const auto let = let_of_.find(name); let != let_of_.end()) {
    auto value = evaluate(let->second->value);
    if (!value) return value.error().in(let->second->place.str());
    return value;
  }
  const bool is_wanted = name.rfind(kWanted, 0) == 0;
  const Rule* const rule = this->rule(is_wanted ? name.substr(kWanted.size()) : name);
  if (rule == nullptr || !rule->value) {
    return internal(fmt::format("'{}' has no value on MySQL {}", name, facts_.version.str()));
  }
  auto value = is_wanted ? wanted(*rule) : aligned(*rule);
  if (!value) return value.error().in(rule->place.str());
  return value;
}

Result<double> Solver::wanted(const Rule& rule) {
  if (const auto asked = asked_.find(rule.variable); asked != asked_.end()) return asked->second;
  CDB_ASSIGN_OR_RETURN(const double value, evaluate(*rule.value));
  return rule.type == ValueType::Decimal ? value : std::floor(value);
}

Result<double> Solver::aligned(const Rule& rule) {
  CDB_ASSIGN_OR_RETURN(const double value, number(std::string(kWanted) + rule.variable));
  if (!rule.align) return value;
  CDB_ASSIGN_OR_RETURN(const double step, evaluate(*rule.align));
  if (step < 1) return internal(fmt::format("'{}' aligns to {}", rule.align->text(), step));
  return std::floor(value / step) * step;
}

Result<double> Solver::budget_room() {
  CDB_ASSIGN_OR_RETURN(double room, evaluate(*set_.budget_limit));
  for (const Term* term : terms_) {
    if (term->solved) continue;
    auto bytes = evaluate(term->bytes);
    if (!bytes) return bytes.error().in(term->place.str());
    room -= *bytes;
  }
  return room;
}

Result<std::string> Solver::fill(const std::string& text) {
  std::string filled;
  std::string_view rest = text;
  for (;;) {
    const size_t open = rest.find('{');
    filled += rest.substr(0, open);
    if (open == std::string_view::npos) return filled;
    const size_t close = rest.find('}', open);
    const std::string name(rest.substr(open + 1, close - open - 1));
    if (const auto fact = text_fact(facts_, name)) {
      filled += *fact;
    } else {
      CDB_ASSIGN_OR_RETURN(const double value, number(name));
      filled += fmt::format("{:.0f}", std::floor(value));
    }
    rest.remove_prefix(close + 1);
  }
}

}  // namespace cdb::tuning
