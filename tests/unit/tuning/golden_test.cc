// The rendered files, to be read by people. UPDATE_GOLDEN=1 rewrites them; the diff is reviewed.
#include <cstdlib>

#include <doctest/doctest.h>

#include "lib/base/atomic_file.h"
#include "tests/unit/tuning/arrange.h"

namespace cdb::tuning {
namespace {

struct Golden {
  const char* file;
  Facts facts;
  Overrides overrides;
};

const Golden kGoldens[] = {
    {"5.6-1g.cnf", machine("5.6.24", 1 * kGiB, 1), {}},
    {"5.7-2g.cnf", machine("5.7.23", 2 * kGiB), {}},
    {"8.0.17-2g-hdd.cnf", machine("8.0.17", 2 * kGiB, 1, "hdd", 100 * kGiB), {}},
    {"8.0.36-4g.cnf", machine("8.0.36", 4 * kGiB), {{"expire_log_days", "10"}}},
    {"8.4-8g-nvme.cnf", machine("8.4.8", 8 * kGiB, 4, "nvme", 100 * kGiB), {}},
    {"9.7-1g.cnf", machine("9.7.4", 1 * kGiB, 1), {}},
    {"9.7-2g-user.cnf",
     machine("9.7.4", 2 * kGiB),
     {{"max-connections", "120"},
      {"innodb_buffer_pool_size", "700M"},
      {"connect_timeout", "100"},
      {"init_connect", "SET NAMES 'utf8mb4'"},
      {"sql_mode", "strict_trans_tables,ansi_quotes"}}},
    {"9.7-64g.cnf", machine("9.7.4", 64 * kGiB, 16, "nvme", 1000 * kGiB), {}},
};

}  // namespace

TEST_CASE("the rendered files are the reviewed ones") {
  const std::filesystem::path dir = std::filesystem::path(CDB_SOURCE_DIR) / "tests/golden/mycnf";
  for (const Golden& golden : kGoldens) {
    INFO(golden.file);
    const auto plan = tune(golden.facts, shipped_rules(), golden.overrides);
    REQUIRE_MESSAGE(plan.ok(), plan.error().text());
    const std::string text = render_mycnf(*plan);
    if (std::getenv("UPDATE_GOLDEN") != nullptr) {
      REQUIRE(write_file_atomically(dir / golden.file, text).ok());
    }
    const auto reviewed = read_file(dir / golden.file);
    REQUIRE_MESSAGE(reviewed.ok(), "run with UPDATE_GOLDEN=1 and review the diff");
    CHECK(text == *reviewed);
  }
}

}  // namespace cdb::tuning
