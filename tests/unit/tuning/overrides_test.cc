#include <doctest/doctest.h>

#include "lib/base/text.h"
#include "tests/unit/tuning/arrange.h"

namespace cdb::tuning {
namespace {

// The one thing said against one override.
Violation against(const std::string& version, const std::string& name, const std::string& value,
                  uint64_t memory_bytes = 4 * kGiB) {
  Facts facts = machine(version, memory_bytes);
  const auto violations = check_overrides(facts, shipped_rules(), {{name, value}});
  if (violations.empty()) return {};
  CHECK(violations.size() == 1);
  CHECK(violations[0].field == name);
  return violations[0];
}

std::string value_of(const std::string& version, const Overrides& overrides,
                     const std::string& name) {
  const auto plan = tune(machine(version, 4 * kGiB), shipped_rules(), overrides);
  REQUIRE_MESSAGE(plan.ok(), plan.error().text());
  const Setting* const setting = plan->find(name);
  return setting == nullptr ? "(none)" : setting->value;
}

}  // namespace

TEST_CASE("a name may be written with dashes and in capitals") {
  CHECK(value_of("8.0.36", {{"Max-Connections", "77"}}, "max_connections") == "77");
}

TEST_CASE("expire_log_days means days on 5.x and seconds from 8.0") {
  CHECK(value_of("5.6.24", {{"expire_log_days", "10"}}, "expire_logs_days") == "10");
  CHECK(value_of("5.7.23", {{"expire_logs_days", "10"}}, "expire_logs_days") == "10");
  for (const char* version : {"8.0.36", "8.4.8", "9.7.4"}) {
    CHECK(value_of(version, {{"expire_log_days", "10"}}, "binlog_expire_logs_seconds") == "864000");
    CHECK(value_of(version, {{"expire_logs_days", "10"}}, "binlog_expire_logs_seconds") ==
          "864000");
    CHECK(value_of(version, {{"expire_log_days", "10"}}, "expire_logs_days") == "(none)");
  }
}

TEST_CASE("two names for one variable are refused") {
  const auto violations =
      check_overrides(machine("9.7.4", 4 * kGiB), shipped_rules(),
                      {{"expire_log_days", "10"}, {"binlog_expire_logs_seconds", "5000"}});
  REQUIRE(violations.size() == 1);
  CHECK(violations[0].message ==
        "sets binlog_expire_logs_seconds, and 'binlog_expire_logs_seconds' sets it too");
}

TEST_CASE("a misspelt name is refused with the nearest known one") {
  const Violation violation = against("8.0.36", "max_conections", "10");
  CHECK(violation.message == "no MySQL knows a variable max_conections");
  CHECK(violation.hint == "did you mean max_connections?");
}

TEST_CASE("a variable of another version is refused with the versions that know it") {
  CHECK(against("8.0.36", "query_cache_limit", "1M").message ==
        "MySQL 8.0.36 does not know query_cache_limit (MySQL 5.6, 5.7 does)");
  CHECK(against("5.6.24", "max_execution_time", "1000").message.find("5.7") != std::string::npos);
  CHECK(against("8.0.20", "explain_format", "TREE").message.find("does not know") !=
        std::string::npos);
  CHECK(against("8.0.32", "explain_format", "TREE").message.empty());
}

TEST_CASE("a version without a patch number is taken for the newest of its line") {
  CHECK(against("8.0", "explain_format", "TREE").message.empty());
  CHECK(against("8.0", "expire_log_days", "10").message.empty());
  CHECK(against("8.0", "binlog_expire_logs_seconds", "10")
            .message.find("takes a whole number from") != std::string::npos);
  CHECK(against("8.0", "query_cache_limit", "1M").message.rfind("MySQL 8.0 does not know", 0) == 0);
}

TEST_CASE("what the system owns is refused on every version") {
  for (const char* version : {"5.6.24", "5.7.23", "8.0.20", "8.0.36", "8.4.8", "9.7.4"}) {
    for (const char* name : {"datadir",
                             "socket",
                             "port",
                             "bind_address",
                             "server_id",
                             "log_bin",
                             "gtid_mode",
                             "enforce_gtid_consistency",
                             "read_only",
                             "super_read_only",
                             "skip_slave_start",
                             "skip_replica_start",
                             "relay_log_recovery",
                             "plugin_load",
                             "plugin_load_add",
                             "report_host",
                             "secure_file_priv",
                             "rpl_semi_sync_source_enabled",
                             "rpl_semi_sync_master_timeout",
                             "sync_binlog",
                             "innodb_flush_log_at_trx_commit",
                             "binlog_format",
                             "log_slave_updates",
                             "replica_net_timeout",
                             "slave_net_timeout",
                             "pid_file",
                             "tmpdir",
                             "log_error",
                             "init_file",
                             "loose_max_connections",
                             "innodb_doublewrite",
                             "skip_grant_tables",
                             "user"}) {
      INFO(version << " " << name);
      CHECK(against(version, name, "1").message.find("is set by the system: ") !=
            std::string::npos);
    }
  }
}

TEST_CASE("a value out of range is refused with the range on this flavor") {
  const Violation pool = against("9.7.4", "innodb_buffer_pool_size", "700G");
  CHECK(pool.message ==
        "innodb_buffer_pool_size takes a size from 48 MiB to 3.2 GiB on this flavor, not '700G'");
  CHECK(pool.hint == "write 48 MiB to 3.2 GiB, or leave it out for what the flavor is tuned to");
  CHECK(against("9.7.4", "sort_buffer_size", "8M").message ==
        "sort_buffer_size takes a size from 32 KiB to 4 MiB, not '8M'");
  CHECK(against("9.7.4", "max_connections", "5").message ==
        "max_connections takes a whole number from 10 to 10000 on this flavor, not '5'");
}

TEST_CASE("ranges that need the flavor wait for it, others do not") {
  Facts facts = machine("9.7.4", 0);
  facts.disk_bytes = 0;
  CHECK(check_overrides(facts, shipped_rules(), {{"innodb_buffer_pool_size", "700G"}}).empty());
  CHECK(check_overrides(facts, shipped_rules(), {{"sort_buffer_size", "8M"}}).size() == 1);
}

TEST_CASE("a value of the wrong kind is refused") {
  for (const char* value : {"many", "10.5", ""}) {
    CHECK(against("9.7.4", "max_connections", value).message ==
          "max_connections takes a whole number from 10 to 10000 on this flavor, not '" +
              std::string(value) + "'");
  }
  CHECK(against("9.7.4", "performance_schema", "maybe").message ==
        "performance_schema takes ON or OFF, not 'maybe'");
  CHECK(against("9.7.4", "log_output", "TABLE").message ==
        "log_output takes one of FILE, NONE, not 'TABLE'");
  const Violation word = against("9.7.4", "sql_mode", "ANSI,strict_trans_table");
  CHECK(word.message.rfind("sql_mode takes one of ALLOW_INVALID_DATES, ", 0) == 0);
  CHECK(word.hint == "did you mean STRICT_TRANS_TABLES?");
  CHECK(against("9.7.4", "sql_mode", "NO_AUTO_CREATE_USER").message.find("takes one of") !=
        std::string::npos);
  CHECK(against("9.7.4", "sql_mode", "").message.empty());
}

TEST_CASE("a value cannot break out of its line") {
  for (const char* value : {"a\nskip_grant_tables", "a\"b", "a\rb", "\x01"}) {
    CHECK(against("9.7.4", "init_connect", value).message.find("without line breaks") !=
          std::string::npos);
  }
  const auto plan =
      tune(machine("9.7.4", 4 * kGiB), shipped_rules(), {{"init_connect", "SET @a = '#\\' ; "}});
  REQUIRE(plan.ok());
  CHECK(render_mycnf(*plan).find("init_connect = \"SET @a = '#\\\\' ;\"\n") != std::string::npos);
}

TEST_CASE("a refused plan names every reason") {
  const auto plan = tune(machine("9.7.4", 4 * kGiB), shipped_rules(),
                         {{"max_conections", "1"}, {"port", "3307"}, {"sort_buffer_size", "1G"}});
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code == Code::Invalid);
  for (const char* reason : {"max_conections: no MySQL knows", "did you mean max_connections?",
                             "port: port is set by the system",
                             "sort_buffer_size: sort_buffer_size takes a size from"}) {
    INFO(plan.error().message);
    CHECK(plan.error().message.find(reason) != std::string::npos);
  }
}

TEST_CASE("units of a user's value are written out, as SET GLOBAL wants them") {
  CHECK(value_of("9.7.4", {{"innodb_sort_buffer_size", "2M"}}, "innodb_sort_buffer_size") ==
        "2097152");
}

TEST_CASE("a user's pool is aligned down and said so") {
  const auto plan =
      tune(machine("9.7.4", 4 * kGiB), shipped_rules(), {{"buffer_pool_size", "700M"}});
  REQUIRE_MESSAGE(plan.ok(), plan.error().text());
  CHECK(plan->find("innodb_buffer_pool_size")->value == std::to_string(688 * kMiB));
  CHECK(plan->find("innodb_buffer_pool_chunk_size")->value == std::to_string(16 * kMiB));
  REQUIRE(plan->warnings.size() == 1);
  CHECK(plan->warnings[0].find("734003200 was taken down to 721420288") != std::string::npos);
}

TEST_CASE("a pool that leaves too little for the rest is refused with the whole budget") {
  const auto plan =
      tune(machine("9.7.4", 2 * kGiB), shipped_rules(), {{"innodb_buffer_pool_size", "1600M"}});
  REQUIRE_FALSE(plan);
  CHECK(plan.error().message.find("that may be planned on a machine of 2 GiB: operating system") !=
        std::string::npos);
}

TEST_CASE("more connections are paid for by the pool") {
  const auto few = tune(machine("9.7.4", 4 * kGiB), shipped_rules());
  const auto many =
      tune(machine("9.7.4", 4 * kGiB), shipped_rules(), {{"max_connections", "2000"}});
  REQUIRE(few.ok());
  REQUIRE_MESSAGE(many.ok(), many.error().text());
  CHECK(std::stoull(many->find("innodb_buffer_pool_size")->value) <
        std::stoull(few->find("innodb_buffer_pool_size")->value));
}

}  // namespace cdb::tuning
