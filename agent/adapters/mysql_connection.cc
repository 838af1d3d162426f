#include "agent/adapters/mysql_connection.h"

#include <exception>
#include <mutex>
#include <utility>

#include <cppconn/connection.h>
#include <cppconn/driver.h>
#include <cppconn/exception.h>
#include <cppconn/resultset.h>
#include <cppconn/resultset_metadata.h>
#include <cppconn/statement.h>

#include "lib/base/text.h"

namespace cdb::agent {
namespace {

// The connector keeps its driver in an unguarded static.
sql::Driver* driver() {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  return get_driver_instance();
}

// Per thread, for as long as the thread lives: the client library keeps state for each.
void prepare_thread() {
  struct Ender {
    sql::Driver* driver;
    explicit Ender(sql::Driver* d) : driver(d) { driver->threadInit(); }
    ~Ender() { driver->threadEnd(); }
  };
  thread_local const Ender ender{driver()};
}

SqlError to_error(const sql::SQLException& exception) {
  return {.number = exception.getErrorCode(), .text = exception.what()};
}

// The row that the result stands on.
SqlRow read_row(sql::ResultSet& result, unsigned count) {
  SqlRow row{};
  row.reserve(count);
  for (unsigned i = 1; i <= count; ++i) {
    if (result.isNull(i)) {
      row.emplace_back();
      continue;
    }
    // A copy first: the string that getString() returns is a temporary.
    const sql::SQLString value = result.getString(i);
    row.emplace_back(std::string(value.c_str(), value.length()));
  }
  return row;
}

SqlRows read_rows(sql::ResultSet& result) {
  SqlRows rows{};
  sql::ResultSetMetaData* const meta = result.getMetaData();
  const unsigned count = meta->getColumnCount();
  for (unsigned i = 1; i <= count; ++i) {
    const sql::SQLString label = meta->getColumnLabel(i);
    rows.columns.emplace_back(label.c_str(), label.length());
  }
  while (result.next())
    rows.rows.push_back(read_row(result, count));
  return rows;
}

}  // namespace

bool SqlError::connection_lost() const {
  // server gone, connection lost (also: timed out), commands out of sync, lost with detail, and an
  // error without a number from within the client library
  return number == 2006 || number == 2013 || number == 2014 || number == 2055 || number == 0;
}

std::optional<std::string> SqlRows::value(std::string_view column, size_t row) const {
  if (row >= rows.size()) return std::nullopt;
  const std::string wanted = to_lower(column);
  for (size_t i = 0; i < columns.size(); ++i)
    if (to_lower(columns[i]) == wanted) return rows[row][i];
  return std::nullopt;
}

std::string SqlRows::text(std::string_view column, size_t row) const {
  return value(column, row).value_or("");
}

struct MysqlConnection::Parts {
  std::unique_ptr<sql::Connection> connection{};
};

MysqlConnection::MysqlConnection(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

MysqlConnection::~MysqlConnection() {
  try {
    parts_->connection.reset();
  } catch (const std::exception&) {
    // A connection that cannot say goodbye is closed all the same.
  }
}

MysqlConnection::Opened MysqlConnection::open(const MysqlLogin& login,
                                              std::chrono::seconds connect_timeout,
                                              std::chrono::seconds read_timeout) {
  try {
    prepare_thread();
    sql::ConnectOptionsMap options{};
    options["hostName"] = login.socket.empty()
                              ? "tcp://" + login.host + ":" + std::to_string(login.port)
                              : "unix://" + login.socket;
    options["userName"] = login.user;
    options["password"] = login.password.reveal();
    options["OPT_CONNECT_TIMEOUT"] = static_cast<int>(connect_timeout.count());
    options["OPT_READ_TIMEOUT"] = static_cast<int>(read_timeout.count());
    options["OPT_WRITE_TIMEOUT"] = static_cast<int>(read_timeout.count());
    options["OPT_RECONNECT"] = false;
    auto parts = std::make_unique<Parts>();
    parts->connection.reset(driver()->connect(options));
    return {.error = std::nullopt,
            .connection = std::unique_ptr<MysqlConnection>(new MysqlConnection(std::move(parts)))};
  } catch (const sql::SQLException& exception) {
    return {.error = to_error(exception), .connection = nullptr};
  } catch (const std::exception& exception) {
    return {.error = SqlError{.number = 0, .text = exception.what()}, .connection = nullptr};
  }
}

SqlAnswer MysqlConnection::run(const std::string& statement) {
  try {
    prepare_thread();
    SqlAnswer answer{};
    const std::unique_ptr<sql::Statement> runner(parts_->connection->createStatement());
    if (runner->execute(statement)) {
      const std::unique_ptr<sql::ResultSet> result(runner->getResultSet());
      answer.rows = read_rows(*result);
    }
    return answer;
  } catch (const sql::SQLException& exception) {
    return {.error = to_error(exception), .rows = {}};
  } catch (const std::exception& exception) {
    return {.error = SqlError{.number = 0, .text = exception.what()}, .rows = {}};
  }
}

std::optional<SqlError> MysqlConnection::stream(const std::string& statement,
                                                const std::function<bool(const SqlRow&)>& on_row) {
  try {
    prepare_thread();
    const std::unique_ptr<sql::Statement> runner(parts_->connection->createStatement());
    runner->setResultSetType(sql::ResultSet::TYPE_FORWARD_ONLY);
    const std::unique_ptr<sql::ResultSet> result(runner->executeQuery(statement));
    const unsigned count = result->getMetaData()->getColumnCount();
    while (result->next())
      if (!on_row(read_row(*result, count))) break;
    return std::nullopt;
  } catch (const sql::SQLException& exception) {
    return to_error(exception);
  } catch (const std::exception& exception) {
    return SqlError{.number = 0, .text = exception.what()};
  }
}

}  // namespace cdb::agent
