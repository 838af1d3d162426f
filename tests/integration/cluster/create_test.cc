// A cluster from nothing, and back to nothing.

#include <algorithm>
#include <csignal>

#include <doctest/doctest.h>

#include "tests/support/cloud.h"
#include "tests/support/writer.h"

namespace cdb::testing {
namespace {

std::vector<std::string> sorted(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  return texts;
}

void check_whole(Cloud& cloud, const std::string& cluster) {
  REQUIRE(cloud.becomes_steady(cluster));
  const ClusterSeen seen = cloud.look(cluster);
  REQUIRE(seen.nodes.size() == 3);
  std::vector<std::string> replicas;
  for (const auto& node : seen.nodes) {
    if (node.name != seen.primary) replicas.push_back(node.address);
  }
  CHECK(cloud.addresses(cluster, "rw") == std::vector{seen.node(seen.primary).address});
  CHECK(sorted(cloud.addresses(cluster, "ro")) == sorted(replicas));
}

// Through the names alone, as an application would.
void check_write_and_read(Cloud& cloud, const std::string& cluster) {
  const Account account = cloud.account(cluster);
  const std::string rw = cloud.addresses(cluster, "rw").at(0);
  ask(rw, account, "CREATE DATABASE app");
  ask(rw, account, "CREATE TABLE app.t (id INT PRIMARY KEY, word VARCHAR(20)) ENGINE=InnoDB");
  ask(rw, account, "INSERT INTO app.t VALUES (1, 'hello')");
  for (const auto& ro : cloud.addresses(cluster, "ro")) {
    CHECK(eventually([&] {
      return ask(ro, account,
                 "SELECT COUNT(*) FROM information_schema.tables WHERE "
                 "table_schema = 'app' AND table_name = 't'") == "1" &&
             ask(ro, account, "SELECT MAX(word) FROM app.t") == "hello";
    }));
    CHECK_THROWS_WITH_AS(ask(ro, account, "INSERT INTO app.t VALUES (2, 'no')"),
                         doctest::Contains("read-only"), std::runtime_error);
  }
}

void check_nothing_left(const Cloud& cloud, const std::string& cluster) {
  CHECK(processes_with_variable("mysqld", "CDB_INSTANCE=" + cloud.instance(cluster + "-0").string())
            .empty());
  for (const auto& entry : std::filesystem::directory_iterator(cloud.directory() / "i")) {
    CHECK(entry.path().filename().string().find(cluster) == std::string::npos);
  }
  CHECK(cloud.addresses(cluster, "rw").empty());
  CHECK(cloud.addresses(cluster, "ro").empty());
  CHECK(cloud.cdb({"get", "mysql", cluster}).exit_code == 3);
}

TEST_CASE("clusters of 9.7 and 5.6 are made, read through their names, and leave nothing behind") {
  Cloud cloud;
  for (const std::string version : {"9.7", "5.6"}) {
    CAPTURE(version);
    const std::string cluster = version.front() == '9' ? "new" : "old";
    cloud.create(cluster, version, 2);
    check_whole(cloud, cluster);
    check_write_and_read(cloud, cluster);
  }
  CHECK(cloud.look("new").protection == "protected");
  CHECK(cloud.look("old").protection == "asynchronous");

  cloud.remove("new");
  check_nothing_left(cloud, "new");
  CHECK(cloud.look("old").nodes.size() == 3);
  cloud.remove("old");
  check_nothing_left(cloud, "old");
  CHECK(cloud.directory().cgroups().empty());
  CHECK(cloud.directory().reservations().empty());
}

TEST_CASE("a single node whose mysqld is killed is open again by itself, with all it had") {
  Cloud cloud;
  cloud.create("one", "9.7", 0);
  REQUIRE(cloud.becomes_steady("one"));
  const auto before = cloud.mysqld("one-0");
  REQUIRE(before);
  Writer writer(cloud, "one");
  REQUIRE(writer.goes_on());
  REQUIRE(process::send_signal(*before, SIGKILL));
  CHECK(writer.goes_on());
  writer.stop();
  CHECK(cloud.mysqld("one-0")->pid != before->pid);
  const auto there = rows_at(cloud.addresses("one", "rw").at(0), cloud.account("one"));
  CHECK(missing(writer.rows(), there).empty());
}

}  // namespace
}  // namespace cdb::testing
