#pragma once
// A logged-in session whose statements end by a deadline: a statement that outlives it is killed
// from a second connection, so that it neither stays behind in the server nor takes effect later
// unnoticed. Blocking; one thread at a time.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/adapters/mysql_connection.h"
#include "agent/core/statements.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/model/mysql_version.h"

namespace cdb::agent {

// Waits without a condition of its own: for polling a server. Returns early at the deadline.
void pause(Duration duration, Deadline deadline);

// A server's refusal in its own words (Precondition), or what a lost connection means for a
// statement that changes nothing.
Error to_error(const SqlError& error, std::string_view what);

class MysqlSession {
 public:
  struct Opened {
    std::optional<SqlError> error{};
    std::unique_ptr<MysqlSession> session{};
  };
  static Opened open(const MysqlLogin& login, Deadline deadline);

  // A statement that changes nothing. When cut: Deadline, or Unavailable when the server went away.
  Result<SqlRows> read(const std::string& statement, Deadline deadline);
  // A statement that changes something. Killed shortly before the deadline. When cut: Deadline if
  // the server said that it did nothing, else OutcomeUnknown.
  Status change(const std::string& statement, Deadline deadline);
  // The same with the server's raw answer. `halfway` is called once, from another thread with a
  // connection of its own, when half of the time has passed without an answer.
  struct Change {
    SqlAnswer answer{};
    bool killed{false};  // by us, for the deadline
  };
  Change try_change(const std::string& statement, Deadline deadline,
                    const std::function<void(MysqlConnection&)>& halfway = {});

  // After a lost connection: kills the session if it is still there and waits until it is gone.
  // False when it is still there at the deadline, or that cannot be told.
  bool end_remains(Deadline deadline);

  // Whether the connection still answers; one round trip.
  bool alive();
  // Whether it was opened for calls of about this length: the read timeout is fixed at the opening.
  // It may be longer by `slack`, which a frozen server then costs.
  [[nodiscard]] bool fits(Deadline deadline, std::chrono::seconds slack) const;

  [[nodiscard]] const MysqlLogin& login() const { return login_; }
  [[nodiscard]] const model::MysqlVersion& version() const { return version_; }
  [[nodiscard]] bool has_semisync() const { return semisync_; }
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] std::string_view words(Phrase phrase) const {
    return cdb::agent::words(phrase, version_);
  }

 private:
  MysqlSession() = default;
  SqlAnswer raw(const std::string& statement);

  MysqlLogin login_{};
  std::chrono::seconds timeout_{1};
  std::unique_ptr<MysqlConnection> connection_{};
  model::MysqlVersion version_{};
  bool semisync_{false};
  std::string id_{};
  bool broken_{false};
};

}  // namespace cdb::agent
