#pragma once
// One connection to a SQLite file, as values and Results. Not thread-safe: the owner serialises.
// Messages of errors go on from the file's name: "is locked: ...". sqlite3.h is known to
// sqlite_db.cc alone.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace cdb::coordinator {

// A prepared statement. Must end before its Database.
class Statement {
 public:
  // The values of the question marks, in order.
  template <typename... Values>
  Statement& with(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }
  // Steps: true while there is a row to look at.
  Result<bool> row();
  // To its end, whatever rows it has.
  Status run();
  [[nodiscard]] int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  void bind(int index, int64_t value);
  void bind(int index, uint64_t value) { bind(index, static_cast<int64_t>(value)); }
  void bind(int index, std::string_view value);  // copied
  void bound(int code);

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_error_{0};
};

class Database {
 public:
  // An existing file; nothing is created.
  static Result<Database> open(const std::filesystem::path& path);

  // One or more statements whose rows are of no interest.
  Status execute(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  // The first column of the first row.
  Result<int64_t> integer(const char* sql);
  Result<std::string> text(const char* sql);
  [[nodiscard]] uint64_t last_insert_id() const;
  // Whether the file that is open is no longer the one of that name.
  [[nodiscard]] bool moved() const;

 private:
  friend class Transaction;
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}
  [[nodiscard]] bool in_transaction() const;

  std::unique_ptr<sqlite3, Close> database_;
};

// BEGIN IMMEDIATE until commit(); rolled back by its end otherwise.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  // Unavailable: nothing was changed. OutcomeUnknown: the file may hold the change; only a new
  // connection tells.
  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace cdb::coordinator
