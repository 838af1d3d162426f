#include "cli/manifest.h"

#include <sstream>

#include <doctest/doctest.h>

#include "cdb/v1/resources.pb.h"
#include "tests/unit/cli/temp_folder.h"

namespace cdb::cli {
namespace {

constexpr const char* kHead = "apiVersion: cdb.cycloud.io/v1\nkind: MySQL\nmetadata: {name: a}\n";

struct Parsed {
  Manifest manifest{};
  std::vector<Problem> problems{};
};

Parsed parse(const std::string& text, const Namespaces& namespaces = {}) {
  Parsed parsed;
  parsed.manifest = parse_manifest({{"f.yaml", text}}, namespaces, parsed.problems);
  return parsed;
}

std::string first_problem(const std::string& text) {
  const auto parsed = parse(text);
  return parsed.problems.empty() ? "" : parsed.problems.front().text();
}

std::string mysql(const std::string& spec) {
  return kHead + ("spec:\n" + spec);
}

struct Bad {
  std::string text;
  std::string problem;
};

void check_all(const std::vector<Bad>& cases) {
  for (const auto& bad : cases) {
    CAPTURE(bad.text);
    CHECK(first_problem(bad.text) == bad.problem);
  }
}

}  // namespace

TEST_CASE("a field with a wrong name or value is shown with its place and a way out") {
  check_all({
      {mysql("  flavour: small\n"),
       "f.yaml:5:3: unknown field spec.flavour of MySQL\n  hint: did you mean flavor?"},
      {mysql("  zzz: 1\n"),
       "f.yaml:5:3: unknown field spec.zzz of MySQL\n  hint: spec has flavor, replica, storage, "
       "version, engine_version"},
      {mysql("  storage: {kind: ssd, sizeGb: 3}\n"),
       "f.yaml:5:24: unknown field spec.storage.sizeGb of MySQL\n  hint: did you mean size_gib?"},
      {mysql("  replica: two\n"), "f.yaml:5:12: spec.replica must be a whole number, not \"two\""},
      {mysql("  replica: \"2\"\n"),
       "f.yaml:5:12: spec.replica must be a whole number, not \"2\"\n  hint: leave the quotes out"},
      {mysql("  replica: 1.5\n"),
       "f.yaml:5:12: spec.replica must be a whole number, not \"1.5\"\n  hint: write the number "
       "alone, without unit or fraction"},
      {mysql("  storage: {size_gib: 20G}\n"),
       "f.yaml:5:23: spec.storage.size_gib must be a whole number, not \"20G\"\n  hint: write the "
       "number alone, without unit or fraction"},
      {mysql("  replica: -1\n"),
       "f.yaml:5:12: spec.replica must not be negative\n  hint: write 0 or more"},
      {mysql("  storage: {size_gib: -5}\n"),
       "f.yaml:5:23: spec.storage.size_gib must not be negative\n  hint: write 0 or more"},
      {mysql("  replica: 99999999999\n"),
       "f.yaml:5:12: 99999999999 is too large for spec.replica\n  hint: at most 2147483647"},
      {mysql("  replica: [2]\n"), "f.yaml:5:12: spec.replica must be a whole number, not a list"},
      {mysql("  flavor: {a: b}\n"), "f.yaml:5:11: spec.flavor must be text, not a map"},
      {mysql("  storage: ssd\n"), "f.yaml:5:12: spec.storage must be a map, not \"ssd\""},
      {mysql("  flavor:\n  replica: 2\n"),
       "f.yaml:5:3: spec.flavor has no value\n  hint: write a value, or leave the line out"},
      {mysql("  flavor: a\n  flavor: b\n"),
       "f.yaml:6:3: duplicate key flavor\n  hint: it already stands in line 5: keep one"},
      {mysql("  engine_version: 8\n  engineVersion: 9\n"),
       "f.yaml:6:3: duplicate key engineVersion\n  hint: engine_version in line 5 is the same "
       "field: keep one"},
      {"apiVersion: cdb.cycloud.io/v1\nkind: Orchestrator\nmetadata: {name: a}\nspec:\n  paused: "
       "yes\n",
       "f.yaml:5:11: spec.paused must be true or false, not \"yes\""},
      {"apiVersion: cdb.cycloud.io/v1\nkind: Orchestrator\nmetadata: {name: a}\nspec:\n  "
       "zones: here\n",
       "f.yaml:5:10: spec.zones must be a map, not \"here\"\n  hint: write zones: {NODE: VALUE, "
       "...}"},
      {"apiVersion: cdb.cycloud.io/v1\nkind: Orchestrator\nmetadata: {name: a}\nspec:\n  "
       "zones: {a-1: [x]}\n",
       "f.yaml:5:16: spec.zones.a-1 must be text, not a list"},
      {"apiVersion: cdb.cycloud.io/v1\nkind: Orchestrator\nmetadata: {name: a}\nspec:\n  "
       "never_promote: n1\n",
       "f.yaml:5:18: spec.never_promote must be a list, not \"n1\"\n  hint: write [n1]"},
      {"apiVersion: cdb.cycloud.io/v1\nkind: Orchestrator\nmetadata: {name: a}\nspec:\n  "
       "neverPromote: [n1, [n2]]\n",
       "f.yaml:5:22: spec.never_promote[1] must be text, not a list"},
  });
}

TEST_CASE("a document that is not one resource is refused with its place") {
  check_all({
      {"", "f.yaml:1:1: holds no resource\n  hint: a document starts with apiVersion and kind"},
      {"# nothing\n---\n---\n",
       "f.yaml:1:1: holds no resource\n  hint: a document starts with apiVersion and kind"},
      {"- a\n- b\n",
       "f.yaml:1:1: a document must be a map with apiVersion, kind, metadata and spec"},
      {"kind: MySQL\nmetadata: {name: a}\nspec: {}\n",
       "f.yaml:1:1: apiVersion is missing\n  hint: write apiVersion: cdb.cycloud.io/v1"},
      {"apiVersion: v1\nkind: MySQL\nmetadata: {name: a}\nspec: {}\n",
       "f.yaml:1:13: apiVersion must be cdb.cycloud.io/v1\n  hint: write apiVersion: "
       "cdb.cycloud.io/v1"},
      {"apiVersion: cdb.cycloud.io/v1\nmetadata: {name: a}\n",
       "f.yaml:1:1: kind is missing\n  hint: write kind: MySQL, or another of MySQL, MysqlConfig, "
       "Orchestrator"},
      {"apiVersion: cdb.cycloud.io/v1\nkind: MySql\n",
       "f.yaml:2:7: unknown kind MySql\n  hint: did you mean MySQL?"},
      {"apiVersion: cdb.cycloud.io/v1\nkind: Pod\n",
       "f.yaml:2:7: unknown kind Pod\n  hint: the kinds are MySQL, MysqlConfig, Orchestrator"},
      {"apiVersion: cdb.cycloud.io/v1\nkind: Instance\nmetadata: {name: a}\nspec: {}\n",
       "f.yaml:2:7: Instance is generated and cannot be applied\n  hint: change flavor, replica or "
       "storage of the MySQL it belongs to"},
      {"apiVersion: cdb.cycloud.io/v1\nkind: Connector\n",
       "f.yaml:2:7: Connector is generated and cannot be applied\n  hint: change the MySQL it "
       "belongs to, or the Orchestrator's dns_ttl"},
      {"apiVersion: cdb.cycloud.io/v1\nkind: MySQL\nspec: {}\n",
       "f.yaml:1:1: metadata.name is missing\n  hint: write metadata: {name: NAME}"},
      {"apiVersion: cdb.cycloud.io/v1\nkind: MySQL\nmetadata:\n  namespace: b\nspec: {}\n",
       "f.yaml:3:1: metadata.name is missing\n  hint: write name: NAME"},
      {"apiVersion: cdb.cycloud.io/v1\nkind: MySQL\nmetadata: {nme: a, name: a}\nspec: {}\n",
       "f.yaml:3:12: unknown field metadata.nme of MySQL\n  hint: did you mean name?"},
      {"apiVersion: cdb.cycloud.io/v1\nkind: MySQL\nmetadata: {name: My_DB}\nspec: {}\n",
       "f.yaml:3:18: \"My_DB\" cannot be the name of a MySQL\n  hint: 1 to 40 lower-case letters, "
       "digits and dashes, no dash at either end"},
      {kHead, "f.yaml:1:1: spec of MySQL is missing"},
      {std::string(kHead) + "spec:\n",
       "f.yaml:4:1: spec has no value\n  hint: write spec: {} where nothing is to be said"},
      {std::string(kHead) + "spec: {}\nstatus: {state: ready}\n",
       "f.yaml:5:1: status is written by the system only\n  hint: leave status out"},
      {std::string(kHead) + "sepc: {}\nspec: {}\n",
       "f.yaml:4:1: unknown field sepc of MySQL\n  hint: did you mean spec?"},
      {std::string(kHead) + "spec: {}\n---\n" + kHead + "spec: {}\n",
       "f.yaml:6:1: MySQL default/a is declared twice\n  hint: lines 1 and 6: keep one"},
      {"apiVersion: cdb.cycloud.io/v1\nkind: List\n",
       "f.yaml:1:1: a List needs items, a list of resources"},
  });
}

TEST_CASE("text that is not YAML is refused where it stops being YAML") {
  check_all({
      {"metadata:\n\tname: a\n",
       "f.yaml:2:1: not valid YAML: a tab stands where the line is indented\n  hint: indent with "
       "spaces"},
      {std::string("kind: \xff\n"), "f.yaml:1:7: not UTF-8 text\n  hint: save the file as UTF-8"},
      {std::string("kind: a\0b\n", 9),
       "f.yaml:1:8: not UTF-8 text\n  hint: save the file as UTF-8"},
      {mysql("  flavor: *nobody\n"),
       "f.yaml:5:11: not valid YAML: the referenced anchor is not defined\n  hint: define it "
       "further "
       "up with &NAME, or write the value itself"},
      {mysql("  flavor: !secret a\n"),
       "f.yaml:5:11: tag !secret is not understood\n  hint: leave the tag out"},
      {mysql("  <<: {a: b}\n"),
       "f.yaml:5:3: merge keys (<<) are not understood\n  hint: write the fields out"},
      {mysql("  [a]: b\n"), "f.yaml:5:3: a key must be text"},
  });
  const std::string broken = first_problem("kind: [MySQL\nspec: {}\n");
  CHECK(broken.find("f.yaml:2:") == 0);
  CHECK(broken.find("not valid YAML") != std::string::npos);
  const std::string colon = first_problem(mysql("  flavor: a: b\n"));
  CHECK(colon.find("f.yaml:5:12: not valid YAML") == 0);
}

TEST_CASE("aliases that grow without bound end in an error, quickly") {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j)
      text += (j > 0 ? ", *a" : "*a") + std::to_string(i - 1);
    text += "]\n";
  }
  CHECK(first_problem(text).find("the file holds too much once its aliases are expanded") !=
        std::string::npos);
  CHECK(first_problem("a: &a [*a]\n").find("f.yaml:1:8: an alias stands inside what it names") ==
        0);
  CHECK(first_problem(std::string(100'000, '[')).find("nested too deeply") != std::string::npos);
  CHECK(first_problem(std::string(2 << 20, 'a')).find("larger than 1 MiB") != std::string::npos);
}

TEST_CASE("an alias within bounds means what it names") {
  const auto parsed = parse(mysql("  flavor: &f small\n  version: *f\n"));
  REQUIRE(parsed.problems.empty());
  CHECK(parsed.manifest.resources.at(0).mysql().version() == "small");
}

TEST_CASE("every mistake of every document of every file is shown") {
  std::vector<Problem> problems;
  parse_manifest({{"a.yaml", mysql("  flavour: x\n  replica: -1\n") + "---\nkind: Pod\n"},
                  {"b.yaml", mysql("  storage: 3\n")}},
                 {}, problems);
  std::vector<std::string> places;
  for (const auto& problem : problems) {
    places.push_back(problem.file + ":" + std::to_string(problem.at.line));
  }
  CHECK(places == std::vector<std::string>{"a.yaml:5", "a.yaml:6", "a.yaml:8", "a.yaml:8",
                                           "b.yaml:5", "b.yaml:1"});
  CHECK(problems.back().message == "MySQL default/a is declared twice");
  CHECK(problems.back().hint == "line 1 of a.yaml and line 1 here: keep one");
}

TEST_CASE("text keeps its written form and both spellings of a field are accepted") {
  const auto parsed = parse(mysql(
      "  flavor: 010\n  replica: 2\n  storage: {kind: nvme, sizeGib: 20}\n  engineVersion: 8.0\n"));
  REQUIRE(parsed.problems.empty());
  const auto& spec = parsed.manifest.resources.at(0).mysql();
  CHECK(spec.flavor() == "010");
  CHECK(spec.replica() == 2);
  CHECK(spec.storage().size_gib() == 20);
  CHECK(spec.engine_version() == "8.0");
}

TEST_CASE("a MysqlConfig takes every key beside engine_version as a setting, as written") {
  const std::string head =
      "apiVersion: cdb.cycloud.io/v1\nkind: MysqlConfig\nmetadata: {name: a}\nspec:\n";
  const auto parsed = parse(head +
                            "  engine_version: 8.0\n  max_connections: 10\n  ratio: 0.50\n"
                            "  event_scheduler: ON\n  sql_mode: \"\"\n  hot.key_buffer_size: 1M\n");
  REQUIRE(parsed.problems.empty());
  const auto& spec = parsed.manifest.resources.at(0).mysql_config();
  CHECK(spec.engine_version() == "8.0");
  CHECK(spec.settings().at("max_connections") == "10");
  CHECK(spec.settings().at("ratio") == "0.50");
  CHECK(spec.settings().at("event_scheduler") == "ON");
  CHECK(spec.settings().at("sql_mode").empty());
  CHECK(spec.settings().at("hot.key_buffer_size") == "1M");
  check_all({
      {head + "  settings: {a: 1}\n",
       "f.yaml:5:13: setting settings must be one value, not a map\n  hint: write the settings "
       "directly under spec"},
      {head + "  sql_mode: [A, B]\n",
       "f.yaml:5:13: setting sql_mode must be one value, not a list\n  hint: write the values as "
       "one text with commas"},
      {head + "  a: {b: c}\n",
       "f.yaml:5:6: setting a must be one value, not a map\n  hint: write each setting on a line "
       "of "
       "its own"},
      {head + "  a:\n",
       "f.yaml:5:3: setting a has no value\n  hint: write a value, or leave the "
       "line out"},
  });
}

TEST_CASE(
    "a resource without a namespace gets the one in force, and another one than -n is refused") {
  CHECK(parse(mysql("  flavor: a\n"), {"shop", true})
            .manifest.resources.at(0)
            .metadata()
            .namespace_() == "shop");
  const std::string text =
      "apiVersion: cdb.cycloud.io/v1\nkind: MySQL\nmetadata: {name: a, namespace: b}\nspec: {}\n";
  CHECK(parse(text, {"shop", false}).manifest.resources.at(0).metadata().namespace_() == "b");
  const auto forced = parse(text, {"shop", true});
  REQUIRE(forced.problems.size() == 1);
  CHECK(
      forced.problems[0].text() ==
      "f.yaml:3:32: namespace b is not the one asked for, shop\n  hint: leave out either the line "
      "or --namespace");
}

TEST_CASE("what the coordinator finds wrong is shown where it was written") {
  const auto parsed = parse(mysql("  flavor: huge\n  storage: {kind: ssd}\n") +
                            "---\napiVersion: cdb.cycloud.io/v1\nkind: MysqlConfig\n"
                            "metadata: {name: b}\nspec:\n  no.such: 1\n");
  REQUIRE(parsed.problems.empty());
  const auto at = [&](const std::string& field) {
    return locate(parsed.manifest, {field, "is wrong", ""}).text();
  };
  CHECK(at("resources[0].spec.flavor") == "f.yaml:5:11: spec.flavor: is wrong");
  CHECK(at("resources[0].spec.storage") == "f.yaml:6:3: spec.storage: is wrong");
  CHECK(at("resources[0].spec.storage.size_gib") == "f.yaml:6:3: spec.storage.size_gib: is wrong");
  CHECK(at("resources[0].spec.version") == "f.yaml:4:1: spec.version: is wrong");
  CHECK(at("resources[0]") == "f.yaml:1:1: is wrong");
  CHECK(at("resources[1].spec.settings.no.such") ==
        "f.yaml:12:12: spec.settings.no.such: is wrong");
  CHECK(at("resources[7].spec") == "resources[7].spec: is wrong");
  CHECK(at("resources[x") == "resources[x: is wrong");
  CHECK(at("resources[99999999999999999999]") == "resources[99999999999999999999]: is wrong");
  CHECK(at("") == ": is wrong");
}

TEST_CASE("a folder stands for its manifests in order, and what cannot be read is named") {
  const TempFolder folder;
  folder.write("b.yaml", "b");
  folder.write("a.json", "a");
  folder.write(".hidden.yaml", "h");
  folder.write("readme.txt", "r");
  folder.write("empty/readme.txt", "r");
  std::istringstream in("from stdin");
  std::vector<Problem> problems;
  const auto inputs = read_inputs({folder.path().string(), "-"}, in, problems);
  REQUIRE(problems.empty());
  REQUIRE(inputs.size() == 3);
  CHECK(inputs[0].text == "a");
  CHECK(inputs[1].name == (folder.path() / "b.yaml").string());
  CHECK(inputs[2].name == "<stdin>");
  CHECK(inputs[2].text == "from stdin");

  const std::string missing = (folder.path() / "none.yaml").string();
  read_inputs({missing, (folder.path() / "empty").string()}, in, problems);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].text().find(missing + ": cannot be read: ") == 0);
  CHECK(problems[1].message == "holds no *.yaml, *.yml or *.json file");
}

}  // namespace cdb::cli
