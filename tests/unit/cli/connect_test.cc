#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/dns_lookup.h"
#include "cli/password_file.h"
#include "cli/tree.h"
#include "lib/base/atomic_file.h"
#include "tests/unit/cli/command_run.h"
#include "tests/unit/cli/fake_dns.h"
#include "tests/unit/cli/temp_folder.h"

namespace cdb::cli {
namespace {

struct Place {
  Place() {
    v1::Connection connection;
    connection.set_rw_name("shop.db.test");
    connection.set_ro_name("shop-ro.db.test");
    connection.set_port(3306);
    connection.set_user("app");
    connection.set_password("s3cret\\\"x");
    connection.set_rw_address("10.9.9.9");
    connection.add_ro_addresses("10.9.9.8");
    set(connection);
    dns.set("shop.db.test", {"10.0.0.2"});
    dns.set("shop-ro.db.test", {"10.0.0.3"});
    command.environment["HOME"] = folder.path().string();
    command.environment["CDB_MYSQL_CLIENT"] = "/opt/mysql client";
  }
  void set(const v1::Connection& connection) {
    known = connection;
    coordinator.set_connection(connection);
  }
  void use_dns() {
    known.set_dns_server(dns.server());
    set(known);
  }

  TempFolder folder{};
  FakeCoordinator coordinator{};
  FakeDns dns{};
  v1::Connection known{};
  CommandRun command{coordinator};
};

std::string option_file(const std::vector<std::string>& command) {
  constexpr std::string_view kOption = "--defaults-file=";
  REQUIRE(command.size() > 1);
  REQUIRE(command[1].rfind(kOption, 0) == 0);
  return command[1].substr(kOption.size());
}

}  // namespace

TEST_CASE("connect runs the client on the address that the cluster's DNS server gives") {
  Place place;
  place.use_dns();
  const Ran ran = place.command.run({"connect", "shop", "--", "-e", "SELECT 1"});
  CHECK(ran.exit == Exit::Ok);
  auto command = place.command.executed;
  const std::string file = option_file(command);
  command.erase(command.begin() + 1);
  CHECK(command == std::vector<std::string>{"/opt/mysql client", "--protocol=TCP",
                                            "--host=10.0.0.2", "--port=3306", "-e", "SELECT 1"});
  CHECK(read_file(file).value() == "[client]\nuser=\"app\"\npassword=\"s3cret\\\\\"x\"\n");
  struct stat found {};
  REQUIRE(::stat(file.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("--ro uses the read-only name, and CDB_DNS goes before what the coordinator says") {
  Place place;
  place.known.set_dns_server("127.0.0.1:1");
  place.set(place.known);
  place.command.environment["CDB_DNS"] = place.dns.server();
  place.command.run({"connect", "shop", "--ro"});
  REQUIRE(place.command.executed.size() == 5);
  CHECK(place.command.executed[3] == "--host=10.0.0.3");
}

TEST_CASE("without a DNS server the addresses of the coordinator are used") {
  Place place;
  place.command.run({"connect", "shop"});
  REQUIRE(place.command.executed.size() == 5);
  CHECK(place.command.executed[3] == "--host=10.9.9.9");
}

TEST_CASE("a name that the DNS server does not know is an error, not a guess") {
  Place place;
  place.use_dns();
  place.known.set_rw_name("other.db.test");
  place.set(place.known);
  const Ran ran = place.command.run({"connect", "shop"});
  CHECK(ran.exit == Exit::NotFound);
  CHECK(ran.err == "error: DNS server " + place.dns.server() +
                       " knows no name other.db.test\n"
                       "hint: cdb topology says whether the names could be written\n");
  CHECK(place.command.executed.empty());
}

TEST_CASE("a cluster whose name leads nowhere says where to look") {
  Place place;
  place.known.clear_rw_address();
  place.set(place.known);
  const Ran ran = place.command.run({"connect", "shop"});
  CHECK(ran.exit == Exit::Unreachable);
  CHECK(ran.err.find("error: shop.db.test leads nowhere at present\nhint: see cdb topology") == 0);
}

TEST_CASE("the client is looked for in PATH") {
  Place place;
  place.command.environment.erase("CDB_MYSQL_CLIENT");
  place.command.environment["PATH"] = "/nonexistent:" + place.folder.path().string();
  const Ran none = place.command.run({"connect", "shop"});
  CHECK(none.exit == Exit::Refused);
  const std::string client = place.folder.write("mariadb", "#!/bin/sh\n");
  REQUIRE(::chmod(client.c_str(), 0755) == 0);
  CommandRun again(place.coordinator);
  again.environment["PATH"] = place.command.environment["PATH"];
  again.run({"connect", "shop"});
  REQUIRE_FALSE(again.executed.empty());
  CHECK(again.executed[0] == client);
}

TEST_CASE("--print leaves the password in a file of the person's own") {
  Place place;
  place.folder.write(".my.cnf", "[mysql]\n");
  place.command.environment["XDG_RUNTIME_DIR"] = (place.folder.path() / "run").string();
  const Ran ran = place.command.run({"connect", "other/shop", "--print", "--", "-N"});
  const std::string file = (place.folder.path() / "run/cdb/other.shop.cnf").string();
  CHECK(ran.out == "'/opt/mysql client' --defaults-file=" + file +
                       " --protocol=TCP --host=10.9.9.9 --port=3306 -N\n");
  CHECK(ran.err == "the password of app is in " + file + " (mode 0600)\n");
  CHECK(place.command.executed.empty());
  CHECK(read_file(file).value() == "!include " + (place.folder.path() / ".my.cnf").string() +
                                       "\n[client]\nuser=\"app\"\npassword=\"s3cret\\\\\"x\"\n");
  struct stat found {};
  REQUIRE(::stat(file.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  REQUIRE(::stat((place.folder.path() / "run/cdb").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0700);
}

TEST_CASE("a password folder that others can read is refused") {
  const TempFolder folder;
  REQUIRE(::mkdir((folder.path() / "cdb").c_str(), 0755) == 0);
  const auto path = password_on_disk(folder.path() / "cdb", "a.cnf", "x");
  REQUIRE_FALSE(path.ok());
  CHECK(path.error().code == Code::Precondition);
}

TEST_CASE("resolve shows where both names lead and who said so") {
  Place place;
  place.use_dns();
  const Tree tree = Tree::parse(place.command.run({"resolve", "shop", "-o", "json"}).out);
  CHECK(tree["rw"]["addresses"] == Tree::array({"10.0.0.2"}));
  CHECK(tree["ro"]["name"] == "shop-ro.db.test");
  CHECK(tree["ro"]["by"] == "DNS server " + place.dns.server());
  CHECK(tree["port"] == 3306);
}

TEST_CASE("a lookup tells a name without addresses, an unknown name and a silent server apart") {
  FakeDns dns;
  dns.set("many.test", {"10.0.0.1", "10.0.0.2"});
  dns.set("empty.test", {});
  const auto timeout = std::chrono::seconds(10);
  CHECK(lookup(dns.server(), "many.test", timeout).value() ==
        std::vector<std::string>{"10.0.0.1", "10.0.0.2"});
  CHECK(lookup(dns.server(), "empty.test", timeout).error().code == Code::NotFound);
  CHECK(lookup(dns.server(), "unknown.test", timeout).error().code == Code::NotFound);
  CHECK(lookup("127.0.0.1:1", "many.test", std::chrono::milliseconds(200)).error().code ==
        Code::Unavailable);
  for (const char* bad : {"127.0.0.1:dns", ":53", "127.0.0.1:0", "127.0.0.1:99999"}) {
    CAPTURE(bad);
    CHECK(lookup(bad, "many.test", timeout).error().code == Code::Invalid);
  }
}

}  // namespace cdb::cli
