// What an operator does to a cluster that runs: policy, hooks, one node taken out or seeded anew,
// and the way out of a blocked cluster.

#include <csignal>
#include <fstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "lib/base/atomic_file.h"
#include "tests/support/cloud.h"
#include "tests/support/writer.h"

namespace cdb::testing {
namespace {

using std::chrono::seconds;

void kill_mysqld(const Cloud& cloud, const std::string& node) {
  const auto mysqld = cloud.mysqld(node);
  REQUIRE(mysqld);
  REQUIRE(process::send_signal(*mysqld, SIGKILL));
}

std::string policy(const std::string& spec) {
  return "apiVersion: cdb.cycloud.io/v1\nkind: Orchestrator\nmetadata: {name: shop}\nspec: {" +
         spec + "}\n";
}

Said declare(const Cloud& cloud, const std::string& text) {
  return cloud.cdb({"apply", "-f", "-"}, seconds(60), text);
}

int acks_required(const Cloud& cloud) {
  return cloud.json({"topology", "shop"}).at("acks_required").get<int>();
}

// A program of the coordinator's that writes down what it was told.
void offer_hook(const Cloud& cloud) {
  const auto folder = cloud.directory() / "hooks";
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "note") << "#!/bin/sh\necho \"$CDB_HOOK $CDB_KIND $CDB_FROM $CDB_TO\" >> "
                                 << (folder / "notes").string() << "\n";
  std::filesystem::permissions(folder / "note", std::filesystem::perms::owner_all);
}

std::string notes(const Cloud& cloud) {
  return read_file(cloud.directory() / "hooks" / "notes").value_or("");
}

TEST_CASE("an operator raises k, prefers nodes, takes one out and seeds it anew, under load") {
  Cloud cloud;
  offer_hook(cloud);
  cloud.create("shop", "9.7", 2);
  REQUIRE(cloud.becomes_steady("shop"));
  Writer writer(cloud, "shop");
  REQUIRE(writer.goes_on());

  const Said unknown = declare(cloud, policy("hooks: {after: [nothing]}"));
  CHECK(unknown.exit_code == 1);
  CHECK(unknown.err.find("is not in the hooks_dir") != std::string::npos);
  const Said raised = declare(
      cloud, policy("acks: 2, promotion: {shop-2: 10}, hooks: {before: [note], after: [note]}"));
  INFO(raised.err);
  REQUIRE(raised.exit_code == 0);
  REQUIRE(eventually([&] { return acks_required(cloud) == 2; }, seconds(30)));
  REQUIRE(writer.goes_on());

  // The preferred node, not the first.
  kill_mysqld(cloud, "shop-0");
  REQUIRE(writer.goes_on());
  CHECK(cloud.look("shop").primary == "shop-2");
  REQUIRE(cloud.becomes_steady("shop"));
  const auto last = cloud.json({"topology", "shop"}).at("last");
  CHECK(last.at("from") == "shop-0");
  CHECK(last.at("to") == "shop-2");
  CHECK(last.at("automatic") == true);
  CHECK(last.at("write_gap_ms").get<int>() > 0);
  CHECK(eventually(
      [&] { return notes(cloud).find("after failover shop-0 shop-2") != std::string::npos; }));
  REQUIRE(eventually([&] { return acks_required(cloud) == 2; }, seconds(60)));

  // One ack less than wanted: refused, then agreed to.
  const Said refused = cloud.cdb({"maintenance", "shop", "shop-1", "on"});
  CHECK(refused.exit_code == 4);
  CHECK(refused.err.find("--allow-unprotected") != std::string::npos);
  CHECK(cloud.cdb({"maintenance", "shop", "shop-2", "on"}).exit_code == 4);
  const Said taken = cloud.cdb({"maintenance", "shop", "shop-1", "on", "--allow-unprotected"});
  INFO(taken.err);
  REQUIRE(taken.exit_code == 0);
  CHECK(cloud.look("shop").node("shop-1").state == "maintenance");
  CHECK_FALSE(cloud.look("shop").node("shop-1").acker);
  REQUIRE(writer.goes_on());
  // Its mysqld stays as a person left it.
  kill_mysqld(cloud, "shop-1");
  REQUIRE(writer.goes_on());
  CHECK_FALSE(cloud.mysqld("shop-1"));
  const Said given = cloud.cdb({"maintenance", "shop", "shop-1", "off"});
  INFO(given.err);
  CHECK(given.exit_code == 0);
  REQUIRE(cloud.becomes_steady("shop"));

  const Said unconfirmed = cloud.cdb({"rejoin", "shop", "shop-0", "--reseed"});
  CHECK(unconfirmed.exit_code == 4);
  const Said seeded = cloud.cdb({"rejoin", "shop", "shop-0", "--reseed", "--confirm=shop-0"});
  INFO(seeded.err);
  CHECK(seeded.exit_code == 0);
  REQUIRE(eventually([&] { return acks_required(cloud) == 2; }, seconds(60)));
  REQUIRE(writer.goes_on());

  const Said moved = cloud.cdb({"switchover", "shop", "--to", "shop-0", "-o", "json"});
  INFO(moved.err);
  CHECK(moved.exit_code == 0);
  CHECK(nlohmann::json::parse(moved.out).at("state") == "succeeded");
  CHECK(notes(cloud).find("before switchover shop-2 shop-0") != std::string::npos);
  writer.stop();
  REQUIRE(cloud.becomes_level("shop"));
  const ClusterSeen seen = cloud.look("shop");
  CHECK(missing(writer.rows(), rows_at(seen.node(seen.primary).address, cloud.account("shop")))
            .empty());
}

TEST_CASE("a cluster that is blocked for good goes on by a person's word, which is kept") {
  Cloud cloud;
  cloud.create("shop", "9.7", 2);
  REQUIRE(cloud.becomes_steady("shop"));
  const std::vector<std::string> word{"failover", "shop", "--allow-data-loss", "--reason",
                                      "rack 7 burnt down"};
  const Said unneeded = cloud.cdb(word);
  CHECK(unneeded.exit_code == 4);
  CHECK(unneeded.err.find("is up: nothing has to be lost") != std::string::npos);

  // The primary and one acker are gone, agents and all.
  const std::string primary = cloud.look("shop").primary;
  const std::string gone = primary == "shop-1" ? "shop-2" : "shop-1";
  for (const std::string& node : {primary, gone}) {
    const auto agent = cloud.agent(node);
    REQUIRE(agent);
    REQUIRE(process::send_signal(*agent, SIGSTOP));
    const auto mysqld = cloud.mysqld(node);
    REQUIRE(mysqld);
    REQUIRE(process::send_signal(*mysqld, SIGSTOP));
  }
  REQUIRE(eventually([&] { return !cloud.look("shop").blocked.empty(); }, seconds(60)));
  std::vector<std::string> confirmed = word;
  confirmed.emplace_back("--confirm=shop");
  const Said done = cloud.cdb(confirmed);
  INFO(done.err);
  CHECK(done.exit_code == 0);
  const std::string now = cloud.look("shop").primary;
  CHECK(now != primary);
  CHECK(now != gone);
  CHECK(cloud.cdb({"events", "shop"}).out.find("rack 7 burnt down") != std::string::npos);
  for (const std::string& node : {primary, gone}) {
    REQUIRE(process::send_signal(*cloud.agent(node), SIGCONT));
    REQUIRE(process::send_signal(*cloud.mysqld(node), SIGCONT));
  }
  CHECK(cloud.becomes_steady("shop"));
}

}  // namespace
}  // namespace cdb::testing
