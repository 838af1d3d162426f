#include "coordinator/adapters/state_codec.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/random_state.h"

namespace cdb::coordinator {
namespace {

constexpr uint64_t kSeeds = 300;

// `text` with the first `from` replaced by `to`.
std::string with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, from, " is not in ", text);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("resources, clusters and operations are read as they were written") {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    testing::RandomState random(seed);
    const Resource resource = random.resource();
    CHECK(*decode_resource(encode(resource)) == resource);
    const ClusterRow cluster = random.cluster_row();
    CHECK(*decode_cluster(encode(cluster)) == cluster);
    const Operation operation = random.operation();
    CHECK(*decode_operation(encode(operation)) == operation);
  }
}

TEST_CASE("values that were never filled in are read as they were written") {
  for (const Spec& spec : {Spec{MysqlSpec{}}, Spec{MysqlConfigSpec{}}, Spec{OrchestratorSpec{}},
                           Spec{InstanceSpec{}}, Spec{ConnectorSpec{}}}) {
    Resource resource;
    resource.key.kind = static_cast<Kind>(spec.index());
    resource.spec = spec;
    CHECK(*decode_resource(encode(resource)) == resource);
  }
  CHECK(*decode_cluster(encode(ClusterRow{})) == ClusterRow{});
  CHECK(*decode_operation(encode(Operation{})) == Operation{});
}

TEST_CASE("a state of before a field was there is read, and the field keeps its initial value") {
  const char* const policy =
      R"({"created":0,"deleting":false,"generation":1,"key":{"kind":"Orchestrator",)"
      R"("name":"shop","namespace":"default"},"spec":{"dns_ttl_s":7,"durability":null,)"
      R"("never_promote":["shop-2"],"paused":true},"uid":"u"})";
  const auto resource = decode_resource(policy);
  REQUIRE_MESSAGE(resource.ok(), resource.error().text());
  OrchestratorSpec wanted;
  wanted.paused = true;
  wanted.never_promote = {"shop-2"};
  wanted.dns_ttl_s = 7;
  CHECK(resource->spec == Spec{wanted});
}

TEST_CASE("text that is not UTF-8 is stored with marks, not refused") {
  Operation operation;
  operation.problem = "caf\xE9";
  CHECK(decode_operation(encode(operation))->problem == "caf\xEF\xBF\xBD");
}

TEST_CASE("a damaged row is refused with the path of its field") {
  struct Bad {
    const char* from;
    const char* to;
    const char* message;
  };
  ClusterRow row;
  row.members[model::NodeName("demo-1")].server_id = 7;
  row.record.ackers[model::NodeName("demo-1")] = "x";
  const std::vector<Bad> table{
      {"\"epoch\":0", "\"epoch\":-1", "record.version.epoch: is out of range"},
      {"\"epoch\":0", "\"epoch\":1.5", "record.version.epoch: is not a whole number"},
      {"\"epoch\":0", "\"epoch\":99999999999999999999",
       "record.version.epoch: is not a whole number"},
      {"\"epoch\":0", "\"epok\":0", "record.version.epoch: is missing"},
      {"\"forming\"", "\"forging\"", "record.phase: unknown phase 'forging'"},
      {"\"forming\"", "null", "record.phase: is not a string"},
      {"\"opened\":false", "\"opened\":0", "record.opened: is not true or false"},
      {"\"leaving\":[]", "\"leaving\":[1]", "record.leaving[0]: is not a string"},
      {"\"leaving\":[]", "\"leaving\":{}", "record.leaving: is not a list"},
      {"{\"demo-1\":\"x\"}", "[]", "record.ackers: is not an object"},
      {"\"server_id\":7", "\"server_id\":4294967296", "members.demo-1.server_id: is out of range"},
      {"\"credentials\":null", "\"credentials\":true", "credentials: is not an object"},
      {"\"base\":\"\"", "\"base\":\"?\"", "record.base: "},
  };
  for (const Bad& bad : table) {
    CAPTURE(bad.message);
    const auto decoded = decode_cluster(with(encode(row), bad.from, bad.to));
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().code == Code::Invalid);
    CHECK(decoded.error().message.find(bad.message) == 0);
  }
  for (const char* bad : {"", "{", "[]", "null", "\"x\"", "\xff"}) {
    CHECK_FALSE(decode_cluster(bad).ok());
    CHECK_FALSE(decode_resource(bad).ok());
    CHECK_FALSE(decode_operation(bad).ok());
  }
}

TEST_CASE("a row cut short at any byte is refused") {
  const std::string good = encode(testing::RandomState(4).cluster_row());
  for (size_t length = 0; length < good.size(); ++length) {
    CHECK_FALSE(decode_cluster(std::string_view(good).substr(0, length)).ok());
  }
}

}  // namespace cdb::coordinator
