// What a person does wrong with the command: which exit code comes, and whether the message helps.

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/cloud.h"

namespace cdb::testing {
namespace {

struct Mistake {
  std::vector<std::string> arguments{};
  std::string input{};
  int exit_code{0};
  std::string says{};
};

std::string mysql(const std::string& spec, const std::string& name = "c") {
  return "apiVersion: cdb.cycloud.io/v1\nkind: MySQL\nmetadata: {name: " + name + "}\nspec: {" +
         spec + "}\n";
}

TEST_CASE("each mistake has its exit code, and a message that says where and what to do") {
  Cloud cloud;
  const std::vector<std::string> apply{"apply", "-f", "-"};
  const std::vector<Mistake> mistakes{
      {apply, mysql("flavour: micro"), 1, "flavor"},
      {apply, mysql("flavor: mikro, replica: 0"), 1, "micro"},
      {apply, mysql("flavor: micro, replica: 99"), 1, "replica"},
      {apply, mysql("flavor: micro, version: \"4.1\""), 1, "4.1"},
      {apply, mysql("flavor: micro", "no_label"), 1, "no_label"},
      {apply, "kind: MySQL\n", 1, "apiVersion"},
      {apply, "apiVersion: cdb.cycloud.io/v1\nkind: MySQLL\nmetadata: {name: c}\n", 1, "MySQL"},
      {apply, "{", 1, "<stdin>:"},
      {{"apply", "-f", "/no/such/file.yaml"}, "", 1, "/no/such/file.yaml"},
      {{"get", "mysql", "nobody"}, "", 3, "nobody"},
      {{"get", "mysequel"}, "", 1, "MySQL"},
      {{"topology", "nobody"}, "", 3, "nobody"},
      {{"switchover", "nobody"}, "", 3, "nobody"},
      {{"connect", "nobody"}, "", 3, "nobody"},
      {{"delete", "mysql", "nobody", "--confirm=nobody"}, "", 3, "nobody"},
      {{"delete", "mysql", "nobody"}, "", 4, "--confirm"},
      {{"operations", "nobody"}, "", 3, "nobody"},
      {{"topolgy", "c"}, "", 64, "topology"},
      {{"get", "--outputt", "json", "mysql"}, "", 64, "--help"},
      {{"--endpoint", "127.0.0.1:1", "--timeout", "3s", "get", "mysql"}, "", 7, "127.0.0.1:1"},
  };
  for (const auto& mistake : mistakes) {
    const Said said = cloud.cdb(mistake.arguments, std::chrono::seconds(30), mistake.input);
    CAPTURE(mistake.arguments.front());
    CAPTURE(mistake.input);
    CAPTURE(said.err);
    CHECK(said.exit_code == mistake.exit_code);
    CHECK(said.err.find(mistake.says) != std::string::npos);
    CHECK(said.out.empty());
  }
  CHECK(cloud.cdb({"get", "mysql", "-A", "-o", "name"}).out.empty());
}

TEST_CASE("what a cluster cannot do is refused with the reason, and it stays as it is") {
  Cloud cloud;
  cloud.create("c", "9.7", 1);
  REQUIRE(cloud.becomes_steady("c"));
  const ClusterSeen before = cloud.look("c");
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& says,
                           const std::string& input = {}) {
    const Said said = cloud.cdb(arguments, std::chrono::seconds(30), input);
    CAPTURE(says);
    CAPTURE(said.err);
    CHECK(said.exit_code != 0);
    CHECK(said.err.find(says) != std::string::npos);
  };
  refused({"switchover", "c", "--to", "c-9"}, "c-9");
  refused({"switchover", "c", "--to", before.primary}, before.primary);
  refused({"apply", "-f", "-"}, "replica", Cloud::manifest("c", "9.7", 0));
  refused({"apply", "-f", "-"}, "5.6", Cloud::manifest("c", "5.6", 1));
  refused({"delete", "mysql", "c"}, "--confirm");
  refused({"delete", "instance", before.primary, "--confirm=" + before.primary}, "generated");
  CHECK(cloud.look("c").primary == before.primary);
  CHECK(cloud.look("c").epoch == before.epoch);
  CHECK(cloud.json({"operations", "c", "--running"}).at("items").empty());
}

}  // namespace
}  // namespace cdb::testing
