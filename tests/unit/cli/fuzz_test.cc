// Manifests that were damaged at random: reading them ends, and whatever is accepted can be printed
// and read again.

#include <random>

#include <doctest/doctest.h>
#include <google/protobuf/util/message_differencer.h>
#include <nlohmann/json.hpp>

#include "cdb/v1/resources.pb.h"
#include "cli/manifest.h"
#include "cli/tree.h"

namespace cdb::cli {
namespace {

constexpr const char* kText =
    "apiVersion: cdb.cycloud.io/v1\nkind: MySQL\nmetadata: {name: shop, namespace: a}\nspec:\n"
    "  flavor: small\n  replica: 2\n  storage: {kind: ssd, size_gib: 20}\n---\n"
    "apiVersion: cdb.cycloud.io/v1\nkind: MysqlConfig\nmetadata:\n  name: shop\nspec:\n"
    "  engine_version: 8.0\n  max_connections: 100\n  sql_mode: \"A,B\"\n  init: 'x: ''y'' # z'\n"
    "  text: |\n    one\n    two\n---\n"
    "apiVersion: cdb.cycloud.io/v1\nkind: Orchestrator\nmetadata: {name: shop}\nspec:\n"
    "  never_promote: [a-1, &x a-2, *x]\n  paused: true\n";

std::string damaged(std::mt19937& random) {
  std::string text = kText;
  constexpr std::string_view kBytes = "\n\t :-#'\"[]{}&*!|>%@`,?~\\x09\xc3\xa9";
  const auto below = [&](size_t n) { return random() % n; };
  for (size_t changes = 1 + below(6); changes > 0; --changes) {
    const size_t at = below(text.size());
    switch (below(4)) {
      case 0: text[at] = kBytes[below(kBytes.size())]; break;
      case 1: text.erase(at, 1 + below(12)); break;
      case 2: text.insert(at, 1, kBytes[below(kBytes.size())]); break;
      default: text.insert(at, text.substr(below(text.size()), below(40))); break;
    }
  }
  return text;
}

}  // namespace

TEST_CASE(
    "damaged manifests are read to an end, and what is accepted means the same when printed") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = damaged(random);
    CAPTURE(text);
    std::vector<Problem> problems;
    const Manifest manifest = parse_manifest({{"f", text}}, {}, problems);
    if (!problems.empty()) continue;
    for (const auto& resource : manifest.resources) {
      const std::string printed = to_yaml(resource_tree(resource));
      CAPTURE(printed);
      const Manifest again = parse_manifest({{"g", printed}}, {}, problems);
      for (const auto& problem : problems)
        FAIL_CHECK(problem.text());
      REQUIRE(again.resources.size() == 1);
      CHECK(google::protobuf::util::MessageDifferencer::Equals(again.resources[0], resource));
    }
  }
}

}  // namespace cdb::cli
