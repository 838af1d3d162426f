#pragma once
// What users asked for, examined. Pure.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tuning/tune.h"

namespace cdb::tuning {

struct Override {
  std::string field{};     // as the user wrote it
  std::string given{};     // the value, as the user wrote it
  std::string variable{};  // as the server knows it
  std::string value{};     // as SET GLOBAL takes it
  std::optional<double> number{};
  double scale{1};  // what stands in `value` for each 1 of the user's
};

struct ExaminedOverrides {
  std::map<std::string, Override> accepted{};  // by variable
  std::vector<Violation> violations{};
  [[nodiscard]] std::map<std::string, double> numbers() const;
};

// Internal for faults of the rules; what is wrong with the overrides is in `violations`.
Result<ExaminedOverrides> examine_overrides(const Facts& facts, const RuleSet& rules,
                                            const Overrides& overrides);

// "64M" -> 67108864. None: not a number.
std::optional<double> parse_number(std::string_view text);
// A number as the file and SET GLOBAL take it.
std::string number_text(double value, ValueType type);

}  // namespace cdb::tuning
