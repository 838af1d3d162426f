#pragma once
// A private mysqld for a test: a data directory of its own under a temporary one, an address in
// 127/8 of its own, killed at the end (also when the test dies). Throws std::runtime_error when a
// server cannot be had, and says to run ./test when the environment names none. One thread.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "agent/adapters/mysql_connection.h"
#include "lib/base/secret.h"
#include "lib/model/ids.h"

namespace cdb::test {

enum class MysqlLine { V56, V97 };

class MysqldFixture {
 public:
  // Starts with GTIDs, binary log, no replication, read-only, the semi-sync and clone plugins where
  // there are any; `options` ("--name=value") come after and win.
  explicit MysqldFixture(MysqlLine line, std::vector<std::string> options = {});
  ~MysqldFixture();
  MysqldFixture(const MysqldFixture&) = delete;
  MysqldFixture& operator=(const MysqldFixture&) = delete;

  [[nodiscard]] MysqlLine line() const { return line_; }
  [[nodiscard]] std::string socket() const { return (directory_ / "mysqld.sock").string(); }
  [[nodiscard]] const model::Endpoint& endpoint() const { return endpoint_; }
  [[nodiscard]] std::filesystem::path data_directory() const { return directory_ / "data"; }
  [[nodiscard]] pid_t pid() const { return pid_; }

  // Starts on the same data directory and waits until it answers.
  void start();
  void kill();       // SIGKILL, and waits for the end
  void wait_exit();  // until it has ended by itself
  void signal(int number) const;
  [[nodiscard]] std::string log_tail() const;

  // A connection over the socket; root without a password is what a new data directory has.
  [[nodiscard]] std::unique_ptr<agent::MysqlConnection> connect(
      const std::string& user = "root", const std::string& password = {}) const;
  // Runs statements on one connection; the rows of the last. Throws on an error.
  agent::SqlRows sql(const std::string& user, const std::string& password,
                     const std::vector<std::string>& statements) const;

 private:
  void spawn();
  void await_ready();

  MysqlLine line_;
  std::vector<std::string> options_;
  std::filesystem::path program_{};
  std::filesystem::path directory_{};
  model::Endpoint endpoint_{};
  uint32_t server_id_{0};
  pid_t pid_{-1};
};

}  // namespace cdb::test
