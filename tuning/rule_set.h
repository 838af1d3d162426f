#pragma once
// The rules as data: what rules/*.toml and catalogue/*.tsv say. Values; only load_rules() reads
// files, once. Their schema: tuning/rules/README.md

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "tuning/catalogue.h"
#include "tuning/expression.h"
#include "tuning/facts.h"
#include "tuning/version_guard.h"

namespace cdb::tuning {

// Where something stands in the rule files.
struct Place {
  std::string file{};
  int line{0};
  [[nodiscard]] std::string str() const { return file + ":" + std::to_string(line); }
};

// When a rule applies: all that is said has to hold.
struct Guard {
  VersionGuard versions{};
  std::vector<std::string> disk{};  // any of them; none: every kind
  std::optional<bool> lossless{};
  std::optional<bool> clone{};
  std::vector<std::string> given{};  // these facts are not empty
  [[nodiscard]] bool holds(const Facts& facts) const;
};

// What a user may ask for.
struct UserLimit {
  enum class Mode { Free, Range, Choice, Words, Forbidden };
  Mode mode{Mode::Free};
  std::optional<Expression> min{};
  std::optional<Expression> max{};
  std::vector<std::string> values{};  // Choice: one of; Words: any of, with commas
};

struct Rule {
  std::string id{};
  std::string variable{};
  std::string section{};  // the heading of its file
  Place place{};
  Guard guard{};
  ValueType type{ValueType::Text};
  std::optional<Expression> value{};  // for numbers and switches
  std::string text{};                 // for texts; {name} is replaced by a fact or a number
  std::optional<Expression> align{};  // aligned down to a multiple of it
  std::optional<Expression> least{};  // below this the flavor is refused
  bool write{true};   // false: only the limits for users, and what expressions take for its value
  bool online{true};  // false: even where SET GLOBAL works, by a restart
  std::vector<std::string> steady{};  // SET GLOBAL only while these keep their values
  bool option{false};   // an option and no variable: not to be read back, may be repeated
  bool readback{true};  // false: the server may rightly show another value
  UserLimit user{};
  std::string why{};
};

// A name for an intermediate value.
struct Let {
  std::string name{};
  Place place{};
  Guard guard{};
  Expression value{};
};

// One line of the memory budget.
struct Term {
  std::string id{};
  Place place{};
  Guard guard{};
  Expression bytes{};
  std::optional<Expression> peak{};  // with every connection active; none: the same
  std::string variable{};            // the setting that decides it, or empty
  bool solved{false};                // takes what the others leave: not part of budget_room
  std::string why{};
};

struct RuleSet {
  std::vector<Rule> rules{};  // in the order in which they are written
  std::vector<Let> lets{};
  std::vector<Term> terms{};
  std::optional<Expression> budget_limit{};  // an error above this
  std::optional<Expression> peak_limit{};    // a warning above this
  Catalogue catalogue{};
};

// Reads dir/rules/*.toml (in the order of their names) and dir/catalogue/*.tsv. Blocking. Errors
// name file:line; nothing is taken from a directory with an error in it.
Result<RuleSet> load_rules(const std::filesystem::path& dir);
// Where the installed rules are.
std::filesystem::path installed_rules();

// Adds the content of one rule file.
Status add_rule_file(RuleSet& rules, std::string_view toml, const std::string& file);
// After the last file: every name in an expression has to exist.
Status check_names(const RuleSet& rules);

}  // namespace cdb::tuning
