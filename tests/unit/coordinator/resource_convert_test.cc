#include "coordinator/convert/resource_convert.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <google/protobuf/timestamp.pb.h>

#include "cdb/v1/operations.pb.h"
#include "cdb/v1/resources.pb.h"
#include "tests/support/random_state.h"

namespace cdb::coordinator {
namespace {

constexpr uint64_t kSeeds = 200;

template <typename Message>
Message sent(const Message& message) {
  Message received;
  REQUIRE(received.ParseFromString(message.SerializeAsString()));
  return received;
}

v1::Resource written(const std::string& kind, const std::string& name = "demo") {
  v1::Resource message;
  message.set_api_version("cdb.cycloud.io/v1");
  message.set_kind(kind);
  message.mutable_metadata()->set_name(name);
  return message;
}

Error refusal(const v1::Resource& message) {
  const auto resource = from_proto(message);
  REQUIRE_FALSE(resource.ok());
  CHECK(resource.error().code == Code::Invalid);
  return resource.error();
}

}  // namespace

TEST_CASE("a resource of every kind arrives as it was sent") {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    const Resource resource = testing::RandomState(seed).resource();
    const auto received = from_proto(sent(to_proto(resource)));
    REQUIRE(received.ok());
    CHECK(*received == resource);
  }
}

TEST_CASE("a point in time survives to the microsecond, also before 1970") {
  testing::RandomState random(1);
  for (int i = 0; i < 1000; ++i) {
    const WallTime time = random.time();
    for (const WallTime t : {time, WallTime(-time.time_since_epoch() / 1000)}) {
      const auto received = from_proto(to_proto(t));
      REQUIRE(received.ok());
      CHECK(*received == t);
    }
  }
}

TEST_CASE("what is no point in time is refused") {
  google::protobuf::Timestamp time;
  time.set_nanos(-1);
  CHECK(from_proto(time).error().code == Code::Invalid);
  time.set_nanos(1'000'000'000);
  CHECK(from_proto(time).error().code == Code::Invalid);
  time.set_nanos(0);
  for (const int64_t seconds : {INT64_MAX, INT64_MIN, int64_t{253'402'300'800}}) {
    time.set_seconds(seconds);
    CHECK(from_proto(time).error().code == Code::Invalid);
  }
}

TEST_CASE("what a person left out gets its default") {
  const auto mysql = from_proto(written("MySQL"));
  REQUIRE(mysql.ok());
  CHECK(mysql->key == ResourceKey{Kind::Mysql, "default", "demo"});
  CHECK(mysql->spec == Spec{MysqlSpec{}});
  const auto orchestrator = from_proto(written("Orchestrator"));
  REQUIRE(orchestrator.ok());
  CHECK(orchestrator->spec == Spec{OrchestratorSpec{}});
}

TEST_CASE("engine_version is another word for a MySQL's version, and may not contradict it") {
  v1::Resource message = written("MySQL");
  message.mutable_mysql()->set_engine_version("8.0");
  CHECK(std::get<MysqlSpec>(from_proto(message)->spec).version == "8.0");
  message.mutable_mysql()->set_version("8.0");
  CHECK(std::get<MysqlSpec>(from_proto(message)->spec).version == "8.0");
  message.mutable_mysql()->set_version("9.7");
  const Error error = refusal(message);
  CHECK(error.message == "spec.engine_version: '8.0' contradicts spec.version '9.7'");
  CHECK(error.hint == "both mean the same: give one of them");
}

TEST_CASE("everything that is wrong with a resource is said at once, field by field") {
  v1::Resource message = written("Orchestrator", "No Name");
  message.set_api_version("v2");
  message.mutable_metadata()->set_namespace_("a/b");
  message.mutable_metadata()->mutable_created()->set_nanos(-1);
  message.mutable_orchestrator()->set_durability("losless");
  std::vector<std::string> fields;
  for (const FieldError& error : refusal(message).fields) {
    fields.push_back(error.field);
    CHECK_FALSE(error.message.empty());
  }
  CHECK(fields == std::vector<std::string>{"api_version", "metadata.name", "metadata.namespace",
                                           "metadata.created", "spec.durability"});
  CHECK(refusal(message).fields.back().hint == "did you mean 'lossless'?");
}

TEST_CASE("a kind that is not known, and a spec of another kind, are refused") {
  CHECK(refusal(written("Mysql")).fields.front().field == "kind");
  CHECK(refusal(written("Mysql")).hint == "did you mean 'MySQL'?");
  v1::Resource message = written("MySQL");
  message.mutable_connector()->set_owner("demo");
  CHECK(refusal(message).message == "spec: belongs to another kind than MySQL");
  CHECK(refusal(v1::Resource()).fields.size() == 3);
}

TEST_CASE("the fields of an apply are named by the place of their resource") {
  v1::ApplyRequest request;
  *request.add_resources() = written("MySQL");
  *request.add_resources() = written("MySQL", "");
  *request.add_resources() = written("Nothing");
  const auto resources = from_proto(request);
  REQUIRE_FALSE(resources.ok());
  REQUIRE(resources.error().fields.size() == 2);
  CHECK(resources.error().fields[0].field == "resources[1].metadata.name");
  CHECK(resources.error().fields[1].field == "resources[2].kind");

  request.mutable_resources()->DeleteSubrange(1, 2);
  CHECK(from_proto(request)->size() == 1);
}

TEST_CASE("an operation and an event are sent whole") {
  testing::RandomState random(5);
  for (int i = 0; i < 50; ++i) {
    const Operation operation = random.operation();
    const v1::Operation message = sent(to_proto(operation));
    CHECK(message.id() == operation.id.str());
    CHECK(message.kind() == to_string(operation.kind));
    CHECK(message.cluster().name() == operation.cluster.name);
    CHECK(message.cluster().namespace_() == operation.cluster.name_space);
    CHECK(message.state() == to_string(operation.state));
    CHECK(message.problem() == operation.problem);
    CHECK(message.hint() == operation.hint);
    CHECK(message.arguments_size() == static_cast<int>(operation.arguments.size()));
    CHECK(*from_proto(message.created()) == operation.created);
    CHECK(message.has_finished() == operation.finished.has_value());
    REQUIRE(message.steps_size() == static_cast<int>(operation.steps.size()));
    for (int step = 0; step < message.steps_size(); ++step) {
      const OperationStep& expected = operation.steps[static_cast<size_t>(step)];
      CHECK(message.steps(step).name() == expected.name);
      CHECK(message.steps(step).state() == to_string(expected.state));
      CHECK(message.steps(step).detail() == expected.detail);
      CHECK(message.steps(step).has_started() == expected.started.has_value());
      CHECK(message.steps(step).has_finished() == expected.finished.has_value());
    }
    const Event event = random.event();
    const v1::Event sent_event = sent(to_proto(event));
    CHECK(sent_event.sequence() == event.sequence);
    CHECK(*from_proto(sent_event.time()) == event.time);
    CHECK(sent_event.cluster().name() == event.cluster.name);
    CHECK(sent_event.node() == event.node);
    CHECK(sent_event.type() == event.type);
    CHECK(sent_event.severity() == to_string(event.severity));
    CHECK(sent_event.message() == event.message);
  }
}

TEST_CASE("a policy's words are read, and each that is wrong is named") {
  v1::Resource message = written("Orchestrator");
  v1::OrchestratorSpec& spec = *message.mutable_orchestrator();
  (*spec.mutable_promotion())["shop-1"] = "-5";
  (*spec.mutable_promotion())["shop-2"] = "never";
  spec.set_heartbeat("250ms");
  spec.set_ttl("3");
  spec.set_acker_zone("any");
  spec.set_wait_for_proof(false);
  spec.set_without_ackers("block");
  const auto read = from_proto(message);
  REQUIRE_MESSAGE(read.ok(), read.error().text());
  const auto& policy = std::get<OrchestratorSpec>(read->spec);
  CHECK(policy.priority == std::map<std::string, int>{{"shop-1", -5}});
  CHECK(policy.never_promote == std::vector<std::string>{"shop-2"});
  CHECK(policy.heartbeat == std::chrono::milliseconds(250));
  CHECK(policy.ttl == std::chrono::seconds(3));
  CHECK_FALSE(policy.acks_from_other_zone);
  CHECK(policy.candidate_from_same_zone);
  CHECK_FALSE(policy.wait_for_proof);
  CHECK(policy.fence_by_time);
  CHECK(policy.without_ackers == WithoutAckers::Block);

  spec.add_never_promote("shop-1");
  (*spec.mutable_promotion())["shop-3"] = "always";
  spec.set_heartbeat("soon");
  spec.set_acker_zone("mine");
  spec.set_without_ackers("weakn");
  const auto bad = from_proto(message);
  REQUIRE_FALSE(bad.ok());
  std::vector<std::string> fields;
  for (const FieldError& error : bad.error().fields)
    fields.push_back(error.field);
  CHECK(fields == std::vector<std::string>{"spec.promotion.shop-3", "spec.never_promote",
                                           "spec.heartbeat", "spec.acker_zone",
                                           "spec.without_ackers"});
}

}  // namespace cdb::coordinator
