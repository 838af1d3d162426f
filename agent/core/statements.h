#pragma once
// Every statement, variable and column whose words depend on the version of MySQL, in one table.
// Nothing else in the agent spells them. Pure; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/secret.h"
#include "lib/model/ids.h"
#include "lib/model/mysql_version.h"

namespace cdb::agent {

enum class Phrase {
  // Statements, complete.
  ShowReplicaStatus,
  StartReceiver,
  StopReceiver,
  StartApplier,
  StopApplier,
  ResetReplica,         // forgets the source, and unapplied relay log without a word
  ShowBinaryLogStatus,  // hangs behind a FLUSH BINARY LOGS that waits for acknowledgements
  ResetBinaryLogs,
  SetReadOnly,
  SetWritable,
  RelaxReadOnly,  // lets privileged accounts write; ordinary clients stay read-only
  // Columns of ShowReplicaStatus.
  SourceHostColumn,
  SourcePortColumn,
  SourceUserColumn,
  SourceUuidColumn,
  ReceiverColumn,
  ApplierColumn,
  LagColumn,
  // Words of the statement that changes the source.
  ChangeSource,
  SourceOptionPrefix,
  GetPublicKeyOption,  // for caching_sha2_password without TLS
  // Semi-sync: global variables.
  SemisyncSourceEnabled,
  SemisyncSourceTimeout,
  SemisyncSourceWaitCount,
  SemisyncSourceWaitNoReplica,
  SemisyncSourceWaitPoint,
  SemisyncReplicaEnabled,
  // Semi-sync: status variables.
  SemisyncSourceStatus,
  SemisyncSourceClients,
  SemisyncSourceWaitSessions,
  SemisyncReplicaStatus,
  // The plugin that new accounts authenticate with.
  AuthenticationPlugin,
};

// What this version calls it; empty where it has no such thing.
std::string_view words(Phrase phrase, const model::MysqlVersion& version);

// The longest that a commit may be told to wait for acknowledgements (milliseconds, 49 days): the
// documented upper bound of every version.
inline constexpr std::string_view kLongestSemisyncTimeout = "4294967295";

// A string literal. For sessions without the SQL mode NO_BACKSLASH_ESCAPES.
std::string quoted(std::string_view text);
// 'user'@'host'
std::string account_name(std::string_view user, std::string_view host);

struct SourceOptions {
  model::Endpoint endpoint{};
  std::string user{};
  Secret password{};
};
// Everything, GTID auto-position included. Both threads must be stopped, and what was received and
// not applied is discarded.
std::string change_source_fully(const model::MysqlVersion& version, const SourceOptions& source);
// The receiver's options alone: allowed while the applier runs, and it must run, because then the
// relay log is kept. Only where source_changes_under_applier().
std::string change_source_of_receiver(const model::MysqlVersion& version,
                                      const SourceOptions& source);
bool source_changes_under_applier(const model::MysqlVersion& version);

// Makes the account where it is missing and gives it this password, which never expires.
std::vector<std::string> set_account_password(const model::MysqlVersion& version,
                                              std::string_view user, std::string_view host,
                                              const Secret& password);
// All accounts as rows of (user, host, has no password, is locked), the last two 0 or 1. An account
// whose plugin needs no stored password (a socket's or PAM's) counts as having one.
std::string_view list_accounts(const model::MysqlVersion& version);

// A statement that reads server_uuid, gtid_executed, gtid_purged, read_only, super_read_only, and
// with `semisync` also source enabled, wait count, replica enabled, under these very names:
std::string read_server_state(const model::MysqlVersion& version, bool semisync);

}  // namespace cdb::agent
