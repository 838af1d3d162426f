#include "agent/adapters/variables.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "agent/adapters/status_rows.h"
#include "agent/core/statements.h"
#include "lib/base/text.h"

namespace cdb::agent {
namespace {

constexpr int kWrongType = 1232;
constexpr int kTruncatedValue = 1292;

bool is_number(const std::string& text) {
  if (text.empty()) return false;
  char* end = nullptr;
  (void)std::strtod(text.c_str(), &end);
  return *end == '\0' && text.find_first_not_of("0123456789.-+") == std::string::npos;
}

// "64M" as the server's option files have it; SET GLOBAL knows digits alone.
std::string without_unit(const std::string& text) {
  if (text.size() < 2 || text.find_first_not_of("0123456789") != text.size() - 1) return text;
  const size_t unit = std::string("KMGT").find(
      static_cast<char>(std::toupper(static_cast<unsigned char>(text.back()))));
  if (unit == std::string::npos) return text;
  const unsigned long long count = std::strtoull(text.c_str(), nullptr, 10);
  return std::to_string(count << (10 * (unit + 1)));
}

// 8.0.30 and later read the old alias back by its full name.
std::string without_alias(const std::string& text) {
  if (text == "utf8" || text.starts_with("utf8_")) return "utf8mb3" + text.substr(4);
  return text;
}

std::string assignment(const std::string& name, const std::string& literal) {
  return fmt::format("SET GLOBAL {} = {}", name, literal);
}

Status set_raw(MysqlSession& session, const std::string& name, const std::string& value,
               Deadline deadline) {
  auto change =
      session.try_change(assignment(name, is_number(value) ? value : quoted(value)), deadline);
  if (!change.answer.ok() && change.answer.error->number == kWrongType)
    change = session.try_change(assignment(name, quoted(value)), deadline);
  if (change.answer.ok()) return {};
  if (change.answer.error->connection_lost()) {
    (void)session.end_remains(deadline);
    return outcome_unknown("SET GLOBAL " + name + ": the answer was lost");
  }
  return to_error(*change.answer.error, "SET GLOBAL " + name);
}

}  // namespace

bool same_value(const std::string& asked, const std::string& read) {
  const std::string a = without_alias(to_lower(asked));
  const std::string b = without_alias(to_lower(read));
  if (a == b) return true;
  if (is_number(a) && is_number(b))
    return std::strtold(a.c_str(), nullptr) == std::strtold(b.c_str(), nullptr);
  const auto boolean = [](const std::string& text) -> std::optional<bool> {
    if (is_on(text)) return true;
    if (text == "0" || text == "off" || text == "no" || text == "false") return false;
    return std::nullopt;
  };
  if (boolean(a) && boolean(a) == boolean(b)) return true;
  const std::vector<std::string> have = split(b, ',');
  const std::vector<std::string> wanted = split(a, ',');
  return have.size() > 1 && std::all_of(wanted.begin(), wanted.end(), [&](const std::string& item) {
           return std::find(have.begin(), have.end(), trim(item)) != have.end();
         });
}

Result<std::map<std::string, std::string>> read_global_variables(
    MysqlSession& session, const std::vector<std::string>& names, Deadline deadline) {
  std::map<std::string, std::string> found{};
  if (names.empty()) return found;
  std::vector<std::string> literals{};
  for (const std::string& name : names)
    literals.push_back(quoted(name));
  CDB_ASSIGN_OR_RETURN(const SqlRows rows,
                       session.read(fmt::format("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({})",
                                                join(literals, ", ")),
                                    deadline));
  for (const SqlRow& row : rows.rows)
    found[to_lower(row[0].value_or(""))] = row[1].value_or("");
  return found;
}

Status set_global_variable(MysqlSession& session, const std::string& name, const std::string& value,
                           Deadline deadline) {
  if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789_.") != std::string::npos)
    return invalid(fmt::format("'{}' is not the name of a variable", name));
  const std::string key = to_lower(name);
  CDB_ASSIGN_OR_RETURN(auto before, read_global_variables(session, {key}, deadline));
  if (!before.contains(key)) return precondition("the server has no variable " + name);
  const std::string wanted = without_unit(value);
  if (same_value(wanted, before[key])) return {};
  CDB_TRY(set_raw(session, name, wanted, deadline));
  CDB_ASSIGN_OR_RETURN(const SqlRows warnings, session.read("SHOW WARNINGS", deadline));
  std::string complaint{};
  for (size_t row = 0; row < warnings.rows.size(); ++row)
    if (warnings.text("Code", row) == std::to_string(kTruncatedValue))
      complaint = warnings.text("Message", row);
  CDB_ASSIGN_OR_RETURN(auto after, read_global_variables(session, {key}, deadline));
  if (complaint.empty() && same_value(wanted, after[key])) return {};
  CDB_TRY(set_raw(session, name, before[key], deadline));
  return precondition(fmt::format("{} = {} became {}{}{}; it is {} again", name, value, after[key],
                                  complaint.empty() ? "" : ": ", complaint, before[key]));
}

}  // namespace cdb::agent
