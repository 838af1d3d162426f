#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "api_support.h"
#include "cdb/v1/clusters.grpc.pb.h"
#include "cdb/v1/operations.grpc.pb.h"
#include "cdb/v1/resources.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "session_support.h"

namespace cdb::testing {
namespace {

using agent::SessionClient;
using grpc::StatusCode;

class Api {
 public:
  explicit Api(const TestCoordinator& coordinator)
      : channel_(grpc::CreateChannel(coordinator.address(), grpc::InsecureChannelCredentials())),
        resources(v1::Resources::NewStub(channel_)),
        operations(v1::Operations::NewStub(channel_)),
        events(v1::Events::NewStub(channel_)),
        clusters(v1::Clusters::NewStub(channel_)) {}

  // A context for one call.
  static std::unique_ptr<grpc::ClientContext> context() {
    auto made = std::make_unique<grpc::ClientContext>();
    made->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return made;
  }
  grpc::Status apply(const std::vector<v1::Resource>& wanted, v1::ApplyResponse& response,
                     bool dry_run = false) {
    v1::ApplyRequest request;
    for (const v1::Resource& each : wanted)
      *request.add_resources() = each;
    request.set_dry_run(dry_run);
    return resources->Apply(context().get(), request, &response);
  }
  grpc::Status get(const std::string& kind, const std::string& name, v1::Resource& response,
                   const std::string& name_space = {}) {
    v1::GetRequest request;
    request.set_kind(kind);
    request.set_namespace_(name_space);
    request.set_name(name);
    return resources->Get(context().get(), request, &response);
  }
  v1::DeleteResponse remove(const std::string& kind, const std::string& name) {
    v1::DeleteRequest request;
    request.set_kind(kind);
    request.set_name(name);
    v1::DeleteResponse response;
    REQUIRE(resources->Delete(context().get(), request, &response).ok());
    return response;
  }
  v1::Topology topology(const std::string& name) {
    v1::GetTopologyRequest request;
    request.mutable_cluster()->set_name(name);
    v1::Topology response;
    REQUIRE(clusters->GetTopology(context().get(), request, &response).ok());
    return response;
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;

 public:
  std::unique_ptr<v1::Resources::Stub> resources;
  std::unique_ptr<v1::Operations::Stub> operations;
  std::unique_ptr<v1::Events::Stub> events;
  std::unique_ptr<v1::Clusters::Stub> clusters;
};

v1::Resource mysql(const std::string& name, int replicas = 2) {
  v1::Resource resource;
  resource.set_api_version("cdb.cycloud.io/v1");
  resource.set_kind("MySQL");
  resource.mutable_metadata()->set_name(name);
  resource.mutable_mysql()->set_flavor("small");
  resource.mutable_mysql()->set_replica(replicas);
  return resource;
}

v1::Resource config(const std::string& name, const std::string& value) {
  v1::Resource resource;
  resource.set_api_version("cdb.cycloud.io/v1");
  resource.set_kind("MysqlConfig");
  resource.mutable_metadata()->set_name(name);
  (*resource.mutable_mysql_config()->mutable_settings())["max_connections"] = value;
  return resource;
}

google::rpc::BadRequest violations(const grpc::Status& status) {
  google::rpc::Status details;
  REQUIRE(details.ParseFromString(status.error_details()));
  google::rpc::BadRequest request;
  REQUIRE(details.details_size() == 2);
  REQUIRE(details.details(1).UnpackTo(&request));
  return request;
}

}  // namespace

TEST_CASE("what is applied can be read, listed, changed and deleted") {
  TestCoordinator coordinator;
  Api api(coordinator);
  v1::ApplyResponse applied;
  REQUIRE(api.apply({mysql("demo"), config("demo", "100")}, applied).ok());
  REQUIRE(applied.results_size() == 2);
  CHECK(applied.results(0).action() == "created");
  CHECK(applied.results(0).operation().kind() == "create");
  CHECK(applied.results(0).operation().state() == "running");
  CHECK(applied.results(0).resource().metadata().namespace_() == "default");
  CHECK_FALSE(applied.results(0).resource().metadata().uid().empty());

  REQUIRE(api.apply({mysql("demo")}, applied).ok());
  CHECK(applied.results(0).action() == "unchanged");
  CHECK_FALSE(applied.results(0).has_operation());

  v1::Resource got;
  REQUIRE(api.get("MySQL", "demo", got).ok());
  CHECK(got.mysql().replica() == 2);
  CHECK(got.status().state() == "creating");
  CHECK(got.status().members() == 3);

  v1::ListResponse listed;
  REQUIRE(api.resources->List(Api::context().get(), {}, &listed).ok());
  std::multiset<std::string> kinds;
  for (const v1::Resource& each : listed.resources())
    kinds.insert(each.kind());
  CHECK(kinds == std::multiset<std::string>{"Connector", "Instance", "Instance", "Instance",
                                            "MySQL", "MysqlConfig"});
  v1::ListRequest elsewhere;
  elsewhere.set_namespace_("elsewhere");
  REQUIRE(api.resources->List(Api::context().get(), elsewhere, &listed).ok());
  CHECK(listed.resources_size() == 0);

  CHECK_FALSE(api.remove("MysqlConfig", "demo").has_operation());
  CHECK(api.get("MysqlConfig", "demo", got).error_code() == StatusCode::NOT_FOUND);
  CHECK(api.remove("MySQL", "demo").operation().kind() == "delete");
}

TEST_CASE("a dry run says what would be done and does nothing") {
  TestCoordinator coordinator;
  Api api(coordinator);
  v1::ApplyResponse applied;
  REQUIRE(api.apply({mysql("demo")}, applied, true).ok());
  CHECK(applied.results(0).action() == "created");
  v1::Resource got;
  CHECK(api.get("MySQL", "demo", got).error_code() == StatusCode::NOT_FOUND);
}

TEST_CASE("what only the system writes is not taken from a person") {
  TestCoordinator coordinator;
  Api api(coordinator);
  v1::Resource wanted = mysql("demo");
  wanted.mutable_metadata()->set_uid("mine");
  wanted.mutable_metadata()->set_generation(77);
  wanted.mutable_metadata()->set_deleting(true);
  wanted.mutable_status()->set_state("ready");
  v1::ApplyResponse applied;
  REQUIRE(api.apply({wanted}, applied).ok());
  v1::Resource got;
  REQUIRE(api.get("MySQL", "demo", got).ok());
  CHECK(got.metadata().uid() != "mine");
  CHECK(got.metadata().generation() == 1);
  CHECK_FALSE(got.metadata().deleting());
  CHECK(got.status().state() == "creating");
}

TEST_CASE("wrong requests are refused with the field or the nearest word") {
  TestCoordinator coordinator;
  Api api(coordinator);
  v1::ApplyResponse applied;
  v1::Resource bad = mysql("demo");
  bad.mutable_mysql()->set_flavor("smal");
  const grpc::Status refused = api.apply({mysql("good"), bad}, applied);
  CHECK(refused.error_code() == StatusCode::INVALID_ARGUMENT);
  REQUIRE(violations(refused).field_violations_size() == 1);
  CHECK(violations(refused).field_violations(0).field() == "resources[1].spec.flavor");

  v1::Resource got;
  CHECK(api.get("MySQL", "good", got).error_code() == StatusCode::NOT_FOUND);
  const grpc::Status kind = api.get("MySQl", "demo", got);
  CHECK(kind.error_code() == StatusCode::INVALID_ARGUMENT);
  google::rpc::Status details;
  REQUIRE(details.ParseFromString(kind.error_details()));
  google::rpc::ErrorInfo info;
  REQUIRE(details.details(0).UnpackTo(&info));
  CHECK(info.reason() == "INVALID");
  CHECK(info.metadata().at("hint") == "did you mean 'MySQL'?");
  CHECK(api.get("MySQL", "", got).error_code() == StatusCode::INVALID_ARGUMENT);

  v1::ListRequest list;
  list.set_kind("Mysql");
  v1::ListResponse listed;
  CHECK(api.resources->List(Api::context().get(), list, &listed).error_code() ==
        StatusCode::INVALID_ARGUMENT);
  v1::WatchEvent change;
  const auto context = Api::context();
  const auto watch = api.resources->Watch(context.get(), list);
  CHECK_FALSE(watch->Read(&change));
  CHECK(watch->Finish().error_code() == StatusCode::INVALID_ARGUMENT);

  v1::ListEventsRequest events;
  v1::ListEventsResponse found;
  for (const int limit : {-1, 1000000}) {
    events.set_limit(limit);
    CHECK(api.events->List(Api::context().get(), events, &found).error_code() ==
          StatusCode::INVALID_ARGUMENT);
  }
}

TEST_CASE("clusters and operations that are not there are not found") {
  TestCoordinator coordinator;
  Api api(coordinator);
  v1::GetTopologyRequest topology;
  v1::Topology shown;
  CHECK(api.clusters->GetTopology(Api::context().get(), topology, &shown).error_code() ==
        StatusCode::INVALID_ARGUMENT);
  topology.mutable_cluster()->set_name("none");
  CHECK(api.clusters->GetTopology(Api::context().get(), topology, &shown).error_code() ==
        StatusCode::NOT_FOUND);
  const auto context = Api::context();
  const auto watch = api.clusters->WatchTopology(context.get(), topology);
  CHECK_FALSE(watch->Read(&shown));
  CHECK(watch->Finish().error_code() == StatusCode::NOT_FOUND);

  v1::SwitchoverRequest switchover;
  *switchover.mutable_cluster() = topology.cluster();
  v1::Operation operation;
  CHECK(api.clusters->Switchover(Api::context().get(), switchover, &operation).error_code() ==
        StatusCode::NOT_FOUND);
  v1::GetConnectionRequest connection;
  *connection.mutable_cluster() = topology.cluster();
  v1::Connection found;
  CHECK(api.clusters->GetConnection(Api::context().get(), connection, &found).error_code() ==
        StatusCode::NOT_FOUND);
  v1::GetOperationRequest request;
  request.set_id("none");
  CHECK(api.operations->Get(Api::context().get(), request, &operation).error_code() ==
        StatusCode::NOT_FOUND);
}

TEST_CASE("the catalogue and a cluster's connection tell what can be had") {
  TestCoordinator coordinator;
  Api api(coordinator);
  v1::Catalogue catalogue;
  REQUIRE(api.clusters->GetCatalogue(Api::context().get(), {}, &catalogue).ok());
  REQUIRE(catalogue.flavors_size() == 2);
  CHECK(catalogue.flavors(1).name() == "large");
  CHECK(catalogue.flavors(1).vcpu() == 4);
  CHECK(catalogue.mysql_versions_size() == 3);

  v1::ApplyResponse applied;
  REQUIRE(api.apply({mysql("demo")}, applied).ok());
  v1::GetConnectionRequest request;
  request.mutable_cluster()->set_name("demo");
  v1::Connection connection;
  REQUIRE(api.clusters->GetConnection(Api::context().get(), request, &connection).ok());
  CHECK(connection.rw_name() == "rw.demo.default.db.test");
  CHECK(connection.port() == 3306);
  CHECK(connection.user() == "app");
  CHECK(connection.dns_server() == "127.0.0.1:5353");
}

TEST_CASE("an agent's session shows in the topology, and a watcher sees it come and go") {
  TestCoordinator coordinator;
  Api api(coordinator);
  v1::ApplyResponse applied;
  REQUIRE(api.apply({mysql("demo", 1)}, applied).ok());
  v1::Topology topology = api.topology("demo");
  REQUIRE(topology.nodes_size() == 2);
  CHECK(topology.nodes(0).state() == "lost");
  CHECK_FALSE(topology.nodes(0).connected());

  v1::GetTopologyRequest request;
  request.mutable_cluster()->set_name("demo");
  const auto context = Api::context();
  const auto watch = api.clusters->WatchTopology(context.get(), request);
  REQUIRE(watch->Read(&topology));
  const auto wait_connected = [&](bool connected) {
    while (topology.nodes(0).connected() != connected) {
      if (!watch->Read(&topology)) return false;
    }
    return true;
  };
  {
    SeenEvents events;
    SessionClient client(client_config("demo-0", coordinator.address()));
    model::NodeReport report = report_with("thinking");
    report.state = model::NodeState::New;
    report.mysqld = model::MysqldState::NotInitialised;
    client.report(report);
    client.start(events, events);
    REQUIRE(wait_connected(true));
    CHECK(topology.nodes(0).state() == "new");
    CHECK(topology.nodes(0).doing() == "thinking");
    CHECK(topology.nodes(0).mysqld() == "not_initialised");
    REQUIRE(events.wait([](SeenEvents::State& state) { return !state.goals.empty(); }));
  }
  CHECK(wait_connected(false));
  context->TryCancel();
  while (watch->Read(&topology)) {
  }
  CHECK(watch->Finish().error_code() == StatusCode::CANCELLED);
}

TEST_CASE("a node that is not declared has no session") {
  TestCoordinator coordinator;
  SeenEvents events;
  SessionClient client(client_config("stranger-0", coordinator.address()));
  client.report(report_with("one"));
  client.start(events, events);
  REQUIRE(events.wait([](SeenEvents::State& state) { return !state.changes.empty(); }));
  CHECK(events.why().find("no node default/stranger-0") != std::string::npos);
}

TEST_CASE("a watcher of resources sees them added, modified and deleted") {
  TestCoordinator coordinator;
  Api api(coordinator);
  v1::ApplyResponse applied;
  REQUIRE(api.apply({mysql("demo"), config("demo", "100")}, applied).ok());
  v1::ListRequest request;
  request.set_kind("MysqlConfig");
  const auto context = Api::context();
  const auto watch = api.resources->Watch(context.get(), request);
  v1::WatchEvent change;
  REQUIRE(watch->Read(&change));
  CHECK(change.type() == "added");
  CHECK(change.resource().metadata().name() == "demo");
  REQUIRE(api.apply({config("demo", "200")}, applied).ok());
  REQUIRE(watch->Read(&change));
  CHECK(change.type() == "modified");
  CHECK(change.resource().metadata().generation() == 2);
  CHECK(change.resource().mysql_config().settings().at("max_connections") == "200");
  api.remove("MysqlConfig", "demo");
  REQUIRE(watch->Read(&change));
  CHECK(change.type() == "deleted");
  CHECK(change.resource().metadata().generation() == 2);
  context->TryCancel();
  CHECK_FALSE(watch->Read(&change));
  CHECK(watch->Finish().error_code() == StatusCode::CANCELLED);
}

TEST_CASE("a watch of an operation ends with the operation") {
  TestCoordinator coordinator;
  Api api(coordinator);
  v1::ApplyResponse applied;
  REQUIRE(api.apply({mysql("demo")}, applied).ok());
  v1::GetOperationRequest create;
  create.set_id(applied.results(0).operation().id());
  const auto context = Api::context();
  const auto watch = api.operations->Watch(context.get(), create);
  v1::Operation operation;
  REQUIRE(watch->Read(&operation));
  CHECK(operation.state() == "running");

  v1::GetOperationRequest deletion;
  deletion.set_id(api.remove("MySQL", "demo").operation().id());
  while (watch->Read(&operation)) {
  }
  CHECK(watch->Finish().ok());
  CHECK(operation.state() == "failed");

  const auto second_context = Api::context();
  const auto second = api.operations->Watch(second_context.get(), deletion);
  while (second->Read(&operation)) {
  }
  CHECK(second->Finish().ok());
  CHECK(operation.state() == "succeeded");
  // One that had ended before the watch began is sent once.
  const auto third_context = Api::context();
  const auto third = api.operations->Watch(third_context.get(), deletion);
  CHECK(third->Read(&operation));
  CHECK_FALSE(third->Read(&operation));
  CHECK(third->Finish().ok());

  v1::ListOperationsResponse listed;
  REQUIRE(api.operations->List(Api::context().get(), {}, &listed).ok());
  CHECK(listed.operations_size() == 2);
  v1::ListOperationsRequest running;
  running.set_running_only(true);
  REQUIRE(api.operations->List(Api::context().get(), running, &listed).ok());
  CHECK(listed.operations_size() == 0);
}

TEST_CASE("a watch of events sends the old ones and then each new one once") {
  TestCoordinator coordinator;
  Api api(coordinator);
  v1::ApplyResponse applied;
  REQUIRE(api.apply({mysql("one"), mysql("two")}, applied).ok());
  v1::ListEventsRequest request;
  request.mutable_cluster()->set_name("two");
  v1::ListEventsResponse listed;
  REQUIRE(api.events->List(Api::context().get(), request, &listed).ok());
  REQUIRE(listed.events_size() == 1);

  const auto context = Api::context();
  const auto watch = api.events->Watch(context.get(), request);
  v1::Event event;
  REQUIRE(watch->Read(&event));
  CHECK(event.sequence() == listed.events(0).sequence());
  CHECK(event.type() == "operation.started");
  uint64_t last = event.sequence();
  for (int i = 0; i < 20; ++i) {
    REQUIRE(api.apply({config("two", std::to_string(100 + i)), config("one", "5")}, applied).ok());
    api.remove("MysqlConfig", "two");
  }
  for (int deleted = 0; deleted < 20;) {
    REQUIRE(watch->Read(&event));
    CHECK(event.sequence() > last);
    CHECK(event.cluster().name() == "two");
    last = event.sequence();
    if (event.type() == "resource.deleted") ++deleted;
  }
  context->TryCancel();
  while (watch->Read(&event)) {
  }
  CHECK(watch->Finish().error_code() == StatusCode::CANCELLED);
}

TEST_CASE("a watcher that does not read skips what lies between and gets the latest") {
  TestCoordinator coordinator;
  Api api(coordinator);
  v1::ApplyResponse applied;
  REQUIRE(api.apply({mysql("demo"), config("demo", "1")}, applied).ok());
  v1::ListRequest request;
  request.set_kind("MysqlConfig");
  const auto context = Api::context();
  const auto watch = api.resources->Watch(context.get(), request);
  v1::WatchEvent change;
  REQUIRE(watch->Read(&change));
  // Large enough to fill the network's buffers soon.
  v1::Resource large = config("demo", "1");
  for (int i = 0; i < 50; ++i) {
    (*large.mutable_mysql_config()->mutable_settings())["s" + std::to_string(i)] =
        std::string(2000, 'x');
  }
  constexpr int rounds = 300;
  for (int i = 1; i <= rounds; ++i) {
    (*large.mutable_mysql_config()->mutable_settings())["max_connections"] = std::to_string(i);
    REQUIRE(api.apply({large}, applied).ok());
  }
  int read = 0;
  while (change.resource().mysql_config().settings().at("max_connections") !=
         std::to_string(rounds)) {
    REQUIRE(watch->Read(&change));
    ++read;
  }
  CHECK(read < rounds);
  context->TryCancel();
  CHECK_FALSE(watch->Read(&change));
  CHECK_FALSE(watch->Finish().ok());
}

TEST_CASE("a stopping server ends its watches at once") {
  TestCoordinator coordinator;
  Api api(coordinator);
  v1::ApplyResponse applied;
  REQUIRE(api.apply({mysql("demo")}, applied).ok());
  const auto context = Api::context();
  const auto watch = api.events->Watch(context.get(), {});
  v1::Event event;
  REQUIRE(watch->Read(&event));
  std::jthread stopper([&] { coordinator.stop_server(std::chrono::seconds(20)); });
  const Instant began = BootTime::now();
  CHECK_FALSE(watch->Read(&event));
  CHECK(watch->Finish().error_code() == StatusCode::UNAVAILABLE);
  CHECK(BootTime::now() - began < std::chrono::seconds(5));
}

TEST_CASE("a caller's deadline is kept while the engine is busy") {
  TestCoordinator coordinator;
  Api api(coordinator);
  Sync<bool> release;
  coordinator.host().post([&](coordinator::Engine&, coordinator::Now) {
    release.wait({}, Deadline::after(kPatience), [](bool go) { return go; });
  });
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  v1::ListResponse listed;
  CHECK(api.resources->List(&context, {}, &listed).error_code() == StatusCode::DEADLINE_EXCEEDED);
  release.with([](bool& go) { go = true; });
  CHECK(api.resources->List(Api::context().get(), {}, &listed).ok());
}

TEST_CASE("a server stops although the engine does not answer") {
  TestCoordinator coordinator;
  Api api(coordinator);
  Sync<bool> release;
  coordinator.host().post([&](coordinator::Engine&, coordinator::Now) {
    release.wait({}, Deadline::after(kPatience), [](bool go) { return go; });
  });
  const auto context = Api::context();
  const v1::ListRequest request;
  v1::ListResponse listed;
  Sync<std::optional<grpc::Status>> answered;
  api.resources->async()->List(context.get(), &request, &listed, [&](grpc::Status status) {
    answered.with([&](auto& answer) { answer = std::move(status); });
  });
  // A call that needs no engine, sent after the other one on the same connection, is answered.
  v1::Resource got;
  CHECK(api.get("Nonsense", "x", got).error_code() == StatusCode::INVALID_ARGUMENT);

  const Instant began = BootTime::now();
  coordinator.stop_server(std::chrono::milliseconds(200));
  CHECK(BootTime::now() - began < std::chrono::seconds(5));
  CHECK(answered.wait({}, Deadline::after(kPatience),
                      [](const auto& answer) { return answer && !answer->ok(); }));
  release.with([](bool& go) { go = true; });
}

TEST_CASE("an address that is in use is named") {
  const TestCoordinator first;
  coordinator::ServerConfig config;
  config.listen = {first.address()};
  const auto second = coordinator::Server::start(config, {});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == Code::Conflict);
  CHECK(second.error().message ==
        "cannot listen on " + first.address() + ": the address is in use");
}

TEST_CASE("health and reflection speak of every service") {
  const TestCoordinator coordinator;
  const auto channel =
      grpc::CreateChannel(coordinator.address(), grpc::InsecureChannelCredentials());
  grpc::GenericStub stub(channel);
  // The messages of grpc.health.v1 and grpc.reflection.v1alpha by hand: a string in field 1 or 7.
  const auto call = [&](const std::string& method, char tag, const std::string& text) {
    std::string bytes;
    bytes += tag;
    bytes += static_cast<char>(text.size());
    bytes += text;
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::CompletionQueue queue;
    const auto context = Api::context();
    grpc::ByteBuffer response;
    const auto stream = stub.PrepareCall(context.get(), method, &queue);
    void* tag_of_event = nullptr;
    bool ok = false;
    stream->StartCall(nullptr);
    REQUIRE(queue.Next(&tag_of_event, &ok));
    stream->Write(request, grpc::WriteOptions().set_last_message(), nullptr);
    REQUIRE(queue.Next(&tag_of_event, &ok));
    stream->Read(&response, nullptr);
    REQUIRE(queue.Next(&tag_of_event, &ok));
    std::vector<grpc::Slice> slices;
    REQUIRE(response.Dump(&slices).ok());
    std::string answer;
    for (const grpc::Slice& each : slices) {
      answer.append(reinterpret_cast<const char*>(each.begin()), each.size());
    }
    grpc::Status status;
    stream->Finish(&status, nullptr);
    REQUIRE(queue.Next(&tag_of_event, &ok));
    return answer;
  };
  const std::string services =
      call("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", '\x3a', "*");
  for (const char* name : {"", "cdb.v1.AgentService", "cdb.v1.Resources", "cdb.v1.Operations",
                           "cdb.v1.Events", "cdb.v1.Clusters"}) {
    CAPTURE(name);
    CHECK(call("/grpc.health.v1.Health/Check", '\x0a', name) == "\x08\x01");
    CHECK(services.find(name) != std::string::npos);
  }
}

}  // namespace cdb::testing
