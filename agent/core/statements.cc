#include "agent/core/statements.h"

#include <array>
#include <cstddef>

#include <fmt/format.h>

namespace cdb::agent {
namespace {

using model::MysqlVersion;

struct Row {
  Phrase phrase;
  MysqlVersion since;
  std::string_view text;
};

constexpr MysqlVersion kAlways{0, 0, 0};
constexpr MysqlVersion kWaitPoint{5, 7, 2};
constexpr MysqlVersion kWaitCount{5, 7, 3};
constexpr MysqlVersion kSuperReadOnly{5, 7, 8};
constexpr MysqlVersion kCachingSha2{8, 0, 4};
constexpr MysqlVersion kReplicaStatements{8, 0, 22};
constexpr MysqlVersion kChangeReplicationSource{8, 0, 23};
constexpr MysqlVersion kReplicaPlugins{8, 0, 26};
constexpr MysqlVersion kBinaryLogStatements{8, 2, 0};

// The last row of a phrase whose version is reached wins; rows of a phrase ascend.
constexpr std::array kTable{
    Row{Phrase::ShowReplicaStatus, kAlways, "SHOW SLAVE STATUS"},
    Row{Phrase::ShowReplicaStatus, kReplicaStatements, "SHOW REPLICA STATUS"},
    Row{Phrase::StartReceiver, kAlways, "START SLAVE IO_THREAD"},
    Row{Phrase::StartReceiver, kReplicaStatements, "START REPLICA IO_THREAD"},
    Row{Phrase::StopReceiver, kAlways, "STOP SLAVE IO_THREAD"},
    Row{Phrase::StopReceiver, kReplicaStatements, "STOP REPLICA IO_THREAD"},
    Row{Phrase::StartApplier, kAlways, "START SLAVE SQL_THREAD"},
    Row{Phrase::StartApplier, kReplicaStatements, "START REPLICA SQL_THREAD"},
    Row{Phrase::StopApplier, kAlways, "STOP SLAVE SQL_THREAD"},
    Row{Phrase::StopApplier, kReplicaStatements, "STOP REPLICA SQL_THREAD"},
    Row{Phrase::ResetReplica, kAlways, "RESET SLAVE ALL"},
    Row{Phrase::ResetReplica, kReplicaStatements, "RESET REPLICA ALL"},
    Row{Phrase::ShowBinaryLogStatus, kAlways, "SHOW MASTER STATUS"},
    Row{Phrase::ShowBinaryLogStatus, kBinaryLogStatements, "SHOW BINARY LOG STATUS"},
    Row{Phrase::ResetBinaryLogs, kAlways, "RESET MASTER"},
    Row{Phrase::ResetBinaryLogs, kBinaryLogStatements, "RESET BINARY LOGS AND GTIDS"},
    Row{Phrase::SetReadOnly, kAlways, "SET GLOBAL read_only = ON"},
    Row{Phrase::SetReadOnly, kSuperReadOnly, "SET GLOBAL super_read_only = ON"},
    Row{Phrase::SetWritable, kAlways, "SET GLOBAL read_only = OFF"},
    Row{Phrase::SetWritable, kSuperReadOnly,
        "SET GLOBAL super_read_only = OFF, GLOBAL read_only = OFF"},
    Row{Phrase::RelaxReadOnly, kSuperReadOnly, "SET GLOBAL super_read_only = OFF"},

    Row{Phrase::SourceHostColumn, kAlways, "Master_Host"},
    Row{Phrase::SourceHostColumn, kReplicaStatements, "Source_Host"},
    Row{Phrase::SourcePortColumn, kAlways, "Master_Port"},
    Row{Phrase::SourcePortColumn, kReplicaStatements, "Source_Port"},
    Row{Phrase::SourceUserColumn, kAlways, "Master_User"},
    Row{Phrase::SourceUserColumn, kReplicaStatements, "Source_User"},
    Row{Phrase::SourceUuidColumn, kAlways, "Master_UUID"},
    Row{Phrase::SourceUuidColumn, kReplicaStatements, "Source_UUID"},
    Row{Phrase::ReceiverColumn, kAlways, "Slave_IO_Running"},
    Row{Phrase::ReceiverColumn, kReplicaStatements, "Replica_IO_Running"},
    Row{Phrase::ApplierColumn, kAlways, "Slave_SQL_Running"},
    Row{Phrase::ApplierColumn, kReplicaStatements, "Replica_SQL_Running"},
    Row{Phrase::LagColumn, kAlways, "Seconds_Behind_Master"},
    Row{Phrase::LagColumn, kReplicaStatements, "Seconds_Behind_Source"},

    Row{Phrase::ChangeSource, kAlways, "CHANGE MASTER TO"},
    Row{Phrase::ChangeSource, kChangeReplicationSource, "CHANGE REPLICATION SOURCE TO"},
    Row{Phrase::SourceOptionPrefix, kAlways, "MASTER_"},
    Row{Phrase::SourceOptionPrefix, kChangeReplicationSource, "SOURCE_"},
    Row{Phrase::GetPublicKeyOption, kCachingSha2, "GET_MASTER_PUBLIC_KEY"},
    Row{Phrase::GetPublicKeyOption, kChangeReplicationSource, "GET_SOURCE_PUBLIC_KEY"},

    Row{Phrase::SemisyncSourceEnabled, kAlways, "rpl_semi_sync_master_enabled"},
    Row{Phrase::SemisyncSourceEnabled, kReplicaPlugins, "rpl_semi_sync_source_enabled"},
    Row{Phrase::SemisyncSourceTimeout, kAlways, "rpl_semi_sync_master_timeout"},
    Row{Phrase::SemisyncSourceTimeout, kReplicaPlugins, "rpl_semi_sync_source_timeout"},
    Row{Phrase::SemisyncSourceWaitCount, kWaitCount, "rpl_semi_sync_master_wait_for_slave_count"},
    Row{Phrase::SemisyncSourceWaitCount, kReplicaPlugins,
        "rpl_semi_sync_source_wait_for_replica_count"},
    Row{Phrase::SemisyncSourceWaitNoReplica, kAlways, "rpl_semi_sync_master_wait_no_slave"},
    Row{Phrase::SemisyncSourceWaitNoReplica, kReplicaPlugins,
        "rpl_semi_sync_source_wait_no_replica"},
    Row{Phrase::SemisyncSourceWaitPoint, kWaitPoint, "rpl_semi_sync_master_wait_point"},
    Row{Phrase::SemisyncSourceWaitPoint, kReplicaPlugins, "rpl_semi_sync_source_wait_point"},
    Row{Phrase::SemisyncReplicaEnabled, kAlways, "rpl_semi_sync_slave_enabled"},
    Row{Phrase::SemisyncReplicaEnabled, kReplicaPlugins, "rpl_semi_sync_replica_enabled"},
    Row{Phrase::SemisyncSourceStatus, kAlways, "Rpl_semi_sync_master_status"},
    Row{Phrase::SemisyncSourceStatus, kReplicaPlugins, "Rpl_semi_sync_source_status"},
    Row{Phrase::SemisyncSourceClients, kAlways, "Rpl_semi_sync_master_clients"},
    Row{Phrase::SemisyncSourceClients, kReplicaPlugins, "Rpl_semi_sync_source_clients"},
    Row{Phrase::SemisyncSourceWaitSessions, kAlways, "Rpl_semi_sync_master_wait_sessions"},
    Row{Phrase::SemisyncSourceWaitSessions, kReplicaPlugins, "Rpl_semi_sync_source_wait_sessions"},
    Row{Phrase::SemisyncReplicaStatus, kAlways, "Rpl_semi_sync_slave_status"},
    Row{Phrase::SemisyncReplicaStatus, kReplicaPlugins, "Rpl_semi_sync_replica_status"},

    Row{Phrase::AuthenticationPlugin, kAlways, "mysql_native_password"},
    Row{Phrase::AuthenticationPlugin, kCachingSha2, "caching_sha2_password"},
};

// CONNECT_RETRY 1: a source that comes up is found within a second. RETRY_COUNT: never give up (the
// default is 86400, later 10). HEARTBEAT_PERIOD 1: below every sensible replica_net_timeout, so
// that a quiet source is not taken for a dead one.
std::string receiver_options(const MysqlVersion& version, const SourceOptions& source) {
  const std::string_view prefix = words(Phrase::SourceOptionPrefix, version);
  std::string text = fmt::format(
      "{} {}HOST = {}, {}PORT = {}, {}USER = {}, {}PASSWORD = {}, {}CONNECT_RETRY = 1, "
      "{}RETRY_COUNT = 4294967295, {}HEARTBEAT_PERIOD = 1",
      words(Phrase::ChangeSource, version), prefix, quoted(source.endpoint.host), prefix,
      source.endpoint.port, prefix, quoted(source.user), prefix, quoted(source.password.reveal()),
      prefix, prefix, prefix);
  const std::string_view public_key = words(Phrase::GetPublicKeyOption, version);
  if (!public_key.empty()) text += fmt::format(", {} = 1", public_key);
  return text;
}

}  // namespace

std::string_view words(Phrase phrase, const MysqlVersion& version) {
  std::string_view found{};
  for (const Row& row : kTable)
    if (row.phrase == phrase && version >= row.since) found = row.text;
  return found;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\0') {
      out += "\\0";
      continue;
    }
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string account_name(std::string_view user, std::string_view host) {
  return quoted(user) + "@" + quoted(host);
}

std::string change_source_fully(const MysqlVersion& version, const SourceOptions& source) {
  return fmt::format("{}, {}AUTO_POSITION = 1", receiver_options(version, source),
                     words(Phrase::SourceOptionPrefix, version));
}

std::string change_source_of_receiver(const MysqlVersion& version, const SourceOptions& source) {
  return receiver_options(version, source);
}

bool source_changes_under_applier(const MysqlVersion& version) {
  return version.at_least(5, 7, 4);
}

std::vector<std::string> set_account_password(const MysqlVersion& version, std::string_view user,
                                              std::string_view host, const Secret& password) {
  const std::string account = account_name(user, host);
  // Makes it too: NO_AUTO_CREATE_USER forbids that only without a password.
  if (!version.has_alter_user_password())
    return {fmt::format("GRANT USAGE ON *.* TO {} IDENTIFIED BY {}", account,
                        quoted(password.reveal()))};
  const std::string identified =
      fmt::format("IDENTIFIED WITH {} BY {}", words(Phrase::AuthenticationPlugin, version),
                  quoted(password.reveal()));
  return {fmt::format("CREATE USER IF NOT EXISTS {} {}", account, identified),
          fmt::format("ALTER USER {} {} PASSWORD EXPIRE NEVER", account, identified)};
}

std::string_view list_accounts(const MysqlVersion& version) {
  if (!version.has_alter_user_password())
    return "SELECT User, Host, Password = '' AND COALESCE(authentication_string, '') = '' AND "
           "COALESCE(plugin, '') IN ('', 'mysql_native_password', 'mysql_old_password', "
           "'sha256_password'), 0 FROM mysql.user";
  return "SELECT User, Host, COALESCE(authentication_string, '') = '' AND plugin IN "
         "('mysql_native_password', 'sha256_password', 'caching_sha2_password'), "
         "account_locked = 'Y' FROM mysql.user";
}

std::string read_server_state(const MysqlVersion& version, bool semisync) {
  std::string text =
      "SELECT @@GLOBAL.server_uuid AS server_uuid, @@GLOBAL.gtid_executed AS gtid_executed, "
      "@@GLOBAL.gtid_purged AS gtid_purged, @@GLOBAL.read_only AS read_only, ";
  text += version.has_super_read_only() ? "@@GLOBAL.super_read_only" : "@@GLOBAL.read_only";
  text += " AS super_read_only";
  if (semisync) {
    const std::string_view count = words(Phrase::SemisyncSourceWaitCount, version);
    text += fmt::format(
        ", @@GLOBAL.{} AS source_enabled, {} AS wait_count, @@GLOBAL.{} AS "
        "replica_enabled",
        words(Phrase::SemisyncSourceEnabled, version),
        count.empty() ? std::string("1") : fmt::format("@@GLOBAL.{}", count),
        words(Phrase::SemisyncReplicaEnabled, version));
  }
  return text;
}

}  // namespace cdb::agent
