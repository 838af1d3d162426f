#pragma once
// The statements of a logical copy between two servers of one series: what is read, and how rows
// are written so that every value arrives as it was. For sessions that read with
// character_set_results NULL, write with SET NAMES binary, and have the time zone +00:00. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/model/mysql_version.h"

namespace cdb::agent {

// With backticks.
std::string quoted_name(std::string_view name);
// `schema`.`name`
std::string quoted_name(std::string_view schema, std::string_view name);

// How a value is read and written again.
enum class CopyAs {
  Number,  // as the server prints it
  Bytes,   // a string, date or geometry, byte for byte
  Json,    // text that must be said to be utf8mb4
  Choice,  // of an ENUM: bytes, or the empty error value, which only a lenient server takes
};

struct CopyColumn {
  std::string name{};
  std::string read{};  // the expression to select
  CopyAs as{CopyAs::Bytes};
};

// From a row of information_schema.COLUMNS; none for a generated column, which the server fills.
// `data_type` without length ("bigint"), in any case.
std::optional<CopyColumn> copy_column(const std::string& name, const std::string& data_type,
                                      const std::string& extra);

// SELECT of all rows; the columns are not none.
std::string select_rows(std::string_view schema, std::string_view table,
                        const std::vector<CopyColumn>& columns);

using CopyRow = std::vector<std::optional<std::string>>;  // none: NULL

// Gathers rows into INSERT statements.
class InsertBatch {
 public:
  // A statement is complete once it has so many bytes, or kMostRows; it exceeds the bytes by one
  // row at most.
  InsertBatch(std::string_view schema, std::string_view table, std::vector<CopyColumn> columns,
              size_t bytes);
  void add(const CopyRow& row);
  static constexpr size_t kMostRows = 10'000;
  [[nodiscard]] bool full() const { return text_.size() >= bytes_ || rows_ >= kMostRows; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  // The statement for what was added since the last; empty for nothing.
  std::string take();

 private:
  std::string head_{};
  std::vector<CopyColumn> columns_;
  size_t bytes_;
  std::string text_{};
  size_t rows_{0};
};

// Whether a server's warning (its number and text) is that of an ENUM's error value, in one of
// these columns, and so of no loss.
bool is_error_value(const std::vector<CopyColumn>& columns, int number, std::string_view text);

// The same definition whatever the next number of an automatic column is.
std::string without_next_number(std::string_view create_table);

// The system tables whose rows are copied: accounts and their privileges first, then what else
// people keep there. Those that a version has not are simply not there.
struct SystemTable {
  std::string_view name{};
  std::string_view user_column{};  // empty: all rows are copied
  std::string_view host_column{};
};
const std::vector<SystemTable>& copied_system_tables();
// All rows but those of the accounts that every node has of its own (" WHERE ..." or empty).
std::string rows_of_others(const SystemTable& table);

// Whether a copy from one to the other is known to be right.
bool copies_between(const model::MysqlVersion& source, const model::MysqlVersion& here);

}  // namespace cdb::agent
