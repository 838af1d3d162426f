#include "tuning/tune.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "lib/base/text.h"
#include "tuning/overrides.h"
#include "tuning/solver.h"

namespace cdb::tuning {
namespace {

constexpr const char* kUserSection = "Settings of the user's, without a rule";

Status check_facts(const Facts& facts) {
  if (facts.memory_bytes == 0) return invalid("the memory of the machine is not known");
  if (facts.disk_bytes == 0) return invalid("the size of the disk is not known");
  if (facts.vcpu < 1) return invalid(fmt::format("{} vcpu is not a machine", facts.vcpu));
  const std::array<const char*, 3> kinds{"hdd", "ssd", "nvme"};
  if (std::none_of(kinds.begin(), kinds.end(),
                   [&](const char* k) { return facts.disk_kind == k; })) {
    return invalid("disk kind '" + facts.disk_kind + "' is not known", "it is hdd, ssd or nvme");
  }
  return {};
}

Error refusal(const std::vector<Violation>& violations) {
  std::vector<std::string> reasons;
  for (const Violation& violation : violations) {
    std::string reason = violation.field + ": " + violation.message;
    if (!violation.hint.empty()) reason += " (" + violation.hint + ")";
    reasons.push_back(std::move(reason));
  }
  return invalid(join(reasons, "; "));
}

// Makes one Plan out of what the solver knows.
class Planner {
 public:
  Planner(const Facts& facts, const RuleSet& rules, Solver& solver,
          const std::map<std::string, Override>& overrides)
      : rules_(rules), solver_(solver), overrides_(overrides) {
    plan_.facts = facts;
  }

  Result<Plan> make() {
    CDB_TRY(add_budget());
    for (const Rule* rule : solver_.rules())
      CDB_TRY(add_rule(*rule));
    for (const auto& entry : overrides_)
      add_override(entry.second);
    CDB_TRY(check_least());
    CDB_TRY(check_budget());
    return std::move(plan_);
  }

 private:
  [[nodiscard]] bool is_dynamic(const std::string& name) const {
    const auto variable = rules_.catalogue.find(plan_.facts.version, name);
    return variable && variable->dynamic;
  }

  Status add_budget() {
    for (const Term* term : solver_.terms()) {
      auto bytes = solver_.evaluate(term->bytes);
      if (!bytes) return bytes.error().in(term->place.str());
      auto peak = term->peak ? solver_.evaluate(*term->peak) : bytes;
      if (!peak) return peak.error().in(term->place.str());
      // A pool that does not fit is negative here, and refused by check_least().
      const auto whole = [](double value) { return static_cast<uint64_t>(std::max(0.0, value)); };
      plan_.budget.push_back({term->id, term->why, whole(*bytes), whole(*peak)});
      plan_.planned_bytes += whole(*bytes);
      plan_.peak_bytes += whole(*peak);
      if (!term->variable.empty()) memory_of_[term->variable] += whole(*bytes);
    }
    CDB_ASSIGN_OR_RETURN(const double limit, solver_.evaluate(*rules_.budget_limit));
    plan_.limit_bytes = static_cast<uint64_t>(limit);
    return {};
  }

  Status add_rule(const Rule& rule) {
    const auto asked = overrides_.find(rule.variable);
    const bool user = asked != overrides_.end() && !rule.option;
    if (!rule.write && !user) return {};
    Setting setting{rule.variable,
                    "",
                    rule.section,
                    rule.id,
                    rule.place.file,
                    rule.place.line,
                    rule.why,
                    rule.type,
                    rule.online && is_dynamic(rule.variable),
                    rule.steady,
                    rule.option,
                    rule.readback,
                    user,
                    0};
    if (rule.value) {
      CDB_ASSIGN_OR_RETURN(const double value, solver_.number(rule.variable));
      if (value < 0 && !rule.least) {
        return internal(fmt::format("{}: {} would be {}", rule.place.str(), rule.variable, value));
      }
      setting.value = number_text(value, rule.type);
      if (user && setting.value != asked->second.value) {
        plan_.warnings.push_back(fmt::format("{} goes in steps: {} was taken down to {}",
                                             rule.variable, asked->second.value, setting.value));
      }
    } else if (user) {
      setting.value = asked->second.value;
    } else {
      CDB_ASSIGN_OR_RETURN(setting.value, solver_.fill(rule.text));
    }
    if (const auto memory = memory_of_.find(rule.variable); memory != memory_of_.end()) {
      setting.memory_bytes = memory->second;
    }
    plan_.settings.push_back(std::move(setting));
    return {};
  }

  void add_override(const Override& override) {
    if (solver_.rule(override.variable) != nullptr) return;  // add_rule did
    Setting setting;
    setting.name = override.variable;
    setting.value = override.value;
    setting.section = kUserSection;
    setting.why = "set by the user";
    setting.dynamic = is_dynamic(override.variable);
    setting.user = true;
    plan_.settings.push_back(std::move(setting));
  }

  [[nodiscard]] std::string budget_text() const {
    std::vector<std::string> terms;
    for (const BudgetTerm& term : plan_.budget) {
      terms.push_back(term.id + " " + bytes_text(static_cast<double>(term.bytes)));
    }
    return join(terms, ", ");
  }

  Status check_least() {
    for (const Rule* rule : solver_.rules()) {
      if (!rule->least) continue;
      CDB_ASSIGN_OR_RETURN(const double value, solver_.number(rule->variable));
      CDB_ASSIGN_OR_RETURN(const double least, solver_.evaluate(*rule->least));
      if (value >= least) continue;
      return invalid(
          fmt::format(
              "MySQL {} does not fit into {} of memory: {} would be {}, and {} is the least "
              "it works with; planned: {}",
              plan_.facts.version.str(), bytes_text(static_cast<double>(plan_.facts.memory_bytes)),
              rule->variable, bytes_text(std::max(0.0, value)), bytes_text(least), budget_text()),
          "take a larger flavor, or an older MySQL, which needs less");
    }
    return {};
  }

  Status check_budget() {
    const double memory = static_cast<double>(plan_.facts.memory_bytes);
    if (plan_.planned_bytes > plan_.limit_bytes) {
      return invalid(
          fmt::format("the settings need {} of the {} that may be planned on a machine of {}: {}",
                      bytes_text(static_cast<double>(plan_.planned_bytes)),
                      bytes_text(static_cast<double>(plan_.limit_bytes)), bytes_text(memory),
                      budget_text()),
          "lower innodb_buffer_pool_size or max_connections, or take a larger flavor");
    }
    if (!rules_.peak_limit) return {};
    CDB_ASSIGN_OR_RETURN(const double peak_limit, solver_.evaluate(*rules_.peak_limit));
    if (static_cast<double>(plan_.peak_bytes) > peak_limit) {
      plan_.warnings.push_back(
          fmt::format("with every connection active at once {} of {} would be needed",
                      bytes_text(static_cast<double>(plan_.peak_bytes)), bytes_text(memory)));
    }
    return {};
  }

  const RuleSet& rules_;
  Solver& solver_;
  const std::map<std::string, Override>& overrides_;
  std::map<std::string, uint64_t> memory_of_{};
  Plan plan_{};
};

}  // namespace

const Setting* Plan::find(const std::string& name) const {
  const auto at = std::find_if(settings.begin(), settings.end(),
                               [&](const Setting& setting) { return setting.name == name; });
  return at == settings.end() ? nullptr : &*at;
}

Result<Plan> tune(const Facts& facts, const RuleSet& rules, const Overrides& overrides) {
  CDB_TRY(check_facts(facts));
  CDB_ASSIGN_OR_RETURN(const ExaminedOverrides examined,
                       examine_overrides(facts, rules, overrides));
  if (!examined.violations.empty()) return refusal(examined.violations);
  CDB_ASSIGN_OR_RETURN(Solver solver, Solver::make(facts, rules, examined.numbers()));
  return Planner(facts, rules, solver, examined.accepted).make();
}

}  // namespace cdb::tuning
