// Things around the database break. Each has its name in what a person sees, and heals when it
// ends.

#include <csignal>
#include <cstdlib>
#include <fstream>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/mount.h>
#include <sys/socket.h>

#include "lib/base/unique_fd.h"
#include "tests/support/cloud.h"
#include "tests/support/writer.h"

namespace cdb::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

// What hinders the only operation that runs.
std::string problem_of_operation(const Cloud& cloud) {
  const auto items = cloud.json({"operations", "--running"}).at("items");
  return items.empty() ? std::string{} : items.front().at("problem").get<std::string>();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void declare(const Cloud& cloud, const std::string& cluster, const std::string& version,
             int replicas) {
  const Said said = cloud.cdb({"apply", "-f", "-", "--no-wait"}, seconds(30),
                              Cloud::manifest(cluster, version, replicas));
  REQUIRE_MESSAGE(said.exit_code == 0, said.err);
}

TEST_CASE("while BIND is down or refuses the key a create says so, and then it ends well") {
  Cloud cloud;
  const auto other_key = cloud.directory() / "other.key";
  std::ofstream(other_key) << fmt::format(
      "key \"cdb-test\" {{ algorithm hmac-sha256; secret \"{}\"; }};\n", Secret::random().reveal());

  cloud.dns().stop();
  declare(cloud, "c", "9.7", 0);
  CHECK(eventually([&] { return contains(problem_of_operation(cloud), cloud.dns().server()); },
                   seconds(60)));
  MESSAGE(problem_of_operation(cloud));

  cloud.stop_coordinator();
  cloud.use_key(other_key);
  REQUIRE(cloud.dns().start_again());
  cloud.start_coordinator();
  CHECK(eventually([&] { return contains(problem_of_operation(cloud), "key"); }, seconds(60)));
  MESSAGE(problem_of_operation(cloud));

  cloud.stop_coordinator();
  cloud.use_key(cloud.dns().key_file());
  cloud.start_coordinator();
  CHECK(eventually([&] { return cloud.operation_state("c", "create") == "succeeded"; }));
  CHECK(cloud.addresses("c", "rw").size() == 1);
}

TEST_CASE("of a mysqld that does not start, its own words stand in the operation") {
  Cloud cloud;
  // Good for everything but to start.
  const auto broken = cloud.directory() / "broken-mysqld";
  std::ofstream(broken) << fmt::format(
      R"(#!/bin/sh
case "$*" in
*--version*) echo "$0  Ver 9.9.9 for Linux on x86_64" ;;
*--initialize* | *--help* | *--validate-config*) exec {0} "$@" ;;
*) exec {0} "$@" --flux-capacitor=gone ;;
esac
)",
      std::getenv("CDB_TEST_MYSQLD_97"));
  fs::permissions(broken, fs::perms(0755));
  cloud.stop_coordinator();
  cloud.offer_server(broken);
  cloud.start_coordinator();
  declare(cloud, "c", "9.9", 0);
  CHECK(eventually([&] { return contains(problem_of_operation(cloud), "flux-capacitor"); },
                   seconds(60)));
  MESSAGE(problem_of_operation(cloud));
  cloud.remove("c");
  CHECK_FALSE(fs::exists(cloud.instance("c-0")));
}

// Somebody else who listens where mysqld would.
UniqueFd listen_at(const std::string& address) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(3306);
  ::inet_pton(AF_INET, address.c_str(), &where.sin_addr);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
  REQUIRE(::listen(fd.get(), 1) == 0);
  return fd;
}

void mount_memory(const fs::path& directory, const std::string& size) {
  fs::create_directories(directory);
  const std::string options = "mode=755,size=" + size;
  REQUIRE(::mount("tmpfs", directory.c_str(), "tmpfs", 0, options.c_str()) == 0);
}

TEST_CASE("a taken port and a full disk are named, cost no acknowledged row, and heal") {
  Cloud cloud;
  // The machine of the first node gets a small disk of its own; all are equally fast.
  const auto small = cloud.instance("c-0");
  mount_memory(small.parent_path(), "3g");
  mount_memory(small, "700m");
  cloud.create("c", "9.7", 2);
  REQUIRE(cloud.becomes_steady("c"));
  Writer writer(cloud, "c");

  const NodeSeen replica = cloud.look("c").replica();
  const auto agent = cloud.agent(replica.name);
  REQUIRE(agent);
  REQUIRE(process::send_signal(*agent, SIGSTOP));
  const auto mysqld = cloud.mysqld(replica.name);
  REQUIRE(mysqld);
  REQUIRE(process::send_signal(*mysqld, SIGKILL));
  REQUIRE(eventually([&] { return !process::alive(*mysqld); }));
  {
    const UniqueFd squatter = listen_at(replica.address);
    REQUIRE(process::send_signal(*agent, SIGCONT));
    CHECK(eventually([&] { return contains(cloud.look("c").node(replica.name).problem, "3306"); },
                     seconds(60)));
    MESSAGE(cloud.look("c").node(replica.name).problem);
    CHECK(writer.goes_on());
  }
  CHECK(cloud.becomes_steady("c"));

  if (cloud.look("c").primary != "c-0") {
    REQUIRE(cloud.cdb({"switchover", "c", "--to", "c-0"}).exit_code == 0);
    REQUIRE(cloud.becomes_steady("c"));
  }
  const auto ballast = small / "ballast";
  {
    std::ofstream file(ballast, std::ios::binary);
    const std::string block(size_t{1} << 20U, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  CHECK(eventually(
      [&] {
        const std::string problem = cloud.look("c").node("c-0").problem;
        return contains(problem, "full") || contains(problem, "space");
      },
      seconds(60)));
  MESSAGE(cloud.look("c").node("c-0").problem);
  fs::remove(ballast);
  CHECK(writer.goes_on());
  CHECK(cloud.becomes_steady("c"));
  writer.stop();
  const ClusterSeen seen = cloud.look("c");
  const auto there = rows_at(seen.node(seen.primary).address, cloud.account("c"));
  CHECK(missing(writer.rows(), there).empty());
}

}  // namespace
}  // namespace cdb::testing
