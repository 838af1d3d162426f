#pragma once
// One connection to a MySQL server; the only place that knows Connector/C++. Blocking; one thread
// at a time for each connection. Timeouts have whole seconds, as the client library has them.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/secret.h"

namespace cdb::agent {

// Over the unix socket, or over TCP when none is named.
struct MysqlLogin {
  std::string socket{};
  std::string host{};
  uint16_t port{3306};
  std::string user{};
  Secret password{};
};

// MySQL's own error numbers; client side ones are 2000 to 2999.
struct SqlError {
  int number{0};
  std::string text{};
  // The connection broke or timed out: whether the statement was carried out is not known.
  [[nodiscard]] bool connection_lost() const;
};

using SqlRow = std::vector<std::optional<std::string>>;  // none: NULL

struct SqlRows {
  std::vector<std::string> columns{};
  std::vector<SqlRow> rows{};
  // The value in this row of the column with this name (any case); empty for NULL, no such column
  // or no such row.
  [[nodiscard]] std::string text(std::string_view column, size_t row = 0) const;
  [[nodiscard]] std::optional<std::string> value(std::string_view column, size_t row = 0) const;
};

struct SqlAnswer {
  std::optional<SqlError> error{};
  SqlRows rows{};  // none for statements without a result
  [[nodiscard]] bool ok() const { return !error.has_value(); }
};

class MysqlConnection {
 public:
  struct Opened {
    std::optional<SqlError> error{};
    std::unique_ptr<MysqlConnection> connection{};  // none with an error
  };
  // read_timeout: how long a server may stay silent within a statement before the connection is
  // given up (connection_lost()).
  static Opened open(const MysqlLogin& login, std::chrono::seconds connect_timeout,
                     std::chrono::seconds read_timeout);
  ~MysqlConnection();
  MysqlConnection(const MysqlConnection&) = delete;
  MysqlConnection& operator=(const MysqlConnection&) = delete;

  SqlAnswer run(const std::string& statement);
  // Hands over each row as it comes, so that a result of any size takes no memory; none when all
  // was well. With on_row's false the rest of the result is read and dropped.
  std::optional<SqlError> stream(const std::string& statement,
                                 const std::function<bool(const SqlRow&)>& on_row);

 private:
  struct Parts;
  explicit MysqlConnection(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace cdb::agent
