#include "cli/args.h"

#include <doctest/doctest.h>

namespace cdb::cli {
namespace {

template <typename Args>
Args parsed(const std::vector<std::string>& args) {
  const ParsedArgs result = parse_args(args);
  CAPTURE(result.text);
  REQUIRE(result.invocation.has_value());
  return std::get<Args>(result.invocation->command);
}

}  // namespace

TEST_CASE("global options stand before or after the command") {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"-n", "shop", "--timeout", "2m", "get", "mysql"},
        std::vector<std::string>{"get", "mysql", "-n", "shop", "--timeout=2m"}}) {
    const ParsedArgs result = parse_args(args);
    REQUIRE(result.invocation.has_value());
    CHECK(result.invocation->global.name_space == "shop");
    CHECK(result.invocation->global.timeout == Duration(std::chrono::minutes(2)));
  }
}

TEST_CASE("apply takes several files and waits unless told not to") {
  const auto args = parsed<ApplyArgs>({"apply", "-f", "a", "-f", "b", "--filename=-"});
  CHECK(args.files == std::vector<std::string>{"a", "b", "-"});
  CHECK(args.wait);
  CHECK_FALSE(parsed<ApplyArgs>({"apply", "-f", "a", "--no-wait"}).wait);
  CHECK(parsed<ApplyArgs>({"apply", "-f", "a", "--wait"}).wait);
}

TEST_CASE("what follows -- is the client's") {
  const auto args = parsed<ConnectArgs>({"connect", "shop", "--ro", "--", "-e", "SELECT 1", "--x"});
  CHECK(args.read_only);
  CHECK(args.client_args == std::vector<std::string>{"-e", "SELECT 1", "--x"});
}

TEST_CASE("a command line that makes no sense is told so with exit 64") {
  struct Case {
    std::vector<std::string> args;
    std::string text;
  };
  for (const auto& [args, text] : std::vector<Case>{
           {{"aply"},
            "error: there is no command aply: did you mean apply?\nhint: see cdb --help\n"},
           {{"get"}, "error: KIND is required\nhint: see cdb get --help\n"},
           {{"apply"}, "error: --filename is required\nhint: see cdb apply --help\n"},
           {{"delete"}, "error: name either KIND NAME or -f FILE\nhint: see cdb delete --help\n"},
           {{"delete", "mysql", "a", "-f", "b"},
            "error: name either KIND NAME or -f FILE\nhint: see cdb delete --help\n"},
           {{"context", "use"},
            "error: which context? cdb context use NAME\nhint: see cdb context --help\n"},
           {{"get", "mysql", "--", "x"},
            "error: only connect takes arguments after --\nhint: see cdb get --help\n"},
       }) {
    const ParsedArgs result = parse_args(args);
    CHECK(result.exit == Exit::Usage);
    CHECK(result.text == text);
  }
  for (const std::vector<std::string>& args : {std::vector<std::string>{},
                                               {"get", "mysql", "-o", "xml"},
                                               {"get", "mysql", "--nonsense"},
                                               {"get", "mysql", "--timeout", "soon"},
                                               {"events", "--limit", "0"},
                                               {"maintenance", "shop", "shop-1"},
                                               {"maintenance", "shop", "shop-1", "maybe"},
                                               {"rejoin", "shop"},
                                               {"failover", "shop", "--allow-data-loss"},
                                               {"switchover"}}) {
    CHECK(parse_args(args).exit == Exit::Usage);
  }
}

TEST_CASE("every command's help has examples and exits 0") {
  for (const char* command : {"apply", "diff", "get", "delete", "topology", "switchover",
                              "failover", "maintenance", "rejoin", "events", "operations",
                              "connect", "resolve", "catalogue", "context", "completion"}) {
    CAPTURE(command);
    const ParsedArgs result = parse_args({command, "--help"});
    CHECK(result.exit == Exit::Ok);
    CHECK(result.text.find("Examples:") != std::string::npos);
  }
  CHECK(parse_args({"--help"}).text.find("Where to start:") != std::string::npos);
}

}  // namespace cdb::cli
