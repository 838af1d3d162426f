// Values of variables that have no rule, against the types and limits of the catalogue.
#include <doctest/doctest.h>

#include "tests/unit/tuning/arrange.h"
#include "tuning/overrides.h"

namespace cdb::tuning {
namespace {

constexpr const char* kVersions[] = {"5.6.24", "5.7.23", "8.0.45", "8.4.8", "9.7.4"};

std::vector<Violation> against(const std::string& version, const Overrides& overrides) {
  return check_overrides(machine(version, 4 * kGiB), shipped_rules(), overrides);
}

// As it goes to the server.
std::string taken(const std::string& version, const std::string& name, const std::string& value) {
  const auto plan = tune(machine(version, 4 * kGiB), shipped_rules(), {{name, value}});
  REQUIRE_MESSAGE(plan.ok(), plan.error().text());
  const auto variable = Catalogue::canonical(name);
  const Setting* const setting = plan->find(variable);
  return setting == nullptr ? "(none)" : setting->value;
}

}  // namespace

TEST_CASE("values of the wrong kind or out of range are refused on every version") {
  struct Row {
    const char* name;
    const char* expected;
    std::vector<const char*> bad;
  };
  const Row rows[] = {
      {"connect_timeout",
       "a whole number from 2 to 31536000",
       {"abc", "-5", "true", "99999999999", "1", "31536001", "", "10s", "5.5", "1e3", "0x10", "5T",
        "5KiB", "5 M", "1KK", "+5"}},
      {"interactive_timeout", "a whole number from 1 to 31536000", {"0", "abc", "31536001", "1G"}},
      {"net_read_timeout", "a whole number from 1 to 31536000", {"0", "-1", "ON"}},
      {"net_write_timeout", "a whole number from 1 to 31536000", {"0", "-1", "OFF"}},
      {"max_connect_errors",
       "a whole number from 1 to 18446744073709551615",
       {"0", "-1", "many", "18446744073709551616", "18446744073709551615G"}},
      {"lock_wait_timeout", "a whole number from 1 to 31536000", {"0", "99999999"}},
      {"innodb_lock_wait_timeout", "a whole number from 1 to 1073741824", {"0", "2G", "abc"}},
      {"innodb_sort_buffer_size", "a whole number from 65536 to 67108864", {"1K", "1G", "lots"}},
      {"net_buffer_length", "a whole number from 1024 to 1048576", {"1", "2M"}},
      {"low_priority_updates", "ON or OFF", {"yes", "2", "", "-1"}},
      {"performance_schema_hosts_size",
       "a whole number from -9223372036854775807 to 9223372036854775807",
       {"auto", "9223372036854775808"}},
      {"transaction_isolation",
       "one of READ-UNCOMMITTED, READ-COMMITTED, REPEATABLE-READ, SERIALIZABLE",
       {"READ COMMITTED", "4", "-1", ""}},
      {"event_scheduler", "one of OFF, ON, DISABLED", {"yes", "3"}},
  };
  for (const char* version : kVersions) {
    for (const Row& row : rows) {
      for (const char* value : row.bad) {
        INFO(version << " " << row.name << " '" << value << "'");
        const auto violations = against(version, {{row.name, value}});
        REQUIRE(violations.size() == 1);
        CHECK(violations[0].field == row.name);
        CHECK(violations[0].message ==
              std::string(row.name) + " takes " + row.expected + ", not '" + value + "'");
        CHECK_FALSE(violations[0].hint.empty());
        CHECK_FALSE(tune(machine(version, 4 * kGiB), shipped_rules(), {{row.name, value}}).ok());
      }
    }
  }
}

TEST_CASE("good values go to the server in its own spelling on every version") {
  struct Row {
    const char* name;
    const char* given;
    const char* taken;
  };
  const Row rows[] = {
      {"connect_timeout", "2", "2"},
      {"Connect-Timeout", " 31536000 ", "31536000"},
      {"innodb_sort_buffer_size", "2M", "2097152"},
      {"innodb_sort_buffer_size", "64k", "65536"},
      {"max_binlog_cache_size", "18446744073709547520", "18446744073709547520"},
      {"max_join_size", "18446744073709551615", "18446744073709551615"},
      {"max_join_size", "9007199254740993", "9007199254740993"},
      {"max_user_connections", "-0", "0"},
      {"low_priority_updates", "true", "ON"},
      {"low_priority_updates", "0", "OFF"},
      {"performance_schema_hosts_size", "-1", "-1"},
      {"event_scheduler", "on", "ON"},
      {"event_scheduler", "false", "OFF"},
      {"event_scheduler", "disabled", "DISABLED"},
      {"concurrent_insert", "2", "ALWAYS"},
      {"transaction_isolation", "read-committed", "READ-COMMITTED"},
      {"init_connect", "10K", "10K"},
      {"innodb_max_dirty_pages_pct", "60", "60"},
  };
  for (const char* version : kVersions) {
    for (const Row& row : rows) {
      INFO(version << " " << row.name << " '" << row.given << "'");
      CHECK(taken(version, row.name, row.given) == row.taken);
    }
  }
}

TEST_CASE("a percentage may have a fraction where the version takes one") {
  CHECK(against("5.6.24", {{"innodb_max_dirty_pages_pct", "60.5"}}).size() == 1);
  CHECK(taken("5.7.23", "innodb_max_dirty_pages_pct", "60.5") == "60.5");
  CHECK(taken("9.7.4", "innodb_max_dirty_pages_pct", "99.999") == "99.999");
  for (const char* value : {"100", "-1", "inf", "nan", "1K", "ninety", "1e1"}) {
    INFO(std::string(value));
    const auto violations = against("9.7.4", {{"innodb_max_dirty_pages_pct", value}});
    REQUIRE(violations.size() == 1);
    CHECK(violations[0].message ==
          "innodb_max_dirty_pages_pct takes a number from 0 to 99.999, not '" + std::string(value) +
              "'");
  }
}

TEST_CASE("long_query_time takes fractions of a second") {
  CHECK(taken("8.0.45", "long_query_time", "0.25") == "0.25");
  CHECK(against("8.0.45", {{"long_query_time", "-1"}})[0].message ==
        "long_query_time takes a number from 0 to 3600, not '-1'");
}

TEST_CASE("a limit may come with a release") {
  CHECK(against("8.0.17", {{"max_prepared_stmt_count", "4194304"}}).size() == 1);
  CHECK(against("8.0.18", {{"max_prepared_stmt_count", "4194304"}}).empty());
}

TEST_CASE("a friendly name is checked like the variable it stands for, in its own unit") {
  for (const char* version : kVersions) {
    for (const char* value : {"abc", "-1", "100000", "", "0"}) {
      INFO(version << " '" << value << "'");
      const auto violations = against(version, {{"expire_log_days", value}});
      REQUIRE(violations.size() == 1);
      CHECK(violations[0].field == "expire_log_days");
      CHECK(violations[0].message.find("not '" + std::string(value) + "'") != std::string::npos);
      CHECK_FALSE(violations[0].hint.empty());
    }
    CHECK(against(version, {{"expire_log_days", "10"}}).empty());
    CHECK(against(version, {{"tx_isolation", "sometimes"}})[0].message.rfind(
              "transaction_isolation takes one of ", 0) == 0);
  }
  const auto days = against("9.7.4", {{"expire_log_days", "100000"}});
  CHECK(days[0].message ==
        "binlog_expire_logs_seconds takes a whole number from 3600 to 8553600, not '100000' "
        "(expire_log_days: 1 is 86400)");
  CHECK(days[0].hint == "write 1 to 99, or leave it out for what the flavor is tuned to");
  CHECK(against("5.6.24", {{"expire_log_days", "100000"}})[0].message ==
        "expire_logs_days takes a whole number from 1 to 99, not '100000'");
}

TEST_CASE("a word near to one that is known is asked about") {
  CHECK(against("9.7.4", {{"transaction_isolation", "read-commited"}})[0].hint ==
        "did you mean READ-COMMITTED?");
}

}  // namespace cdb::tuning
