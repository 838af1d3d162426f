// The one file of tuning/ that reads the disk.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "tuning/names.h"
#include "tuning/rule_set.h"

namespace cdb::tuning {
namespace {

namespace fs = std::filesystem;

Result<std::vector<fs::path>> files_in(const fs::path& dir, std::string_view extension) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator at(dir, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == extension) files.push_back(at->path());
  }
  if (error) {
    return not_found(
        fmt::format("cannot read the tuning rules in {}: {}", dir.string(), error.message()),
        "tuning_dir has to name the directory with rules/ and catalogue/");
  }
  if (files.empty()) {
    return not_found(fmt::format("no {} file in {}", extension, dir.string()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

Status add_catalogue_file(Catalogue& catalogue, const fs::path& path) {
  CDB_ASSIGN_OR_RETURN(const std::string content, cdb::read_file(path));
  const std::string file = "catalogue/" + path.filename().string();
  const std::string stem = path.stem().string();
  if (stem == "aliases") return catalogue.add_aliases(content, file);
  if (stem == "limits") return catalogue.add_limits(content, file);
  if (stem == "owned") return catalogue.add_owned(content, file);
  auto line = model::MysqlVersion::parse(stem);
  if (!line) return line.error().in(file);
  return catalogue.add_line(*line, content, file);
}

// Everything that a name in an expression may be, for any version.
std::set<std::string> number_names(const RuleSet& rules) {
  std::set<std::string> names{std::string(kBudgetRoom)};
  for (const std::string& fact : number_fact_names())
    names.insert(fact);
  for (const Let& let : rules.lets)
    names.insert(let.name);
  for (const Rule& rule : rules.rules) {
    if (!rule.value) continue;
    names.insert(rule.variable);
    names.insert(std::string(kWanted) + rule.variable);
  }
  return names;
}

Status check(const std::set<std::string>& known, const std::vector<std::string>& used,
             const Place& place) {
  for (const std::string& name : used) {
    if (known.count(name) > 0) continue;
    const std::string meant = nearest(name, {known.begin(), known.end()});
    return invalid(fmt::format("{}: '{}' is neither a fact, a let nor a variable with a value",
                               place.str(), name),
                   meant.empty() ? "" : "did you mean " + meant + "?");
  }
  return {};
}

Status check(const std::set<std::string>& known, const std::optional<Expression>& expression,
             const Place& place) {
  return expression ? check(known, expression->names(), place) : Status();
}

}  // namespace

Status check_names(const RuleSet& rules) {
  const std::set<std::string> numbers = number_names(rules);
  std::set<std::string> in_texts = numbers;
  for (const std::string& fact : text_fact_names())
    in_texts.insert(fact);

  if (!rules.budget_limit) return invalid("no rule file has a [budget]");
  CDB_TRY(check(numbers, rules.budget_limit, {"[budget]", 0}));
  CDB_TRY(check(numbers, rules.peak_limit, {"[budget]", 0}));
  for (const Let& let : rules.lets)
    CDB_TRY(check(numbers, let.value.names(), let.place));
  for (const Term& term : rules.terms) {
    CDB_TRY(check(numbers, term.bytes.names(), term.place));
    CDB_TRY(check(numbers, term.peak, term.place));
  }
  for (const Rule& rule : rules.rules) {
    CDB_TRY(check(numbers, rule.value, rule.place));
    CDB_TRY(check(numbers, rule.align, rule.place));
    CDB_TRY(check(numbers, rule.least, rule.place));
    CDB_TRY(check(numbers, rule.user.min, rule.place));
    CDB_TRY(check(numbers, rule.user.max, rule.place));
    const auto names = names_in_text(rule.text);
    CDB_INVARIANT(names);  // add_rule_file looked
    CDB_TRY(check(in_texts, *names, rule.place));
  }
  return {};
}

Result<RuleSet> load_rules(const fs::path& dir) {
  RuleSet rules;
  CDB_ASSIGN_OR_RETURN(const auto rule_files, files_in(dir / "rules", ".toml"));
  for (const fs::path& path : rule_files) {
    CDB_ASSIGN_OR_RETURN(const std::string content, cdb::read_file(path));
    CDB_TRY(add_rule_file(rules, content, "rules/" + path.filename().string()));
  }
  CDB_ASSIGN_OR_RETURN(const auto catalogue_files, files_in(dir / "catalogue", ".tsv"));
  for (const fs::path& path : catalogue_files)
    CDB_TRY(add_catalogue_file(rules.catalogue, path));
  CDB_TRY(check_names(rules));
  return rules;
}

fs::path installed_rules() {
  return CDB_TUNING_DIR;
}

}  // namespace cdb::tuning
