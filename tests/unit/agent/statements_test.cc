#include "agent/core/statements.h"

#include <doctest/doctest.h>

using namespace cdb;
using namespace cdb::agent;
using model::MysqlVersion;

namespace {

// One server of each kind that the words differ for, and both sides of each border.
constexpr MysqlVersion k56{5, 6, 24};
constexpr MysqlVersion k57_3{5, 7, 3};
constexpr MysqlVersion k57{5, 7, 44};
constexpr MysqlVersion k80_3{8, 0, 3};
constexpr MysqlVersion k80_4{8, 0, 4};
constexpr MysqlVersion k80_21{8, 0, 21};
constexpr MysqlVersion k80_22{8, 0, 22};
constexpr MysqlVersion k80_23{8, 0, 23};
constexpr MysqlVersion k80_25{8, 0, 25};
constexpr MysqlVersion k80_26{8, 0, 26};
constexpr MysqlVersion k80_45{8, 0, 45};
constexpr MysqlVersion k81{8, 1, 0};
constexpr MysqlVersion k82{8, 2, 0};
constexpr MysqlVersion k84{8, 4, 8};
constexpr MysqlVersion k97{9, 7, 4};
constexpr MysqlVersion k26{26, 7, 0};

struct Case {
  Phrase phrase;
  MysqlVersion version;
  std::string_view text;
};

}  // namespace

TEST_CASE("each version is spoken to in its own words") {
  const Case cases[] = {
      {Phrase::ShowReplicaStatus, k56, "SHOW SLAVE STATUS"},
      {Phrase::ShowReplicaStatus, k57, "SHOW SLAVE STATUS"},
      {Phrase::ShowReplicaStatus, k80_21, "SHOW SLAVE STATUS"},
      {Phrase::ShowReplicaStatus, k80_22, "SHOW REPLICA STATUS"},
      {Phrase::ShowReplicaStatus, k84, "SHOW REPLICA STATUS"},
      {Phrase::ShowReplicaStatus, k97, "SHOW REPLICA STATUS"},
      {Phrase::ShowReplicaStatus, k26, "SHOW REPLICA STATUS"},
      {Phrase::ReceiverColumn, k57, "Slave_IO_Running"},
      {Phrase::ReceiverColumn, k80_22, "Replica_IO_Running"},
      {Phrase::ApplierColumn, k57, "Slave_SQL_Running"},
      {Phrase::ApplierColumn, k80_22, "Replica_SQL_Running"},
      {Phrase::LagColumn, k80_21, "Seconds_Behind_Master"},
      {Phrase::LagColumn, k80_22, "Seconds_Behind_Source"},
      {Phrase::SourceUuidColumn, k56, "Master_UUID"},
      {Phrase::SourceUuidColumn, k80_45, "Source_UUID"},
      {Phrase::StartReceiver, k80_21, "START SLAVE IO_THREAD"},
      {Phrase::StartReceiver, k80_22, "START REPLICA IO_THREAD"},
      {Phrase::StopApplier, k57, "STOP SLAVE SQL_THREAD"},
      {Phrase::StopApplier, k84, "STOP REPLICA SQL_THREAD"},
      {Phrase::ResetReplica, k57, "RESET SLAVE ALL"},
      {Phrase::ResetReplica, k97, "RESET REPLICA ALL"},
      {Phrase::ShowBinaryLogStatus, k57, "SHOW MASTER STATUS"},
      {Phrase::ShowBinaryLogStatus, k81, "SHOW MASTER STATUS"},
      {Phrase::ShowBinaryLogStatus, k82, "SHOW BINARY LOG STATUS"},
      {Phrase::ShowBinaryLogStatus, k84, "SHOW BINARY LOG STATUS"},
      {Phrase::ResetBinaryLogs, k80_45, "RESET MASTER"},
      {Phrase::ResetBinaryLogs, k84, "RESET BINARY LOGS AND GTIDS"},
      {Phrase::SetReadOnly, k56, "SET GLOBAL read_only = ON"},
      {Phrase::SetReadOnly, k57_3, "SET GLOBAL read_only = ON"},
      {Phrase::SetReadOnly, k57, "SET GLOBAL super_read_only = ON"},
      {Phrase::SetWritable, k56, "SET GLOBAL read_only = OFF"},
      {Phrase::SetWritable, k57, "SET GLOBAL super_read_only = OFF, GLOBAL read_only = OFF"},
      {Phrase::RelaxReadOnly, k56, ""},
      {Phrase::ChangeSource, k80_22, "CHANGE MASTER TO"},
      {Phrase::ChangeSource, k80_23, "CHANGE REPLICATION SOURCE TO"},
      {Phrase::GetPublicKeyOption, k57, ""},
      {Phrase::GetPublicKeyOption, k80_3, ""},
      {Phrase::GetPublicKeyOption, k80_4, "GET_MASTER_PUBLIC_KEY"},
      {Phrase::GetPublicKeyOption, k80_23, "GET_SOURCE_PUBLIC_KEY"},
      {Phrase::SemisyncSourceWaitCount, k56, ""},
      {Phrase::SemisyncSourceWaitCount, k57, "rpl_semi_sync_master_wait_for_slave_count"},
      {Phrase::SemisyncSourceWaitCount, k80_25, "rpl_semi_sync_master_wait_for_slave_count"},
      {Phrase::SemisyncSourceWaitCount, k80_26, "rpl_semi_sync_source_wait_for_replica_count"},
      {Phrase::SemisyncSourceWaitPoint, k56, ""},
      {Phrase::SemisyncSourceWaitPoint, k57, "rpl_semi_sync_master_wait_point"},
      {Phrase::SemisyncSourceWaitNoReplica, k57, "rpl_semi_sync_master_wait_no_slave"},
      {Phrase::SemisyncSourceWaitNoReplica, k97, "rpl_semi_sync_source_wait_no_replica"},
      {Phrase::SemisyncReplicaEnabled, k80_25, "rpl_semi_sync_slave_enabled"},
      {Phrase::SemisyncReplicaEnabled, k80_26, "rpl_semi_sync_replica_enabled"},
      {Phrase::SemisyncReplicaStatus, k57, "Rpl_semi_sync_slave_status"},
      {Phrase::SemisyncSourceClients, k84, "Rpl_semi_sync_source_clients"},
      {Phrase::AuthenticationPlugin, k57, "mysql_native_password"},
      {Phrase::AuthenticationPlugin, k80_3, "mysql_native_password"},
      {Phrase::AuthenticationPlugin, k80_4, "caching_sha2_password"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.version.str());
    CHECK(words(c.phrase, c.version) == c.text);
  }
}

TEST_CASE("no statement for 8.4 and later says master or slave") {
  for (const MysqlVersion& version : {k84, k97, k26})
    for (int phrase = 0; phrase <= static_cast<int>(Phrase::AuthenticationPlugin); ++phrase) {
      std::string text(words(static_cast<Phrase>(phrase), version));
      CAPTURE(text);
      CHECK_FALSE(text.empty());
      CHECK(text.find("SLAVE") == std::string::npos);
      CHECK(text.find("slave") == std::string::npos);
      CHECK(text.find("Slave") == std::string::npos);
      CHECK(text.find("MASTER") == std::string::npos);
      CHECK(text.find("master") == std::string::npos);
      CHECK(text.find("Master") == std::string::npos);
    }
}

TEST_CASE("a source is changed with everything, or with the receiver's options alone") {
  const SourceOptions source{.endpoint = {.host = "10.0.0.7", .port = 3307},
                             .user = "cdb_replication",
                             .password = Secret("it's")};
  CHECK(change_source_fully(k56, source) ==
        "CHANGE MASTER TO MASTER_HOST = '10.0.0.7', MASTER_PORT = 3307, MASTER_USER = "
        "'cdb_replication', MASTER_PASSWORD = 'it\\'s', MASTER_CONNECT_RETRY = 1, "
        "MASTER_RETRY_COUNT = 4294967295, MASTER_HEARTBEAT_PERIOD = 1, MASTER_AUTO_POSITION = 1");
  CHECK(change_source_fully(k80_22, source) ==
        "CHANGE MASTER TO MASTER_HOST = '10.0.0.7', MASTER_PORT = 3307, MASTER_USER = "
        "'cdb_replication', MASTER_PASSWORD = 'it\\'s', MASTER_CONNECT_RETRY = 1, "
        "MASTER_RETRY_COUNT = 4294967295, MASTER_HEARTBEAT_PERIOD = 1, GET_MASTER_PUBLIC_KEY = 1, "
        "MASTER_AUTO_POSITION = 1");
  CHECK(change_source_of_receiver(k97, source) ==
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '10.0.0.7', SOURCE_PORT = 3307, SOURCE_USER = "
        "'cdb_replication', SOURCE_PASSWORD = 'it\\'s', SOURCE_CONNECT_RETRY = 1, "
        "SOURCE_RETRY_COUNT = 4294967295, SOURCE_HEARTBEAT_PERIOD = 1, GET_SOURCE_PUBLIC_KEY = 1");
  CHECK_FALSE(source_changes_under_applier(k56));
  CHECK_FALSE(source_changes_under_applier(k57_3));
  CHECK(source_changes_under_applier(k57));
}

TEST_CASE("an account gets its password the way its version knows") {
  const Secret password("p'w\\");
  CHECK(set_account_password(k56, "app", "%", password) ==
        std::vector<std::string>{"GRANT USAGE ON *.* TO 'app'@'%' IDENTIFIED BY 'p\\'w\\\\'"});
  CHECK(set_account_password(k57, "app", "%", password) ==
        std::vector<std::string>{
            "CREATE USER IF NOT EXISTS 'app'@'%' IDENTIFIED WITH mysql_native_password BY "
            "'p\\'w\\\\'",
            "ALTER USER 'app'@'%' IDENTIFIED WITH mysql_native_password BY 'p\\'w\\\\' PASSWORD "
            "EXPIRE NEVER"});
  CHECK(set_account_password(k84, "app", "%", Secret("x")).back() ==
        "ALTER USER 'app'@'%' IDENTIFIED WITH caching_sha2_password BY 'x' PASSWORD EXPIRE NEVER");
}

TEST_CASE("a literal cannot be left") {
  CHECK(quoted("plain") == "'plain'");
  CHECK(quoted("it's") == "'it\\'s'");
  CHECK(quoted("\\' OR 1") == "'\\\\\\' OR 1'");
  CHECK(quoted(std::string_view("a\0b", 3)) == "'a\\0b'");
  CHECK(account_name("a", "%") == "'a'@'%'");
}

TEST_CASE("the server's state is read with variables that the version has") {
  CHECK(read_server_state(k56, true).find("@@GLOBAL.super_read_only") == std::string::npos);
  CHECK(read_server_state(k56, true).find(", 1 AS wait_count") != std::string::npos);
  CHECK(read_server_state(k57, false).find("@@GLOBAL.super_read_only AS") != std::string::npos);
  CHECK(read_server_state(k57, false).find("rpl_semi") == std::string::npos);
  CHECK(read_server_state(k80_26, true).find("@@GLOBAL.rpl_semi_sync_source_enabled") !=
        std::string::npos);
  CHECK(std::string(list_accounts(k56)).find("account_locked") == std::string::npos);
  CHECK(std::string(list_accounts(k57)).find("Password") == std::string::npos);
}
