#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "coordinator/core/record.h"
#include "coordinator/core/resources.h"
#include "coordinator/core/state.h"

namespace cdb::coordinator {
namespace {

// `values` in the order of the enumerators, starting at the first.
template <typename Enum, typename Parse>
void check_words(const std::vector<std::string>& words, Parse parse) {
  for (size_t i = 0; i < words.size(); ++i) {
    const auto value = static_cast<Enum>(i);
    CHECK(to_string(value) == words[i]);
    const Result<Enum> parsed = parse(words[i]);
    REQUIRE(parsed.ok());
    CHECK(*parsed == value);
  }
  for (const char* bad : {"", "x", "RUNNING ", "\xff\xfe"}) {
    const Result<Enum> parsed = parse(bad);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code == Code::Invalid);
    CHECK(parsed.error().message.find("unknown ") == 0);
    CHECK_FALSE(parsed.error().hint.empty());
  }
}

}  // namespace

TEST_CASE("every word that an enumerator prints is parsed back, and no other word is") {
  check_words<Phase>({"forming", "steady", "revoking", "demoting", "promoting", "publishing"},
                     parse_phase);
  check_words<Durability>({"lossless", "asynchronous"}, parse_durability);
  check_words<Kind>({"MySQL", "MysqlConfig", "Orchestrator", "Instance", "Connector"}, parse_kind);
  check_words<OperationState>({"running", "succeeded", "failed"}, parse_operation_state);
  check_words<StepState>({"pending", "running", "done", "failed"}, parse_step_state);
  check_words<OperationKind>({"create", "scale", "reconfigure", "delete", "switchover", "failover"},
                             parse_operation_kind);
  check_words<Severity>({"info", "warning", "error"}, parse_severity);
}

TEST_CASE("a misspelt kind is refused and the kind that was meant is named") {
  const auto kind = parse_kind("Mysql");
  REQUIRE_FALSE(kind.ok());
  CHECK(kind.error().message == "unknown kind 'Mysql'");
  CHECK(kind.error().hint == "did you mean 'MySQL'?");
  CHECK(parse_kind("MysqlUser").error().hint ==
        "one of MySQL, MysqlConfig, Orchestrator, Instance, Connector");
}

TEST_CASE("a resource is named by its kind, namespace and name") {
  CHECK(ResourceKey{Kind::MysqlConfig, "default", "demo"}.str() == "MysqlConfig default/demo");
}

TEST_CASE("the order of the kinds is the order of the specs") {
  CHECK(Spec{MysqlSpec{}}.index() == static_cast<size_t>(Kind::Mysql));
  CHECK(Spec{MysqlConfigSpec{}}.index() == static_cast<size_t>(Kind::MysqlConfig));
  CHECK(Spec{OrchestratorSpec{}}.index() == static_cast<size_t>(Kind::Orchestrator));
  CHECK(Spec{InstanceSpec{}}.index() == static_cast<size_t>(Kind::Instance));
  CHECK(Spec{ConnectorSpec{}}.index() == static_cast<size_t>(Kind::Connector));
}

}  // namespace cdb::coordinator
