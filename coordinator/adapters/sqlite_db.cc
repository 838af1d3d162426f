#include "coordinator/adapters/sqlite_db.h"

#include <cerrno>
#include <utility>

#include <sqlite3.h>

#include "lib/base/log.h"

namespace cdb::coordinator {
namespace {

constexpr int kBusyTimeoutMs = 5000;  // a person with the sqlite3 command, a backup

// The errno of the last failed call on the write-ahead log or journal (sqlite3_system_errno forgets
// it in a COMMIT).
int log_errno(sqlite3* database) {
  sqlite3_file* log_file = nullptr;
  int value = 0;
  if (sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log_file) !=
          SQLITE_OK ||
      log_file == nullptr || log_file->pMethods == nullptr ||
      log_file->pMethods->xFileControl(log_file, SQLITE_FCNTL_LAST_ERRNO, &value) != SQLITE_OK) {
    return 0;
  }
  return value;
}

bool no_space(sqlite3* database, int code) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  if (code != SQLITE_IOERR_WRITE) return false;
  // A quota and a file size limit end a write as surely as a full disk does.
  const int system_error = log_errno(database);
  return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
}

Error error_of(sqlite3* database) {
  const int code = sqlite3_extended_errcode(database);
  const std::string message = sqlite3_errmsg(database);
  if (no_space(database, code)) {
    return unavailable("has no space left: " + message,
                       "free some space on its filesystem; the coordinator goes on by itself");
  }
  switch (code & 0xff) {
    case SQLITE_IOERR:
      return unavailable(
          "cannot be read or written: " + message + " (SQLite error " + std::to_string(code) + ")",
          "check the disk and the kernel's log");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return unavailable("is locked: " + message, "another program has it open for writing");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return internal("is damaged: " + message, "restore it from a backup");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return precondition("cannot be opened for writing: " + message,
                          "check owner and mode of the file and its directory");
    default: return internal("failed: " + message + " (SQLite error " + std::to_string(code) + ")");
  }
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Statement::bound(int code) {
  if (code != SQLITE_OK && bind_error_ == SQLITE_OK) bind_error_ = code;
}

void Statement::bind(int index, int64_t value) {
  bound(sqlite3_bind_int64(statement_.get(), index, value));
}

void Statement::bind(int index, std::string_view value) {
  // A null pointer would bind NULL.
  const char* const data = value.data() == nullptr ? "" : value.data();
  bound(sqlite3_bind_text64(statement_.get(), index, data, value.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8));
}

Result<bool> Statement::row() {
  if (bind_error_ != SQLITE_OK) {
    return internal(std::string("refuses a value: ") + sqlite3_errstr(bind_error_));
  }
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: return error_of(sqlite3_db_handle(statement_.get()));
  }
}

Status Statement::run() {
  for (;;) {
    CDB_ASSIGN_OR_RETURN(const bool more, row());
    if (!more) return {};
  }
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* const data =
      reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Result<Database> Database::open(const std::filesystem::path& path) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (handle == nullptr) return internal("cannot be opened: no memory");
  Database database(handle);
  if (code != SQLITE_OK) return error_of(handle);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  return database;
}

Status Database::execute(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return error_of(database_.get());
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &statement,
                         nullptr) != SQLITE_OK) {
    return error_of(database_.get());
  }
  return Statement(statement);
}

Result<int64_t> Database::integer(const char* sql) {
  CDB_ASSIGN_OR_RETURN(Statement statement, prepare(sql));
  CDB_ASSIGN_OR_RETURN(const bool found, statement.row());
  if (!found) return internal("gave no row for: " + std::string(sql));
  return statement.integer(0);
}

Result<std::string> Database::text(const char* sql) {
  CDB_ASSIGN_OR_RETURN(Statement statement, prepare(sql));
  CDB_ASSIGN_OR_RETURN(const bool found, statement.row());
  if (!found) return internal("gave no row for: " + std::string(sql));
  return statement.text(0);
}

uint64_t Database::last_insert_id() const {
  return static_cast<uint64_t>(sqlite3_last_insert_rowid(database_.get()));
}

bool Database::moved() const {
  int moved = 0;
  sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(database_.get()) == 0;
}

Result<Transaction> Transaction::begin(Database& database) {
  CDB_TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  // Some errors have rolled back already.
  if (database_ == nullptr || !database_->in_transaction()) return;
  if (const Status rolled_back = database_->execute("ROLLBACK"); !rolled_back) {
    log::error("store.rollback_failed", "problem=\"{}\"", rolled_back.error().text());
  }
}

Status Transaction::commit() {
  sqlite3* const handle = database_->database_.get();
  if (database_->execute("COMMIT")) {
    database_ = nullptr;
    return {};
  }
  Error error = error_of(handle);
  const int code = sqlite3_extended_errcode(handle);
  // What marks a change as committed is the last thing that is written: without space for all of it
  // the change is not there. Any other failure may have come after that (fsync, say).
  if (no_space(handle, code) || (code & 0xff) == SQLITE_BUSY) return error;
  error.code = Code::OutcomeUnknown;
  return error;
}

}  // namespace cdb::coordinator
