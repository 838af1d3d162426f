// Every machine there may be: the plan is sound or refused with a reason.
#include <algorithm>
#include <set>

#include <doctest/doctest.h>

#include "lib/base/text.h"
#include "tests/unit/tuning/arrange.h"

namespace cdb::tuning {
namespace {

const std::vector<std::string> kVersions{
    "5.6.10", "5.6.24", "5.6.51", "5.7.9",  "5.7.21", "5.7.23", "5.7.44", "8.0.11", "8.0.17",
    "8.0.22", "8.0.25", "8.0.26", "8.0.27", "8.0.30", "8.0.34", "8.0.45", "8.1.0",  "8.2.0",
    "8.3.0",  "8.4.0",  "8.4.8",  "9.0.1",  "9.1.0",  "9.6.0",  "9.7.4",  "26.7.0"};

std::vector<Facts> grid() {
  std::vector<Facts> machines;
  for (const std::string& version : kVersions) {
    for (const double gib :
         {0.25, 0.5, 0.75, 0.94, 1.0, 1.5, 2.0, 3.0, 4.0, 7.5, 8.0, 16.0, 17.0, 32.0, 64.0}) {
      for (const int vcpu : {1, 2, 64}) {
        for (const char* kind : {"hdd", "ssd", "nvme"}) {
          for (const uint64_t disk_gib : {1, 4000}) {
            machines.push_back(machine(version,
                                       static_cast<uint64_t>(gib * static_cast<double>(kGiB)), vcpu,
                                       kind, disk_gib * kGiB));
          }
        }
      }
    }
  }
  return machines;
}

std::string name_of(const Facts& facts) {
  return facts.version.str() + " " + bytes_text(static_cast<double>(facts.memory_bytes)) + " " +
         std::to_string(facts.vcpu) + " vcpu " + facts.disk_kind + " " +
         bytes_text(static_cast<double>(facts.disk_bytes));
}

uint64_t number(const Plan& plan, const std::string& name) {
  const Setting* const setting = plan.find(name);
  return setting == nullptr ? 0 : std::stoull(setting->value);
}

// What is wrong with a plan; doctest's CHECK would be most of the time that the grid takes.
std::vector<std::string> faults(const Plan& plan) {
  std::vector<std::string> faults;
  const auto expect = [&](bool holds, const std::string& what) {
    if (!holds) faults.push_back(what);
  };
  const Facts& facts = plan.facts;
  const double memory = static_cast<double>(facts.memory_bytes);
  expect(static_cast<double>(plan.planned_bytes) <= 0.95 * memory, "planned above 95 % of memory");
  const uint64_t pool = number(plan, "innodb_buffer_pool_size");
  expect(pool >= 48 * kMiB && static_cast<double>(pool) <= 0.8 * memory, "pool size");
  const uint64_t instances = number(plan, "innodb_buffer_pool_instances");
  const uint64_t chunk = number(plan, "innodb_buffer_pool_chunk_size");
  expect(instances == 1 || pool >= kGiB, "the server would go back to one pool instance");
  expect(chunk == 0 || pool % (chunk * instances) == 0, "the server would round the pool up");
  expect(chunk == 0 || pool / chunk <= 1000, "more than 1000 chunks");
  const uint64_t redo =
      number(plan, "innodb_redo_log_capacity") + 2 * number(plan, "innodb_log_file_size");
  expect(redo >= 62 * kMiB && redo <= std::max(64 * kMiB, facts.disk_bytes / 20), "redo");
  const uint64_t connections = number(plan, "max_connections");
  const uint64_t files = number(plan, "open_files_limit");
  expect(connections >= 50, "connections");
  expect(files >= 10 + connections + 2 * number(plan, "table_open_cache"), "files for tables");
  expect(files >= 810 + connections, "files for connections");
  for (const Setting& setting : plan.settings) {
    const std::string& value = setting.value;
    const bool is_number = setting.type == ValueType::Integer || setting.type == ValueType::Bytes;
    expect(!is_number ||
               (!value.empty() && value.find_first_not_of("0123456789") == std::string::npos),
           setting.name + " = " + value);
    expect(is_number || value.find_first_of("{}") == std::string::npos,
           setting.name + " = " + value);
    expect(!setting.why.empty(), setting.name + " has no reason");
  }
  return faults;
}

}  // namespace

TEST_CASE("every machine gets a sound plan or a refusal that says why") {
  size_t tuned = 0;
  for (const Facts& facts : grid()) {
    const auto plan = tune(facts, shipped_rules());
    if (plan) {
      ++tuned;
      const auto found = faults(*plan);
      if (!found.empty()) FAIL_CHECK(name_of(facts) << ": " << join(found, "; "));
      continue;
    }
    INFO(name_of(facts));
    REQUIRE_MESSAGE(plan.error().code == Code::Invalid, plan.error().text());
    CHECK(plan.error().message.find("does not fit into") != std::string::npos);
    CHECK(facts.memory_bytes < kGiB * 95 / 100);
  }
  CHECK(tuned > 4000);
}

TEST_CASE("every setting exists in its version, and none stands there twice") {
  for (const std::string& version : kVersions) {
    for (const char* kind : {"hdd", "nvme"}) {
      const auto plan = tune(machine(version, 4 * kGiB, 4, kind), shipped_rules());
      REQUIRE_MESSAGE(plan.ok(), plan.error().text());
      std::set<std::string> names;
      for (const Setting& setting : plan->settings) {
        INFO(version << " " << setting.name << " [" << setting.rule_id << "]");
        CHECK(shipped_rules().catalogue.find(plan->facts.version, setting.name));
        CHECK((setting.name == "plugin_load_add" || names.insert(setting.name).second));
      }
    }
  }
}

TEST_CASE("512 MiB are enough for MySQL 5 and refused for 8 and 9 with the budget as the reason") {
  for (const char* version : {"5.6.24", "5.7.23"}) {
    const auto plan = tune(machine(version, 512 * kMiB, 1), shipped_rules());
    CHECK_MESSAGE(plan.ok(), plan.error().text());
  }
  for (const char* version : {"8.0.36", "8.4.8", "9.7.4"}) {
    const auto plan = tune(machine(version, 512 * kMiB, 1), shipped_rules());
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == Code::Invalid);
    CHECK(plan.error().message.find("does not fit into 512 MiB of memory") != std::string::npos);
    CHECK(plan.error().message.find("mysqld itself 210 MiB") != std::string::npos);
    CHECK(plan.error().hint.find("larger flavor") != std::string::npos);
  }
}

TEST_CASE("more memory never gives fewer connections") {
  for (const char* version : {"5.6.24", "5.7.23", "8.0.36", "9.7.4"}) {
    uint64_t connections = 0;
    for (uint64_t gib = 1; gib <= 128; ++gib) {
      const auto plan = tune(machine(version, gib * kGiB, 8), shipped_rules());
      REQUIRE_MESSAGE(plan.ok(), plan.error().text());
      INFO(version << " " << gib << " GiB");
      CHECK(number(*plan, "max_connections") >= connections);
      connections = number(*plan, "max_connections");
    }
  }
}

}  // namespace cdb::tuning
