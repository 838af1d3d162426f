#pragma once
// facts + rules + what users asked for -> settings, each with its reason. Pure functions of values:
// the same input gives the same bytes.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/result.h"
#include "tuning/facts.h"
#include "tuning/rule_set.h"

namespace cdb::tuning {

// By variable name (dashes or underscores) or friendly name (catalogue/aliases.tsv).
using Overrides = std::map<std::string, std::string>;

// One line of my.cnf.
struct Setting {
  std::string name{};
  std::string value{};  // as SET GLOBAL takes it: no unit letters
  std::string section{};
  std::string rule_id{};  // empty: no rule, the user's alone
  std::string file{};     // where the rule stands
  int line{0};
  std::string why{};
  ValueType type{ValueType::Text};
  bool dynamic{false};                // may be changed by SET GLOBAL
  std::vector<std::string> steady{};  // `dynamic` holds while these keep their values
  bool option{false};        // an option and no variable: never seen in SHOW GLOBAL VARIABLES
  bool readback{true};       // SHOW GLOBAL VARIABLES has to show this value; never with `option`
  bool user{false};          // the user's value
  uint64_t memory_bytes{0};  // what it takes of the budget
  friend bool operator==(const Setting&, const Setting&) = default;
};

struct BudgetTerm {
  std::string id{};
  std::string why{};
  uint64_t bytes{0};
  uint64_t peak_bytes{0};  // with every connection active
  friend bool operator==(const BudgetTerm&, const BudgetTerm&) = default;
};

struct Plan {
  Facts facts{};
  std::vector<Setting> settings{};  // in the order of the file
  std::vector<BudgetTerm> budget{};
  uint64_t planned_bytes{0};
  uint64_t peak_bytes{0};
  uint64_t limit_bytes{0};
  std::vector<std::string> warnings{};
  [[nodiscard]] const Setting* find(const std::string& name) const;
};

// Why an override is refused. `field`: the name as the user wrote it.
struct Violation {
  std::string field{};
  std::string message{};
  std::string hint{};
  friend bool operator==(const Violation&, const Violation&) = default;
};

// Names, types and ranges of what a user asks for; empty: nothing against it. A version whose patch
// number is 0 is taken for the newest of its line, as nobody has said more. With unknown facts
// (memory_bytes or disk_bytes 0) the ranges that depend on the flavor are left to tune().
std::vector<Violation> check_overrides(const Facts& facts, const RuleSet& rules,
                                       const Overrides& overrides);

// Invalid with all reasons when an override is refused, or when the plan does not fit the memory.
Result<Plan> tune(const Facts& facts, const RuleSet& rules, const Overrides& overrides = {});

// The file, with the reason above each line. The same plan gives the same bytes.
std::string render_mycnf(const Plan& plan);
// Names and values, in order, of a file that render_mycnf() wrote.
using Values = std::vector<std::pair<std::string, std::string>>;
Values parse_mycnf(std::string_view text);

struct Change {
  std::string name{};
  std::string old_value{};
  std::string new_value{};
  bool added{false};
  bool removed{false};
  bool dynamic{false};  // SET GLOBAL is enough; false: a restart
  friend bool operator==(const Change&, const Change&) = default;
};
// What a server that was started with `running` lacks to be as planned.
std::vector<Change> diff(const Values& running, const Plan& plan);

// "1.5 GiB"
std::string bytes_text(double bytes);

}  // namespace cdb::tuning
