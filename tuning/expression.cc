#include "tuning/expression.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <muParser.h>

namespace cdb::tuning {
namespace {

double clamp(double value, double low, double high) {
  if (low > high) {
    throw mu::ParserError(fmt::format("clamp has its low end {} above its high end {}", low, high));
  }
  return std::clamp(value, low, high);
}
double round_down(double value) {
  return std::floor(value);
}
double round_up(double value) {
  return std::ceil(value);
}

mu::Parser make_parser() {
  mu::Parser parser;
  parser.DefineFun("clamp", clamp);
  parser.DefineFun("floor", round_down);
  parser.DefineFun("ceil", round_up);
  parser.DefineConst("KiB", 1024.0);
  parser.DefineConst("MiB", 1024.0 * 1024);
  parser.DefineConst("GiB", 1024.0 * 1024 * 1024);
  parser.DefineConst("TiB", 1024.0 * 1024 * 1024 * 1024);
  return parser;
}

// A parser costs much more to make than to use. It never calls back into an evaluation: names are
// looked up before.
mu::Parser& this_threads_parser() {
  thread_local mu::Parser parser = make_parser();
  parser.ClearVar();
  return parser;
}

Error refused(const std::string& text, const mu::ParserError& error) {
  return invalid(fmt::format("cannot compute '{}': {}", text, error.GetMsg()));
}

// muparser knows assignments; an expression of ours changes nothing.
bool assigns(const std::string& text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') continue;
    if (i > 0 && std::string("<>!").find(text[i - 1]) != std::string::npos) continue;
    if (i + 1 == text.size() || text[i + 1] != '=') return true;
    ++i;
  }
  return false;
}

}  // namespace

Result<Expression> Expression::parse(std::string text) {
  Expression expression;
  expression.text_ = std::move(text);
  if (assigns(expression.text_)) {
    return invalid("cannot compute '" + expression.text_ + "': it assigns", "compare with ==");
  }
  try {
    mu::Parser& parser = this_threads_parser();
    parser.SetExpr(expression.text_);
    for (const auto& name_and_address : parser.GetUsedVar()) {
      expression.names_.push_back(name_and_address.first);
    }
  } catch (const mu::ParserError& error) {
    return refused(expression.text_, error);
  }
  return expression;
}

Result<double> Expression::evaluate(const Lookup& lookup) const {
  std::map<std::string, double> values;
  for (const std::string& name : names_) {
    CDB_ASSIGN_OR_RETURN(const double value, lookup(name));
    values[name] = value;
  }
  try {
    mu::Parser& parser = this_threads_parser();
    parser.SetExpr(text_);
    for (auto& name_and_value : values) {
      parser.DefineVar(name_and_value.first, &name_and_value.second);
    }
    const double value = parser.Eval();
    if (!std::isfinite(value)) {
      return invalid(fmt::format("'{}' is {}, which is no number", text_, value),
                     "is something divided by zero?");
    }
    return value;
  } catch (const mu::ParserError& error) {
    return refused(text_, error);
  }
}

}  // namespace cdb::tuning
