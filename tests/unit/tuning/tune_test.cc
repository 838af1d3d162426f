#include <algorithm>

#include <doctest/doctest.h>

#include "tests/unit/tuning/arrange.h"

namespace cdb::tuning {
namespace {

Plan plan_of(const Facts& facts, const Overrides& overrides = {}) {
  auto plan = tune(facts, shipped_rules(), overrides);
  REQUIRE_MESSAGE(plan.ok(), plan.error().text());
  return *std::move(plan);
}

std::vector<std::string> values(const Plan& plan, const std::string& name) {
  std::vector<std::string> values;
  for (const Setting& setting : plan.settings) {
    if (setting.name == name) values.push_back(setting.value);
  }
  return values;
}

std::string value(const Plan& plan, const std::string& name) {
  const Setting* const setting = plan.find(name);
  return setting == nullptr ? "(none)" : setting->value;
}

}  // namespace

TEST_CASE("a node boots closed and passive on every version") {
  const Plan old = plan_of(machine("5.6.24", kGiB));
  CHECK(value(old, "read_only") == "ON");
  CHECK(value(old, "super_read_only") == "(none)");
  CHECK(value(old, "skip_slave_start") == "ON");
  for (const char* version : {"5.7.23", "8.0.20", "8.0.36", "8.4.8", "9.7.4"}) {
    INFO(std::string(version));
    const Plan plan = plan_of(machine(version, 2 * kGiB));
    CHECK(value(plan, "super_read_only") == "ON");
    CHECK(value(plan, "relay_log_recovery") == "OFF");
    CHECK(values(plan, "skip_slave_start").size() + values(plan, "skip_replica_start").size() == 1);
    CHECK(value(plan, "sync_binlog") == "1");
    CHECK(value(plan, "innodb_flush_log_at_trx_commit") == "1");
    CHECK(value(plan, "gtid_mode") == "ON");
  }
}

TEST_CASE("semi-sync has the names of the version, and both sides are off") {
  const Plan old = plan_of(machine("8.0.25", 2 * kGiB));
  CHECK(values(old, "plugin_load_add") ==
        std::vector<std::string>{"semisync_master.so", "semisync_slave.so", "mysql_clone.so"});
  CHECK(value(old, "rpl_semi_sync_master_enabled") == "OFF");
  CHECK(value(old, "rpl_semi_sync_slave_enabled") == "OFF");
  const Plan now = plan_of(machine("8.0.26", 2 * kGiB));
  CHECK(values(now, "plugin_load_add") ==
        std::vector<std::string>{"semisync_source.so", "semisync_replica.so", "mysql_clone.so"});
  CHECK(value(now, "rpl_semi_sync_source_enabled") == "OFF");
  CHECK(value(now, "rpl_semi_sync_replica_enabled") == "OFF");
  CHECK(value(now, "rpl_semi_sync_master_enabled") == "(none)");
}

TEST_CASE("plugins that are not there are not named") {
  Facts facts = machine("9.7.4", 2 * kGiB);
  facts.lossless = false;
  facts.has_clone = false;
  const std::string text = render_mycnf(plan_of(facts));
  CHECK(text.find("plugin_load_add") == std::string::npos);
  CHECK(text.find("rpl_semi_sync") == std::string::npos);
}

TEST_CASE("a fact that is not known leaves its line out") {
  Facts facts = machine("9.7.4", 2 * kGiB);
  facts.report_host.clear();
  facts.bind_address.clear();
  const Plan plan = plan_of(facts);
  CHECK(value(plan, "report_host") == "(none)");
  CHECK(value(plan, "bind_address") == "(none)");
}

TEST_CASE("a machine whose size is not known is refused") {
  Facts facts = machine("9.7.4", 0);
  CHECK(tune(facts, shipped_rules()).error().message == "the memory of the machine is not known");
  facts = machine("9.7.4", kGiB, 2, "tape");
  CHECK(tune(facts, shipped_rules()).error().message == "disk kind 'tape' is not known");
}

TEST_CASE("few open files bound connections and the table cache") {
  Facts facts = machine("9.7.4", 16 * kGiB);
  facts.open_files_max = 4096;
  const Plan plan = plan_of(facts);
  CHECK(value(plan, "max_connections") == "1600");
  CHECK(value(plan, "table_open_cache") == "1243");
  CHECK(value(plan, "open_files_limit") == "4096");
}

TEST_CASE("every setting carries its rule, its place and its reason") {
  for (const Setting& setting : plan_of(machine("8.0.36", 2 * kGiB)).settings) {
    INFO(setting.name);
    CHECK_FALSE(setting.rule_id.empty());
    CHECK(setting.file.rfind("rules/", 0) == 0);
    CHECK(setting.line > 0);
  }
}

TEST_CASE("settings that take memory say how much") {
  const Plan plan = plan_of(machine("9.7.4", 4 * kGiB));
  CHECK(plan.find("max_connections")->memory_bytes == 400 * 475 * 1024);
  uint64_t sum = 0;
  for (const BudgetTerm& term : plan.budget)
    sum += term.bytes;
  CHECK(sum == plan.planned_bytes);
}

TEST_CASE("a diff tells what SET GLOBAL can do from what needs a restart") {
  const Facts facts = machine("9.7.4", 4 * kGiB);
  const Plan before = plan_of(facts, {{"connect_timeout", "100"}, {"long_query_time", "0.5"}});
  const Plan after = plan_of(
      facts,
      {{"long_query_time", "2"}, {"performance_schema", "OFF"}, {"group_concat_max_len", "4096"}});
  const std::vector<Change> changes = diff(parse_mycnf(render_mycnf(before)), after);
  const auto find = [&](const std::string& name) {
    const auto at = std::find_if(changes.begin(), changes.end(),
                                 [&](const Change& change) { return change.name == name; });
    REQUIRE(at != changes.end());
    return *at;
  };
  CHECK(find("long_query_time") == Change{"long_query_time", "0.5", "2", false, false, true});
  CHECK(find("performance_schema") ==
        Change{"performance_schema", "ON", "OFF", false, false, false});
  CHECK(find("group_concat_max_len") ==
        Change{"group_concat_max_len", "", "4096", true, false, true});
  CHECK(find("connect_timeout") == Change{"connect_timeout", "100", "", false, true, false});
}

TEST_CASE("a server that runs the rendered file lacks nothing") {
  const Plan plan = plan_of(machine("9.7.4", 4 * kGiB),
                            {{"init_connect", "SET @a = '#\\' ;"}, {"connect_timeout", "7"}});
  CHECK(diff(parse_mycnf(render_mycnf(plan)), plan).empty());
}

TEST_CASE("a pool is resized online only while its steps stay the same") {
  const Facts facts = machine("9.7.4", 4 * kGiB);
  const auto pool_change = [&](const char* from, const char* to) {
    const auto changes =
        diff(parse_mycnf(render_mycnf(plan_of(facts, {{"buffer_pool_size", from}}))),
             plan_of(facts, {{"buffer_pool_size", to}}));
    REQUIRE_FALSE(changes.empty());
    CHECK(changes[0].name == "innodb_buffer_pool_size");
    return changes[0];
  };
  CHECK(pool_change("512M", "768M").dynamic);
  CHECK_FALSE(pool_change("512M", "2G").dynamic);
}

TEST_CASE("a plugin that comes or goes is seen among the others") {
  Facts facts = machine("9.7.4", 4 * kGiB);
  const Plan with = plan_of(facts);
  facts.has_clone = false;
  const Plan without = plan_of(facts);
  CHECK(diff(parse_mycnf(render_mycnf(with)), without) ==
        std::vector<Change>{{"plugin_load_add", "mysql_clone.so", "", false, true, false}});
  CHECK(diff(parse_mycnf(render_mycnf(without)), with) ==
        std::vector<Change>{{"plugin_load_add", "", "mysql_clone.so", true, false, false}});
}

TEST_CASE("the same input gives the same bytes") {
  const Facts facts = machine("8.4.8", 4 * kGiB);
  CHECK(render_mycnf(plan_of(facts)) == render_mycnf(plan_of(facts)));
}

}  // namespace cdb::tuning
