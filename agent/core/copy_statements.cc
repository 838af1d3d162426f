#include "agent/core/copy_statements.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "agent/core/grants.h"
#include "agent/core/statements.h"
#include "lib/base/text.h"

namespace cdb::agent {
namespace {

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 9> kNumbers{
    "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "double", "year", "real"};

}  // namespace

std::string quoted_name(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`') out += '`';
    out += c;
  }
  return out + "`";
}

std::string quoted_name(std::string_view schema, std::string_view name) {
  return quoted_name(schema) + "." + quoted_name(name);
}

std::optional<CopyColumn> copy_column(const std::string& name, const std::string& data_type,
                                      const std::string& extra) {
  // Not DEFAULT_GENERATED, which is an ordinary column with an expression as default.
  const std::string how = to_lower(extra);
  if (how.find("virtual generated") != std::string::npos ||
      how.find("stored generated") != std::string::npos) {
    return std::nullopt;
  }
  const std::string type = to_lower(data_type);
  const std::string quoted = quoted_name(name);
  // A float is printed with six digits; as a double it has all that are needed to come back.
  if (type == "float") return CopyColumn{name, quoted + " + 0E0", CopyAs::Number};
  // Bits come as raw bytes, or as the client library thinks best.
  if (type == "bit") return CopyColumn{name, quoted + " + 0", CopyAs::Number};
  if (type == "enum") return CopyColumn{name, quoted, CopyAs::Choice};
  if (type == "json") return CopyColumn{name, quoted, CopyAs::Json};
  return CopyColumn{name, quoted, is_one_of(kNumbers, type) ? CopyAs::Number : CopyAs::Bytes};
}

std::string select_rows(std::string_view schema, std::string_view table,
                        const std::vector<CopyColumn>& columns) {
  std::vector<std::string> expressions;
  expressions.reserve(columns.size());
  for (const CopyColumn& column : columns)
    expressions.push_back(column.read);
  return fmt::format("SELECT SQL_NO_CACHE {} FROM {}", join(expressions, ", "),
                     quoted_name(schema, table));
}

InsertBatch::InsertBatch(std::string_view schema, std::string_view table,
                         std::vector<CopyColumn> columns, size_t bytes)
    : columns_(std::move(columns)), bytes_(bytes) {
  std::vector<std::string> names;
  names.reserve(columns_.size());
  for (const CopyColumn& column : columns_)
    names.push_back(quoted_name(column.name));
  head_ = fmt::format("INSERT INTO {} ({}) VALUES ", quoted_name(schema, table), join(names, ", "));
}

void InsertBatch::add(const CopyRow& row) {
  CDB_INVARIANT(row.size() == columns_.size());
  text_ += text_.empty() ? head_ + "(" : ",(";
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) text_ += ',';
    if (!row[i]) {
      text_ += "NULL";
      continue;
    }
    switch (columns_[i].as) {
      case CopyAs::Number: text_ += *row[i]; break;
      case CopyAs::Choice:
      case CopyAs::Bytes: text_ += quoted(*row[i]); break;
      case CopyAs::Json: text_ += "_utf8mb4" + quoted(*row[i]); break;
    }
  }
  text_ += ')';
  ++rows_;
}

std::string InsertBatch::take() {
  rows_ = 0;
  return std::exchange(text_, {});
}

bool is_error_value(const std::vector<CopyColumn>& columns, int number, std::string_view text) {
  constexpr int kDataTruncated = 1265;
  if (number != kDataTruncated) return false;
  return std::any_of(columns.begin(), columns.end(), [&](const CopyColumn& column) {
    return column.as == CopyAs::Choice &&
           text.find("for column '" + column.name + "' at row ") != std::string_view::npos;
  });
}

std::string without_next_number(std::string_view create_table) {
  constexpr std::string_view kNext = " AUTO_INCREMENT=";
  // Among the table's options, which follow the last closing bracket at the start of a line.
  const size_t options = create_table.rfind("\n)");
  if (options == std::string_view::npos) return std::string(create_table);
  const size_t at = create_table.find(kNext, options);
  if (at == std::string_view::npos) return std::string(create_table);
  const size_t end = create_table.find_first_not_of("0123456789", at + kNext.size());
  std::string text(create_table.substr(0, at));
  if (end != std::string_view::npos) text += create_table.substr(end);
  return text;
}

const std::vector<SystemTable>& copied_system_tables() {
  static const std::vector<SystemTable> tables{
      {"user", "User", "Host"},
      {"db", "User", "Host"},
      {"tables_priv", "User", "Host"},
      {"columns_priv", "User", "Host"},
      {"procs_priv", "User", "Host"},
      {"proxies_priv", "User", "Host"},
      {"global_grants", "USER", "HOST"},
      {"role_edges", "TO_USER", "TO_HOST"},
      {"default_roles", "USER", "HOST"},
      {"password_history", "User", "Host"},
      {"servers", "", ""},
      {"time_zone", "", ""},
      {"time_zone_leap_second", "", ""},
      {"time_zone_name", "", ""},
      {"time_zone_transition", "", ""},
      {"time_zone_transition_type", "", ""},
  };
  return tables;
}

std::string rows_of_others(const SystemTable& table) {
  if (table.user_column.empty()) return {};
  std::vector<std::string> ours{fmt::format("({}, {})", quoted("root"), quoted("localhost"))};
  for (const Account account : kAccounts)
    ours.push_back(fmt::format("({}, {})", quoted(user_of(account)), quoted(host_of(account))));
  // Anonymous accounts are the servers' own, and so are those that MySQL locks for itself.
  return fmt::format(" WHERE ({0}, {1}) NOT IN ({2}) AND {0} <> '' AND {0} NOT LIKE 'mysql.%'",
                     quoted_name(table.user_column), quoted_name(table.host_column),
                     join(ours, ", "));
}

bool copies_between(const model::MysqlVersion& source, const model::MysqlVersion& here) {
  return source.major == here.major && source.minor == here.minor;
}

}  // namespace cdb::agent
