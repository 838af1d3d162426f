#pragma once
// MysqlServer on a real mysqld, through its unix socket. Keeps one connection (it may be the one
// that the server reserves for administration) and opens it anew when it broke, when the password
// changed, or when a call has another length. Blocking; one thread at a time.
//
// Deadlines are kept to the millisecond as long as the server can accept a second connection, which
// kills what runs too long; a server that is frozen is given up after the deadline rounded up to
// whole seconds.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/adapters/mysql_session.h"
#include "agent/adapters/status_rows.h"
#include "agent/ports/mysql_server.h"

namespace cdb::agent {

class ConnectorMysqlServer final : public MysqlServer {
 public:
  // `access` is asked before each use of the connection: the password becomes known later, and may
  // change. With an empty password, or one that the server refuses, status() and ensure_accounts()
  // fall back to root without a password.
  explicit ConnectorMysqlServer(std::function<MysqlAccess()> access);
  ~ConnectorMysqlServer() override;

  Result<model::ServerStatus> status(Deadline deadline) override;
  Status ensure_accounts(const model::Credentials& credentials, Deadline deadline) override;

  Status replicate_from(const ReplicationSource& source, Deadline deadline) override;
  Status stop_receiver(Deadline deadline) override;
  Status start_applier(Deadline deadline) override;
  Status stop_applier(Deadline deadline) override;
  Status wait_for_executed(const model::GtidSet& set, Deadline deadline) override;
  Status reset_replication(Deadline deadline) override;

  Status set_acks_required(int acks, Deadline deadline) override;
  Status set_writable(Deadline deadline) override;
  Status set_read_only(Deadline deadline) override;
  Status kill_client_sessions(Deadline deadline) override;
  Result<model::GtidSet> write_marker(model::RecordVersion version, Deadline deadline) override;

  Status set_variable(const std::string& name, const std::string& value,
                      Deadline deadline) override;
  Result<std::map<std::string, std::string>> variables(const std::vector<std::string>& names,
                                                       Deadline deadline) override;
  Status clone_from(const ReplicationSource& donor, Deadline deadline) override;
  Status copy_from(const ReplicationSource& donor,
                   const std::function<bool(const std::string&)>& progress,
                   Deadline deadline) override;

 private:
  enum class Fallback { None, Root };
  // A connection that has just answered. Valid until the next call of session().
  Result<MysqlSession*> session(Deadline deadline, Fallback fallback = Fallback::None,
                                std::chrono::seconds slack = std::chrono::seconds(2));
  Result<MysqlSession*> connect(const std::vector<MysqlLogin>& logins, Deadline deadline);

  std::function<MysqlAccess()> access_;
  std::unique_ptr<MysqlSession> session_{};
};

}  // namespace cdb::agent
