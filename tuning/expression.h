#pragma once
// The arithmetic of the rule files: + - * / comparisons ?: min max clamp floor ceil, the constants
// KiB MiB GiB TiB, and names. A value; its evaluation is pure. muparser is known to the .cc alone.

#include <functional>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace cdb::tuning {

class Expression {
 public:
  using Lookup = std::function<Result<double>(const std::string& name)>;

  // Invalid, with the position, where it is no expression.
  static Result<Expression> parse(std::string text);

  // Never inf or NaN: a division by zero is an error. So is clamp(x, low, high) with low > high.
  [[nodiscard]] Result<double> evaluate(const Lookup& lookup) const;

  [[nodiscard]] const std::string& text() const { return text_; }
  // The names it needs, sorted; constants not among them. These edges are the dependency graph.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  std::string text_{};
  std::vector<std::string> names_{};
};

}  // namespace cdb::tuning
