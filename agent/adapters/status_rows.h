#pragma once
// What the rows that a server answers with mean. Pure; any thread.

#include <string>

#include "agent/adapters/mysql_connection.h"
#include "lib/base/result.h"
#include "lib/model/mysql_version.h"
#include "lib/model/report.h"

namespace cdb::agent {

// The default replication channel.
struct ReplicaState {
  bool configured{false};  // it has a source; the rest is empty without one
  model::ReplicationStatus status{};
  std::string user{};
  bool auto_position{false};
};
Result<ReplicaState> parse_replica_state(const SqlRows& rows, const model::MysqlVersion& version);

// Transactions that were received and not executed.
model::GtidSet backlog(const ReplicaState& replica, const model::GtidSet& executed);

// From read_server_state(): everything but replication and semi-sync's live figures.
Result<model::ServerStatus> parse_server_state(const SqlRows& rows,
                                               const model::MysqlVersion& version, bool semisync);

// Adds semi-sync's live figures from rows of (Variable_name, Value).
void add_semisync_figures(const SqlRows& rows, const model::MysqlVersion& version,
                          model::SemisyncStatus& semisync);

// The value of a row of (Variable_name, Value); empty where there is none.
std::string named_value(const SqlRows& rows, std::string_view name);
// A server's boolean in any of its spellings: 1, ON, YES, TRUE.
bool is_on(std::string_view value);

}  // namespace cdb::agent
