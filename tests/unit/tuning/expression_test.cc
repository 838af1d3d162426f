#include "tuning/expression.h"

#include <doctest/doctest.h>

namespace cdb::tuning {
namespace {

Result<double> value_of(const std::string& text) {
  CDB_ASSIGN_OR_RETURN(const Expression expression, Expression::parse(text));
  return expression.evaluate([](const std::string& name) -> Result<double> {
    if (name == "memory") return 1024.0 * 1024 * 1024;
    if (name == "zero") return 0.0;
    return not_found("no " + name);
  });
}

}  // namespace

TEST_CASE("an expression computes with sizes, clamps and choices") {
  CHECK(*value_of("clamp(memory/256, 16*MiB, 64*MiB)") == 16.0 * 1024 * 1024);
  CHECK(*value_of("memory < 1*GiB ? 50 : (memory < 2*GiB ? 100 : 200)") == 100);
  CHECK(*value_of("min(4, 8) + max(1, 2, 3) + floor(2.7) + ceil(2.1)") == 4 + 3 + 2 + 3);
  CHECK(*value_of("memory >= GiB && zero == 0") == 1);
}

TEST_CASE("an expression names what it depends on, without the constants") {
  const auto expression = Expression::parse("max(b, a)*MiB + a").value();
  CHECK(expression.names() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("what is no number is an error and never inf or NaN") {
  CHECK(value_of("1/zero").error().message == "'1/zero' is inf, which is no number");
  CHECK_FALSE(value_of("zero/zero"));
  CHECK_FALSE(value_of("1/0"));
}

TEST_CASE("a clamp whose ends are crossed is an error") {
  const auto crossed = value_of("clamp(5, 10, 9)");
  REQUIRE_FALSE(crossed);
  CHECK(crossed.error().message.find("low end 10 above its high end 9") != std::string::npos);
}

TEST_CASE("a broken expression does not parse") {
  for (const char* bad : {"", "1 +", "max(", "clamp(1, 2)", "a b", "1 = 2 3", "memory = 5"}) {
    INFO(std::string(bad));
    const auto value = value_of(bad);
    CHECK_FALSE(value);
  }
}

}  // namespace cdb::tuning
