#include <doctest/doctest.h>

#include "tests/unit/tuning/arrange.h"

namespace cdb::tuning {
namespace {

Error error_of(const std::string& toml) {
  RuleSet rules;
  auto added = add_rule_file(rules, toml, "site.toml");
  if (added) added = check_names(rules);
  REQUIRE_FALSE(added);
  CHECK(added.error().code == Code::Invalid);
  return added.error();
}

constexpr const char* kHead = "section = \"Site\"\n[budget]\nlimit = \"memory\"\n";

}  // namespace

TEST_CASE("the shipped rules load, and every rule says why") {
  CHECK(shipped_rules().rules.size() > 80);
  for (const Rule& rule : shipped_rules().rules) {
    INFO(rule.place.str());
    CHECK(rule.why.size() > 5);
  }
}

TEST_CASE("an error in a rule file names file and line") {
  struct Case {
    const char* toml;
    const char* message;
    const char* hint;
  };
  const Case cases[] = {
      {"section = \"a\"\n[[rule]\n", "site.toml:2: ", ""},
      {"section = \"a\"\n\n[[rule]]\nid = \"x\"\nvar = \"y\"\nwhy = \"z!\"\nvalu = 1\n",
       "site.toml:7: unknown key 'valu'", "did you mean value?"},
      {"section = \"a\"\n[[rule]]\nid = \"x\"\nwhy = \"z\"\n", "site.toml:2: 'var' is missing", ""},
      {"section = \"a\"\n[[rule]]\nid = \"x\"\nvar = \"Y-z\"\nwhy = \"z\"\n",
       "site.toml:4: write 'y_z'", ""},
      {"section = \"a\"\n[[rule]]\nid = \"x\"\nvar = \"y\"\nwhy = \"z\"\nvalue = \"1 +\"\n",
       "site.toml:6: cannot compute '1 +'", ""},
      {"section = \"a\"\n[[rule]]\nid = \"x\"\nvar = \"y\"\nwhy = \"z\"\nvalue = 1\nversions = "
       "\"8.0\"\n",
       "site.toml:7: '8.0' is not a comparison with a version", ""},
      {"section = \"a\"\n[[rule]]\nid = \"x\"\nvar = \"y\"\nwhy = \"z\"\ntext = \"{a\"\n",
       "site.toml:6: the braces do not match", ""},
      {"section = \"a\"\n[[rule]]\nid = \"x\"\nvar = \"y\"\nwhy = \"z\"\nvalue = 1\nuser = { mode "
       "= \"rang\" }\n",
       "site.toml:7: mode is one of", ""},
      {"section = \"a\"\n[[rule]]\nid = \"x\"\nvar = \"y\"\nwhy = \"z\"\nvalue = 1\ndisk = "
       "[\"tape\"]\n",
       "site.toml:7: 'tape' is not hdd, ssd or nvme", ""},
      {"section = \"a\"\n[[rule]]\nid = \"x\"\nvar = \"y\"\nwhy = \"z\"\nvalue = 1\n[[rule]]\nid = "
       "\"x\"\nvar = "
       "\"w\"\nwhy = \"z\"\nvalue = 1\n",
       "site.toml:7: rule 'x' is there already, in site.toml:2", ""},
  };
  for (const Case& wrong : cases) {
    const Error error = error_of(wrong.toml);
    INFO(error.text());
    CHECK(error.message.rfind(wrong.message, 0) == 0);
    CHECK(error.hint == wrong.hint);
  }
}

TEST_CASE("a name that nothing defines is an error with the nearest one") {
  const Error error =
      error_of(std::string(kHead) +
               "[[rule]]\nid = \"x\"\nvar = \"y\"\nwhy = \"z\"\nvalue = \"memroy/2\"\n");
  CHECK(error.message ==
        "site.toml:4: 'memroy' is neither a fact, a let nor a variable with a value");
  CHECK(error.hint == "did you mean memory?");
}

TEST_CASE("a circle of names is an error that shows it") {
  RuleSet rules;
  REQUIRE(add_rule_file(rules,
                        std::string(kHead) +
                            "[[let]]\nname = \"a\"\nvalue = \"b + 1\"\n"
                            "[[rule]]\nid = \"b\"\nvar = \"b\"\nwhy = \"z\"\nvalue = \"2*a\"\n",
                        "site.toml")
              .ok());
  REQUIRE(check_names(rules).ok());
  const auto plan = tune(machine("9.7.4", kGiB), rules);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().message.find("'b' depends on itself: b -> wanted_b -> a -> b") !=
        std::string::npos);
}

TEST_CASE("two rules that apply to one variable are an error that names both") {
  RuleSet rules;
  REQUIRE(
      add_rule_file(
          rules,
          std::string(kHead) +
              "[[rule]]\nid = \"a\"\nvar = \"v\"\nwhy = \"z\"\nvalue = 1\n"
              "[[rule]]\nid = \"b\"\nvar = \"v\"\nwhy = \"z\"\nvalue = 1\nversions = \">=9.0\"\n",
          "site.toml")
          .ok());
  CHECK(tune(machine("8.4.8", kGiB), rules).ok());
  const auto plan = tune(machine("9.7.4", kGiB), rules);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().message == "site.toml:9: rules 'a' and 'b' both set v on MySQL 9.7.4");
}

TEST_CASE("a directory without rules is an error with a hint") {
  const auto rules = load_rules("/nonexistent");
  REQUIRE_FALSE(rules);
  CHECK(rules.error().code == Code::NotFound);
  CHECK(rules.error().hint.find("tuning_dir") != std::string::npos);
}

TEST_CASE("version guards compare numbers, not letters") {
  const auto holds = [](const char* guard, const char* version) {
    return VersionGuard::parse(guard).value().holds(model::MysqlVersion::parse(version).value());
  };
  CHECK(holds(">=8.0.30 <9.0", "8.0.45"));
  CHECK_FALSE(holds(">=8.0.30 <9.0", "8.0.4"));
  CHECK_FALSE(holds(">=8.0.30 <9.0", "9.0.0"));
  CHECK(holds(">=9.7", "26.7.0"));
  CHECK(holds("<=5.6.51 >5.6.10", "5.6.51"));
  CHECK(holds("=8.0.26", "8.0.26"));
  CHECK(holds("", "5.6.24"));
}

}  // namespace cdb::tuning
