#include "cli/tree.h"

#include <doctest/doctest.h>
#include <google/protobuf/util/message_differencer.h>
#include <nlohmann/json.hpp>

#include "cdb/v1/operations.pb.h"
#include "cdb/v1/resources.pb.h"
#include "cli/manifest.h"

namespace cdb::cli {
namespace {

v1::Resource only_resource(const std::string& text) {
  std::vector<Problem> problems;
  const Manifest manifest = parse_manifest({{"f.yaml", text}}, {}, problems);
  for (const auto& problem : problems)
    FAIL_CHECK(problem.text());
  REQUIRE(manifest.resources.size() == 1);
  return manifest.resources[0];
}

bool same(const v1::Resource& a, const v1::Resource& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

// As the coordinator would give it back.
v1::Resource stored(v1::Resource resource) {
  resource.mutable_metadata()->set_uid("u-1");
  resource.mutable_metadata()->set_generation(3);
  resource.mutable_metadata()->mutable_created()->set_seconds(1'700'000'000);
  resource.mutable_status()->set_state("ready");
  return resource;
}

constexpr const char* kDocuments[] = {
    "apiVersion: cdb.cycloud.io/v1\nkind: MySQL\nmetadata: {name: a}\nspec:\n  flavor: small\n"
    "  replica: 2\n  version: 8.0\n  storage: {kind: ssd, size_gib: 20}\n",
    "apiVersion: cdb.cycloud.io/v1\nkind: MysqlConfig\nmetadata: {name: a, namespace: b}\nspec:\n"
    "  engine_version: 5.6\n  max_connections: 010\n  event_scheduler: ON\n  sql_mode: \"\"\n"
    "  init_connect: \"SET a = 'b: #c'\\n\\ttab \\\\ \\\"q\\\" \\u00e9\"\n  null_like: 'null'\n"
    "  date: 2020-01-01\n  'odd key: x': '- y'\n  time: 10:20:30\n  tilde: '~'\n  yes: no\n",
    "apiVersion: cdb.cycloud.io/v1\nkind: Orchestrator\nmetadata: {name: a}\nspec:\n"
    "  durability: lossless\n  paused: true\n  never_promote: [a-1, a-2]\n  dns_ttl: 5\n",
    "apiVersion: cdb.cycloud.io/v1\nkind: Orchestrator\nmetadata: {name: a}\nspec: {}\n",
};

}  // namespace

TEST_CASE("what get prints can be applied again and means the same") {
  for (const char* document : kDocuments) {
    CAPTURE(document);
    const v1::Resource resource = only_resource(document);
    const Tree tree = resource_tree(stored(resource));
    for (const std::string& text : {to_yaml(tree), to_json_text(tree), to_json_line(tree)}) {
      CAPTURE(text);
      CHECK(same(only_resource(text), resource));
    }
  }
}

TEST_CASE("a list of resources can be applied again") {
  std::vector<Tree> trees;
  std::vector<v1::Resource> expected;
  for (int i : {0, 1, 2}) {
    const v1::Resource resource = only_resource(kDocuments[i]);
    trees.push_back(resource_tree(stored(resource)));
    expected.push_back(resource);
  }
  const Tree list = list_tree(trees);
  for (const std::string& text : {to_yaml(list), to_json_text(list)}) {
    std::vector<Problem> problems;
    const Manifest manifest = parse_manifest({{"f", text}}, {}, problems);
    CHECK(problems.empty());
    REQUIRE(manifest.resources.size() == expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      CHECK(same(manifest.resources[i], expected[i]));
    }
  }
}

TEST_CASE("a resource is printed in the shape of a manifest") {
  CHECK(to_yaml(resource_tree(stored(only_resource(kDocuments[0])))) ==
        "apiVersion: cdb.cycloud.io/v1\n"
        "kind: MySQL\n"
        "metadata:\n"
        "  name: a\n"
        "  namespace: default\n"
        "  uid: u-1\n"
        "  generation: 3\n"
        "  created: \"2023-11-14T22:13:20.000Z\"\n"
        "spec:\n"
        "  flavor: small\n"
        "  replica: 2\n"
        "  storage:\n"
        "    kind: ssd\n"
        "    size_gib: 20\n"
        "  version: \"8.0\"\n"
        "status:\n"
        "  state: ready\n"
        "  message: \"\"\n"
        "  version: \"\"\n"
        "  primary: \"\"\n"
        "  members: 0\n"
        "  ready_members: 0\n"
        "  epoch: 0\n"
        "  protection: \"\"\n"
        "  role: \"\"\n");
}

TEST_CASE("an instance is printed with the names of the original design") {
  v1::Resource resource;
  resource.set_kind("Instance");
  resource.mutable_metadata()->set_name("a-1");
  resource.mutable_instance()->mutable_data_volume()->set_size(20);
  resource.mutable_instance()->mutable_data_volume()->set_volume_type("ssd");
  const Tree tree = resource_tree(resource);
  CHECK(tree["spec"]["dataVolume"]["volumeType"] == "ssd");
  CHECK(tree.count("status") == 0);
}

TEST_CASE("lists and maps inside lists keep their shape in YAML") {
  Tree tree = Tree::object();
  tree["a"] = {{{"b", 1}, {"c", {1, 2}}}, Tree::array(), Tree::object(), "x"};
  CHECK(to_yaml(tree) == "a:\n- b: 1\n  c:\n  - 1\n  - 2\n- []\n- {}\n- x\n");
}

TEST_CASE("64-bit numbers stay numbers and absent times are left out") {
  v1::Event event;
  event.set_sequence(uint64_t{1} << 60);
  const Tree tree = to_tree(event);
  CHECK(tree["sequence"].dump() == "1152921504606846976");
  CHECK(tree.count("time") == 0);
}

}  // namespace cdb::cli
