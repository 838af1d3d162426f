#include "agent/adapters/status_rows.h"

#include <doctest/doctest.h>

#include "agent/adapters/variables.h"

using namespace cdb;
using namespace cdb::agent;
using model::GtidSet;
using model::MysqlVersion;
using model::ThreadState;

namespace {

constexpr const char* kUuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
constexpr MysqlVersion k57{5, 7, 44};
constexpr MysqlVersion k97{9, 7, 4};

SqlRows one_row(std::vector<std::pair<std::string, std::optional<std::string>>> values) {
  SqlRows rows{};
  rows.rows.emplace_back();
  for (auto& [column, value] : values) {
    rows.columns.push_back(column);
    rows.rows[0].push_back(value);
  }
  return rows;
}

SqlRows replica_57() {
  return one_row({{"Slave_IO_State", "Waiting for master to send event"},
                  {"Master_Host", "10.0.0.7"},
                  {"Master_User", "cdb_replication"},
                  {"Master_Port", "3306"},
                  {"Slave_IO_Running", "Connecting"},
                  {"Slave_SQL_Running", "Yes"},
                  {"Seconds_Behind_Master", std::nullopt},
                  {"Last_IO_Error", "error connecting to master"},
                  {"Last_SQL_Error", ""},
                  {"Master_UUID", kUuid},
                  {"Retrieved_Gtid_Set", std::string(kUuid) + ":1-5,\n" + kUuid + ":7"},
                  {"Auto_Position", "1"},
                  {"Channel_Name", ""}});
}

}  // namespace

TEST_CASE("the status of a 5.7 replica is read by its own column names") {
  const auto state = parse_replica_state(replica_57(), k57);
  REQUIRE(state.ok());
  CHECK(state->configured);
  CHECK(state->user == "cdb_replication");
  CHECK(state->auto_position);
  CHECK(state->status.source == model::Endpoint{"10.0.0.7", 3306});
  CHECK(state->status.source_uuid == kUuid);
  CHECK(state->status.receiver == ThreadState::Connecting);
  CHECK(state->status.applier == ThreadState::On);
  CHECK(state->status.retrieved.count() == 6);
  CHECK_FALSE(state->status.lag_s.has_value());
  CHECK(state->status.receiver_error == "error connecting to master");
  const auto executed = GtidSet::parse(std::string(kUuid) + ":1-5").value();
  CHECK(backlog(*state, executed).str() == std::string(kUuid) + ":7");
}

TEST_CASE("the status of an 8.0.22 replica is read by the new names") {
  const auto state = parse_replica_state(one_row({{"Source_Host", "h"},
                                                  {"Source_Port", "3307"},
                                                  {"Source_User", "x"},
                                                  {"Replica_IO_Running", "Yes"},
                                                  {"Replica_SQL_Running", "No"},
                                                  {"Seconds_Behind_Source", "12"},
                                                  {"Auto_Position", "0"}}),
                                         MysqlVersion{8, 0, 22});
  REQUIRE(state.ok());
  CHECK(state->status.receiver == ThreadState::On);
  CHECK(state->status.applier == ThreadState::Off);
  CHECK(state->status.lag_s == 12);
  CHECK_FALSE(state->auto_position);
}

TEST_CASE("no row, no host, or another channel is no replica") {
  CHECK_FALSE(parse_replica_state({}, k97)->configured);
  SqlRows rows = replica_57();
  rows.rows[0][1] = "";
  CHECK_FALSE(parse_replica_state(rows, k57)->configured);
  rows = replica_57();
  rows.rows[0].back() = "group_replication_applier";
  CHECK_FALSE(parse_replica_state(rows, k57)->configured);
}

TEST_CASE("a damaged answer is our error and no invented state") {
  SqlRows rows = replica_57();
  rows.rows[0][3] = "many";
  CHECK(parse_replica_state(rows, k57).error().code == Code::Internal);
  CHECK(parse_server_state({}, k97, true).error().code == Code::Internal);
}

TEST_CASE("required acknowledgements count only while the source side is on") {
  const auto rows = [](const char* on) {
    return one_row({{"server_uuid", kUuid},
                    {"gtid_executed", ""},
                    {"gtid_purged", ""},
                    {"read_only", "1"},
                    {"super_read_only", "0"},
                    {"source_enabled", on},
                    {"wait_count", "2"},
                    {"replica_enabled", "0"}});
  };
  CHECK(parse_server_state(rows("1"), k97, true)->semisync.acks_required == 2);
  CHECK(parse_server_state(rows("0"), k97, true)->semisync.acks_required == 0);
  CHECK_FALSE(parse_server_state(rows("1"), k97, false)->semisync.available);
  CHECK(parse_server_state(rows("1"), k97, true)->read_only);
  CHECK_FALSE(parse_server_state(rows("1"), k97, true)->super_read_only);
}

TEST_CASE("a server's spellings of one value are the same value") {
  const std::vector<std::pair<const char*, const char*>> same = {
      {"1", "ON"},
      {"off", "0"},
      {"ON", "ON"},
      {"2.5", "2.500000"},
      {"10", "10"},
      {"row", "ROW"},
      {"", ""},
      {"A,B", "B,A"},
      {"utf8", "utf8mb3"},
      {"utf8_general_ci", "utf8mb3_general_ci"},
      {"TRADITIONAL", "STRICT_TRANS_TABLES,TRADITIONAL,NO_ENGINE_SUBSTITUTION"}};
  for (const auto& [asked, read] : same) {
    CAPTURE(asked);
    CHECK(same_value(asked, read));
  }
  const std::vector<std::pair<const char*, const char*>> different = {
      {"1", "2"},     {"ON", "OFF"}, {"utf8", "utf8mb4"}, {"100", "99"}, {"row", "MIXED"},
      {"A,C", "A,B"}, {"", "A"}};
  for (const auto& [asked, read] : different) {
    CAPTURE(asked);
    CHECK_FALSE(same_value(asked, read));
  }
}
