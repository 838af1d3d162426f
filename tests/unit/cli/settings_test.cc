#include "cli/settings.h"

#include <iostream>

#include <doctest/doctest.h>

#include "tests/unit/cli/temp_folder.h"

namespace cdb::cli {
namespace {

constexpr const char* kContexts =
    "current-context: lab\n"
    "contexts:\n"
    "- name: lab\n"
    "  endpoints: [10.0.0.1:7400, 10.0.0.2:7400]\n"
    "  namespace: shop\n"
    "  dns: 10.0.0.53:53\n"
    "- name: home\n"
    "  endpoints: localhost:7400\n";

struct Setup {
  explicit Setup(const std::string& contexts) {
    world.environment["CDB_CONFIG"] = folder.write("config.yaml", contexts);
  }
  TempFolder folder{};
  SystemClock clock{};
  World world{std::cin, std::cout, std::cerr, clock};
};

}  // namespace

TEST_CASE("the current context says where the coordinator is") {
  const Setup setup(kContexts);
  const Settings settings = find_settings({}, setup.world).value();
  CHECK(settings.endpoints == std::vector<std::string>{"10.0.0.1:7400", "10.0.0.2:7400"});
  CHECK(settings.name_space == "shop");
  CHECK_FALSE(settings.name_space_given);
  CHECK(settings.dns == "10.0.0.53:53");
}

TEST_CASE("the environment goes before the context and the command line before both") {
  Setup setup(kContexts);
  setup.world.environment["CDB_ENDPOINTS"] = "a:1, b:2";
  setup.world.environment["CDB_NAMESPACE"] = "env";
  setup.world.environment["CDB_DNS"] = "d:53";
  Settings settings = find_settings({}, setup.world).value();
  CHECK(settings.endpoints == std::vector<std::string>{"a:1", "b:2"});
  CHECK(settings.name_space == "env");
  CHECK(settings.dns == "d:53");
  GlobalArgs global;
  global.endpoints = "c:3";
  global.name_space = "line";
  global.context = "home";
  settings = find_settings(global, setup.world).value();
  CHECK(settings.endpoints == std::vector<std::string>{"c:3"});
  CHECK(settings.name_space == "line");
  CHECK(settings.name_space_given);
}

TEST_CASE("a context that does not exist gets the nearest name") {
  Setup setup(kContexts);
  setup.world.environment["CDB_CONTEXT"] = "hom";
  const auto settings = find_settings({}, setup.world);
  REQUIRE_FALSE(settings.ok());
  CHECK(settings.error().hint == "did you mean home?");
}

TEST_CASE("where nothing names a coordinator, the one on this machine is meant") {
  Setup setup("contexts: []\n");
  CHECK(find_settings({}, setup.world).value().endpoints ==
        std::vector<std::string>{"127.0.0.1:7400"});
  setup.world.environment["CDB_CONFIG"] = "/nonexistent/config.yaml";
  CHECK(find_settings({}, setup.world).ok());
  setup.world.environment["CDB_ENDPOINTS"] = "localhost";
  CHECK(find_settings({}, setup.world).error().hint == "write host:port");
}

TEST_CASE("a slip in the context file is shown with its place") {
  const Setup setup("contexts:\n- name: a\n  endpoint: b:1\n");
  const auto settings = find_settings({}, setup.world);
  REQUIRE_FALSE(settings.ok());
  CHECK(settings.error().message.find("config.yaml:3:3: unknown field endpoint") !=
        std::string::npos);
  CHECK(settings.error().hint == "did you mean endpoints?");
}

TEST_CASE("contexts written back are read back") {
  const TempFolder folder;
  const ContextFile file{folder.path() / "config.yaml",
                         "b",
                         {{"a", {"h:1"}, "n", ""}, {"b", {"h:1", "[::1]:2"}, "", "d:53"}}};
  REQUIRE(write_contexts(file).ok());
  const ContextFile again = read_contexts(file.path).value();
  CHECK(again.current == "b");
  REQUIRE(again.contexts.size() == 2);
  CHECK(again.contexts[1].endpoints == file.contexts[1].endpoints);
  CHECK(again.contexts[0].name_space == "n");
  CHECK(again.contexts[1].dns == "d:53");
}

}  // namespace cdb::cli
