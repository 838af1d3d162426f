#include "agent/adapters/status_rows.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "agent/core/statements.h"
#include "lib/base/text.h"

namespace cdb::agent {
namespace {

using model::GtidSet;
using model::MysqlVersion;
using model::ThreadState;

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

ThreadState thread_state(std::string_view text) {
  const std::string lower = to_lower(text);
  if (lower == "yes") return ThreadState::On;
  if (lower == "connecting") return ThreadState::Connecting;
  return ThreadState::Off;
}

}  // namespace

bool is_on(std::string_view value) {
  const std::string lower = to_lower(value);
  return lower == "1" || lower == "on" || lower == "yes" || lower == "true";
}

std::string named_value(const SqlRows& rows, std::string_view name) {
  const std::string wanted = to_lower(name);
  for (const SqlRow& row : rows.rows)
    if (row.size() >= 2 && row[0] && to_lower(*row[0]) == wanted) return row[1].value_or("");
  return {};
}

Result<ReplicaState> parse_replica_state(const SqlRows& rows, const MysqlVersion& version) {
  ReplicaState state{};
  for (size_t row = 0; row < rows.rows.size(); ++row) {
    if (!rows.text("Channel_Name", row).empty()) continue;
    const auto text = [&](Phrase column) { return rows.text(words(column, version), row); };
    const std::string host = text(Phrase::SourceHostColumn);
    if (host.empty()) continue;
    const auto port = number<uint16_t>(text(Phrase::SourcePortColumn));
    if (!port) return internal("replica status: no source port in the server's answer");
    state.configured = true;
    state.user = text(Phrase::SourceUserColumn);
    state.auto_position = rows.text("Auto_Position", row) == "1";
    auto& status = state.status;
    status.source = model::Endpoint{host, *port};
    status.source_uuid = text(Phrase::SourceUuidColumn);
    status.receiver = thread_state(text(Phrase::ReceiverColumn));
    status.applier = thread_state(text(Phrase::ApplierColumn));
    CDB_ASSIGN_OR_RETURN(status.retrieved, GtidSet::parse(rows.text("Retrieved_Gtid_Set", row)));
    status.lag_s = number<int64_t>(text(Phrase::LagColumn));
    status.receiver_error = rows.text("Last_IO_Error", row);
    status.applier_error = rows.text("Last_SQL_Error", row);
  }
  return state;
}

GtidSet backlog(const ReplicaState& replica, const GtidSet& executed) {
  return replica.status.retrieved - executed;
}

Result<model::ServerStatus> parse_server_state(const SqlRows& rows, const MysqlVersion& version,
                                               bool semisync) {
  if (rows.rows.size() != 1) return internal("server state: not one row in the server's answer");
  model::ServerStatus status{};
  status.version = version;
  status.server_uuid = rows.text("server_uuid");
  CDB_ASSIGN_OR_RETURN(status.executed, GtidSet::parse(rows.text("gtid_executed")));
  CDB_ASSIGN_OR_RETURN(status.purged, GtidSet::parse(rows.text("gtid_purged")));
  status.read_only = is_on(rows.text("read_only"));
  status.super_read_only = is_on(rows.text("super_read_only"));
  status.semisync.available = semisync;
  if (!semisync) return status;
  status.semisync.source_enabled = is_on(rows.text("source_enabled"));
  status.semisync.replica_enabled = is_on(rows.text("replica_enabled"));
  if (status.semisync.source_enabled)
    status.semisync.acks_required = number<int>(rows.text("wait_count")).value_or(0);
  return status;
}

void add_semisync_figures(const SqlRows& rows, const MysqlVersion& version,
                          model::SemisyncStatus& semisync) {
  const auto value = [&](Phrase name) { return named_value(rows, words(name, version)); };
  semisync.replica_acking = is_on(value(Phrase::SemisyncReplicaStatus));
  semisync.connected_ackers = number<int>(value(Phrase::SemisyncSourceClients)).value_or(0);
  semisync.waiting_sessions = number<int>(value(Phrase::SemisyncSourceWaitSessions)).value_or(0);
}

}  // namespace cdb::agent
