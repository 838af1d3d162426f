#include "proto/convert/node_wire.h"

#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <google/protobuf/stubs/logging.h>

#include "cdb/v1/agent.pb.h"
#include "cdb/v1/common.pb.h"
#include "tests/support/random_model.h"

namespace cdb::wire {
namespace {

constexpr uint64_t kSeeds = 200;

// What arrives at the other end: through the bytes, since protobuf refuses some strings only there.
template <typename Message>
Message sent(const Message& message) {
  Message received;
  REQUIRE(received.ParseFromString(message.SerializeAsString()));
  return received;
}

v1::NodeReport good_report() {
  testing::RandomModel random(1);
  model::NodeReport report = random.report();
  report.server = random.server();
  report.server->replication.source = random.endpoint();
  return to_wire(report, 7);
}

v1::NodeGoal good_goal() {
  testing::RandomModel random(1);
  model::NodeGoal goal = random.goal();
  goal.source = random.endpoint();
  return to_wire(goal);
}

template <typename Message>
struct Bad {
  const char* message_start;
  std::function<void(Message&)> spoil;
};

}  // namespace

TEST_CASE("a report arrives as it was sent") {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    testing::RandomModel random(seed);
    const model::NodeReport report = random.report();
    const v1::NodeReport message = sent(to_wire(report, seed));
    CHECK(message.sequence() == seed);
    const auto received = from_wire(message);
    REQUIRE(received.ok());
    CHECK(*received == report);
  }
}

TEST_CASE("a goal arrives as it was sent") {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    testing::RandomModel random(seed);
    const model::NodeGoal goal = random.goal();
    const auto received = from_wire(sent(to_wire(goal)));
    REQUIRE(received.ok());
    CHECK(*received == goal);
  }
}

TEST_CASE("a node's name arrives as it was sent") {
  const model::NodeId node{{"shop", "orders"}, model::NodeName("orders-12")};
  const auto received = from_wire(sent(to_wire(node)));
  REQUIRE(received.ok());
  CHECK(*received == node);
}

TEST_CASE("a node's name that could not be a DNS name is refused") {
  for (const char* bad : {"", "../etc", "a.b", "A", "a/b", "-a"}) {
    CAPTURE(bad);
    v1::NodeRef node;
    node.mutable_cluster()->set_namespace_("shop");
    node.mutable_cluster()->set_name("orders");
    node.set_node(bad);
    CHECK(from_wire(node).error().code == Code::Invalid);
    node.set_node("orders-0");
    node.mutable_cluster()->set_name(bad);
    CHECK(from_wire(node).error().message.find("cluster: name: ") == 0);
    node.mutable_cluster()->set_name("orders");
    node.mutable_cluster()->set_namespace_(bad);
    CHECK(from_wire(node).error().message.find("cluster: namespace: ") == 0);
  }
}

TEST_CASE("a report with a value that no agent sends is refused, and the field is named") {
  const std::vector<Bad<v1::NodeReport>> table{
      {"state: ", [](auto& r) { r.set_state("asleep"); }},
      {"state: ", [](auto& r) { r.clear_state(); }},
      {"mysqld: ", [](auto& r) { r.set_mysqld("RUNNING"); }},
      {"errant: ", [](auto& r) { r.set_errant("not a set"); }},
      {"errant: ", [](auto& r) { r.set_errant(std::string(100'000, ':')); }},
      {"final_set: ", [](auto& r) { r.set_final_set("3e11fa47:1-5"); }},
      {"marker: ", [](auto& r) { r.set_marker("3e11fa47-71ca-11e1-9e33-c80aa9429562:9-1"); }},
      {"server: version: ", [](auto& r) { r.mutable_server()->set_version(""); }},
      {"server: version: ", [](auto& r) { r.mutable_server()->set_version("99999999999.1"); }},
      {"server: executed: ",
       [](auto& r) {
         r.mutable_server()->set_executed(
             "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-99999999999999999999");
       }},
      {"server: purged: ", [](auto& r) { r.mutable_server()->set_purged("\x01"); }},
      {"server: replication: receiver: ",
       [](auto& r) { r.mutable_server()->mutable_replication()->set_receiver("?"); }},
      {"server: replication: source: port: ",
       [](auto& r) {
         r.mutable_server()->mutable_replication()->mutable_source()->set_port(65536);
       }},
      {"server: replication: source: host: ",
       [](auto& r) { r.mutable_server()->mutable_replication()->mutable_source()->clear_host(); }},
      {"server: semisync: acks_required: ",
       [](auto& r) { r.mutable_server()->mutable_semisync()->set_acks_required(-1); }},
  };
  for (const auto& bad : table) {
    CAPTURE(bad.message_start);
    v1::NodeReport message = good_report();
    bad.spoil(message);
    const auto received = from_wire(message);
    REQUIRE_FALSE(received.ok());
    CHECK(received.error().code == Code::Invalid);
    CHECK(received.error().message.find(bad.message_start) == 0);
    CHECK(received.error().message.size() < 1000);
  }
}

TEST_CASE("a goal with a value that no coordinator sends is refused, and the field is named") {
  const std::vector<Bad<v1::NodeGoal>> table{
      {"state: ", [](auto& g) { g.set_state("Primary"); }},
      {"base: ", [](auto& g) { g.set_base("-"); }},
      {"drain_to: ", [](auto& g) { g.set_drain_to("a:b:c"); }},
      {"acks_required: ", [](auto& g) { g.set_acks_required(-2); }},
      {"vcpu: ", [](auto& g) { g.set_vcpu(0); }},
      {"source: port: ", [](auto& g) { g.mutable_source()->set_port(0); }},
  };
  for (const auto& bad : table) {
    CAPTURE(bad.message_start);
    v1::NodeGoal message = good_goal();
    bad.spoil(message);
    const auto received = from_wire(message);
    REQUIRE_FALSE(received.ok());
    CHECK(received.error().code == Code::Invalid);
    CHECK(received.error().message.find(bad.message_start) == 0);
  }
}

TEST_CASE("an empty message is refused and harms nothing") {
  CHECK_FALSE(from_wire(v1::NodeReport()).ok());
  CHECK_FALSE(from_wire(v1::NodeGoal()).ok());
  CHECK_FALSE(from_wire(v1::ServerStatus()).ok());
  CHECK_FALSE(from_wire(v1::NodeRef()).ok());
  CHECK_FALSE(from_wire(v1::Endpoint()).ok());
}

TEST_CASE("a report whose bytes were damaged is refused or read, never worse") {
  const google::protobuf::LogSilencer quiet;  // it prints a line for every string it refuses
  const std::string good = good_report().SerializeAsString();
  testing::RandomModel random(3);
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = good;
    for (uint64_t left = 1 + random.below(8); left > 0; --left) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    }
    v1::NodeReport message;
    if (!message.ParseFromString(bytes)) continue;
    const auto received = from_wire(message);
    if (received.ok()) CHECK(from_wire(sent(to_wire(*received, 1))).ok());
  }
}

TEST_CASE("what mysqld printed passes, whatever its bytes and however long") {
  model::NodeReport report;
  report.problem = "caf\xE9 \xFF" + std::string(1'000'000, 'x');
  const auto received = from_wire(sent(to_wire(report, 1)));
  REQUIRE(received.ok());
  CHECK(received->problem.find("caf\xEF\xBF\xBD \xEF\xBF\xBDxxx") == 0);
  CHECK(received->problem.size() == kLongestText);
}

}  // namespace cdb::wire
