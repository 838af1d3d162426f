#include <map>

#include <doctest/doctest.h>

#include "tests/integration/mysql/mysqld_node.h"

namespace cdb::agent {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::kBothSeries;
using testing::MysqldNode;
using testing::Series;

// Every file below the directory, with what would show that it was written to.
std::map<fs::path, std::pair<uintmax_t, fs::file_time_type>> look(const fs::path& directory) {
  std::map<fs::path, std::pair<uintmax_t, fs::file_time_type>> result;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    result[entry.path()] = {entry.is_regular_file() ? entry.file_size() : 0,
                            entry.last_write_time()};
  }
  return result;
}

struct Bad {
  std::string lines;
  std::string says97;  // empty: the server takes it
  std::string says56;
};

}  // namespace

TEST_CASE("a configuration that the server takes as it stands passes, and nothing is touched") {
  for (const Series series : kBothSeries) {
    INFO("series " << to_string(series));
    const MysqldNode node(series);
    node.give_data();
    const std::string extra = series == Series::V97
                                  ? "plugin_load_add=semisync_source.so\n"
                                    "rpl_semi_sync_source_timeout=4294967295\nmysqlx=OFF\n"
                                  : "master_info_repository=TABLE\nenforce_gtid_consistency=ON\n"
                                    "log_slave_updates=ON\n";
    const auto candidate = node.candidate(
        "max_connections=151\nsync_binlog=1\ngtid_mode=ON\nslow_query_log=ON\nloose_future_thing="
        "1\n"
        "slow_query_log_file=" +
        node.path("slow.log").string() + "\nread_only=ON\n" + extra);
    const auto before = look(node.path("."));
    const auto agent = node.agent();
    const Status checked = agent->check_config(candidate, Deadline::after(1min));
    if (!checked) FAIL(checked.error().text());
    CHECK(look(node.path(".")) == before);

    // Also beside a running server, with the file it runs with.
    REQUIRE(agent->start().ok());
    REQUIRE(node.answers(Deadline::after(1min)));
    CHECK(agent->check_config(node.config().config_file, Deadline::after(1min)).ok());
    CHECK(node.answers(Deadline::after(1min)));
    CHECK(agent->running().has_value());
  }
}

TEST_CASE("what the server would refuse or change is an error in the server's own words") {
  const std::vector<Bad> table{
      {"nonsense_option=1", "unknown variable 'nonsense_option=1'",
       "unknown variable 'nonsense_option=1'"},
      {"just some words", "unknown option '--just some words'",
       "unknown option '--just some words'"},
      {"binlog_format=FOO", "Error while setting value 'FOO' to 'binlog_format'",
       "Error while setting value 'FOO' to 'binlog_format'"},
      {"wait_timeout=999999999", "option 'wait_timeout': unsigned value 999999999 adjusted to",
       "option 'wait_timeout': unsigned value 999999999 adjusted to"},
      {"max_connections=0", "option 'max_connections': unsigned value 0 adjusted to 1",
       "option 'max_connections': unsigned value 0 adjusted to 1"},
      {"sync_binlog=-1", "option 'sync_binlog': value -1 adjusted to 0",
       "option 'sync_binlog': unsigned value 18446744073709551615 adjusted to"},
      {"read_only=maybe",
       "option 'read_only': boolean value 'maybe' was not recognized. Set to OFF",
       "option 'read_only': boolean value 'maybe' wasn't recognized. Set to OFF"},
      {"plugin_load_add=nothere.so", "Couldn't load plugin named 'nothere.so'",
       "Can't open shared library"},
      {"innodb_buffer_pool_size=5X", "Unknown suffix 'X' used for variable",
       "Error while setting value '5X' to 'innodb-buffer-pool-size'"},
      {"gtid_mode=ON\nenforce_gtid_consistency=OFF\nlog_slave_updates=ON",
       "gtid_mode=ON needs enforce_gtid_consistency=ON",
       "gtid_mode=ON needs enforce_gtid_consistency=ON"},
      {"gtid_mode=ON\nenforce_gtid_consistency=ON", "",
       "gtid_mode=ON needs log_bin and log_slave_updates"},
      {"expire_logs_days=5", "unknown variable 'expire_logs_days=5'", ""},
      {"character_set_server=foo", "Unknown character set: 'foo'",
       "Character set 'foo' is not a compiled character set"},
  };
  for (const Series series : kBothSeries) {
    const MysqldNode node(series);
    const auto agent = node.agent();
    for (const Bad& bad : table) {
      INFO("series " << to_string(series) << ", " << bad.lines);
      const std::string& says = series == Series::V97 ? bad.says97 : bad.says56;
      const Status checked = agent->check_config(node.candidate(bad.lines), Deadline::after(1min));
      if (says.empty()) {
        CHECK(checked.ok());
        continue;
      }
      REQUIRE_FALSE(checked.ok());
      INFO(checked.error().text());
      CHECK(checked.error().code == Code::Invalid);
      CHECK(checked.error().message.rfind("mysqld " + agent->version()->str() + " does not accept ",
                                          0) == 0);
      CHECK(checked.error().message.find(says) != std::string::npos);
      CHECK(checked.error().message.find("[ERROR]") == std::string::npos);
      CHECK(checked.error().message.find("mysql.plugin") == std::string::npos);
    }
  }
}

TEST_CASE("a candidate that is not there is told from a bad one") {
  const MysqldNode node(Series::V56);
  CHECK(node.agent()->check_config(node.path("nothing.cnf"), Deadline::after(1min)).error().code ==
        Code::NotFound);
}

TEST_CASE("a program that is no mysqld is told by name") {
  const MysqldNode node(Series::V56);
  MysqldConfig config = node.config();
  config.mysqld = "/bin/true";
  CHECK(MysqldProcess(config).version().error().code == Code::Invalid);
  config.mysqld = "/no/such/mysqld";
  const auto missing = MysqldProcess(config).version();
  CHECK(missing.error().code == Code::NotFound);
  CHECK(missing.error().message.find("/no/such/mysqld") != std::string::npos);
}

}  // namespace cdb::agent
