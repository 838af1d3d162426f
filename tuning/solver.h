#pragma once
// Values of the names in expressions, each computed once from what it depends on. Lives for one
// tune(); not thread-safe. Facts and rules have to outlive it.

#include <map>
#include <string>
#include <vector>

#include "tuning/rule_set.h"

namespace cdb::tuning {

class Solver {
 public:
  // `asked`: the users' numbers by variable. Internal when two rules set one variable.
  static Result<Solver> make(const Facts& facts, const RuleSet& rules,
                             std::map<std::string, double> asked);

  // Internal where the name has no value for these facts, or depends on itself.
  Result<double> number(const std::string& name);
  Result<double> evaluate(const Expression& expression);
  // The text with its {names} replaced.
  Result<std::string> fill(const std::string& text);

  // What applies to these facts, in the order of the files.
  [[nodiscard]] const std::vector<const Rule*>& rules() const { return rules_; }
  [[nodiscard]] const std::vector<const Term*>& terms() const { return terms_; }
  // None: nothing is said of this variable.
  [[nodiscard]] const Rule* rule(const std::string& variable) const;

 private:
  Solver(const Facts& facts, const RuleSet& set) : facts_(facts), set_(set) {}
  Result<double> compute(const std::string& name);
  Result<double> wanted(const Rule& rule);
  Result<double> aligned(const Rule& rule);
  Result<double> budget_room();

  const Facts& facts_;
  const RuleSet& set_;
  std::map<std::string, double> asked_{};
  std::vector<const Rule*> rules_{};
  std::map<std::string, const Rule*> rule_of_{};
  std::map<std::string, const Let*> let_of_{};
  std::vector<const Term*> terms_{};
  std::map<std::string, double> known_{};
  std::vector<std::string> under_way_{};  // the path from the first name asked for: finds circles
};

}  // namespace cdb::tuning
