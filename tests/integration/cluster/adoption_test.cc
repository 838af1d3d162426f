// What an agent's death does to the database: nothing.

#include <csignal>

#include <doctest/doctest.h>

#include "tests/support/cloud.h"
#include "tests/support/writer.h"

namespace cdb::testing {
namespace {

TEST_CASE("a killed agent takes no write with it, and its successor adopts the running mysqld") {
  Cloud cloud;
  cloud.create("shop", "9.7", 2);
  REQUIRE(cloud.becomes_steady("shop"));
  const ClusterSeen before = cloud.look("shop");
  Writer writer(cloud, "shop");
  REQUIRE(writer.goes_on());

  for (const auto& node : {before.primary, before.replica().name}) {
    CAPTURE(node);
    const auto agent = cloud.agent(node);
    const auto mysqld = cloud.mysqld(node);
    REQUIRE(agent);
    REQUIRE(mysqld);
    REQUIRE(process::send_signal(*agent, SIGKILL));
    REQUIRE(eventually([&] {
      const auto successor = cloud.agent(node);
      return successor && successor->pid != agent->pid;
    }));
    CHECK(cloud.becomes_steady("shop"));
    CHECK(cloud.mysqld(node) == mysqld);
    CHECK(writer.goes_on());
  }
  writer.stop();
  CHECK(writer.failures() == 0);
  CHECK(cloud.look("shop").primary == before.primary);
  CHECK(cloud.look("shop").epoch == before.epoch);
}

TEST_CASE("without a coordinator nothing happens to the databases, for as long as it is away") {
  Cloud cloud;
  cloud.create("shop", "9.7", 2);
  REQUIRE(cloud.becomes_steady("shop"));
  const ClusterSeen before = cloud.look("shop");
  Writer writer(cloud, "shop");
  cloud.kill_coordinator();
  const Instant away = BootTime::now();
  // Longer than any lease.
  CHECK(eventually([&] { return BootTime::now() - away > std::chrono::seconds(8); }));
  CHECK(writer.goes_on());
  cloud.start_coordinator();
  CHECK(cloud.becomes_steady("shop"));
  CHECK(writer.goes_on());
  writer.stop();
  CHECK(writer.failures() == 0);
  CHECK(cloud.look("shop").primary == before.primary);
}

}  // namespace
}  // namespace cdb::testing
