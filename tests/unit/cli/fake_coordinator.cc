#include "tests/unit/cli/fake_coordinator.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <stdlib.h>

#include "cdb/v1/clusters.grpc.pb.h"
#include "cdb/v1/operations.grpc.pb.h"
#include "cdb/v1/resources.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "lib/base/sync.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Memory {
  std::map<std::string, v1::Resource> resources{};  // by "kind namespace/name"
  std::vector<v1::Operation> operations{};
  std::vector<v1::Event> events{};
  v1::Topology topology{};
  v1::Connection connection{};
  v1::FailoverRequest failover{};
  v1::SwitchoverRequest switchover{};
  v1::MaintenanceRequest maintenance{};
  v1::RejoinRequest rejoin{};
  std::string user{};
  std::shared_ptr<const Error> refusal{};
  bool operations_run{false};
  bool down{false};
  int streams{0};
  uint64_t changes{0};
};

grpc::StatusCode grpc_code(Code code) {
  switch (code) {
    case Code::Invalid: return grpc::StatusCode::INVALID_ARGUMENT;
    case Code::NotFound: return grpc::StatusCode::NOT_FOUND;
    case Code::Conflict: return grpc::StatusCode::ABORTED;
    case Code::Precondition: return grpc::StatusCode::FAILED_PRECONDITION;
    case Code::Denied: return grpc::StatusCode::PERMISSION_DENIED;
    case Code::Unavailable: return grpc::StatusCode::UNAVAILABLE;
    case Code::Deadline: return grpc::StatusCode::DEADLINE_EXCEEDED;
    case Code::Cancelled: return grpc::StatusCode::CANCELLED;
    case Code::OutcomeUnknown:
    case Code::Internal: return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

grpc::Status to_status(const Error& error) {
  google::rpc::Status details;
  details.set_code(grpc_code(error.code));
  details.set_message(error.message);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(to_string(error.code)));
  info.set_domain("cdb.cycloud.io");
  if (!error.hint.empty()) (*info.mutable_metadata())["hint"] = error.hint;
  details.add_details()->PackFrom(info);
  google::rpc::BadRequest bad;
  for (const auto& field : error.fields) {
    auto* violation = bad.add_field_violations();
    violation->set_field(field.field);
    violation->set_description(field.hint.empty() ? field.message
                                                  : field.message + " (hint: " + field.hint + ")");
  }
  if (!error.fields.empty()) details.add_details()->PackFrom(bad);
  return {grpc_code(error.code), error.message, details.SerializeAsString()};
}

void stamp(google::protobuf::Timestamp* time) {
  time->set_seconds(
      std::chrono::duration_cast<seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
}

std::string key_of(const std::string& kind, const std::string& name_space,
                   const std::string& name) {
  return fmt::format("{} {}/{}", kind, name_space, name);
}
std::string key_of(const v1::Resource& resource) {
  return key_of(resource.kind(), resource.metadata().namespace_(), resource.metadata().name());
}

v1::Operation& begin_operation(Memory& memory, const std::string& kind,
                               const v1::ClusterRef& cluster) {
  v1::Operation operation;
  operation.set_id(fmt::format("op-{}", memory.operations.size() + 1));
  operation.set_kind(kind);
  *operation.mutable_cluster() = cluster;
  operation.set_state(memory.operations_run ? "running" : "succeeded");
  stamp(operation.mutable_created());
  if (!memory.operations_run) stamp(operation.mutable_finished());
  for (const char* name : {"prepare", "finish"}) {
    auto* step = operation.add_steps();
    step->set_name(name);
    step->set_state(memory.operations_run ? "pending" : "done");
  }
  if (memory.operations_run) operation.mutable_steps(0)->set_state("running");
  memory.operations.push_back(operation);
  return memory.operations.back();
}

class Services final : public v1::Resources::Service,
                       public v1::Clusters::Service,
                       public v1::Operations::Service,
                       public v1::Events::Service {
 public:
  explicit Services(Sync<Memory>& memory) : memory_(memory) {}

  // Resources
  grpc::Status Apply(grpc::ServerContext* context, const v1::ApplyRequest* request,
                     v1::ApplyResponse* response) override {
    return change(context, [&](Memory& memory) {
      const auto wrong = wrong_fields(*request);
      if (!wrong.empty()) return to_status(invalid_fields(wrong));
      for (const auto& wanted : request->resources()) {
        apply_one(memory, wanted, request->dry_run(), *response->add_results());
      }
      return grpc::Status::OK;
    });
  }
  grpc::Status Get(grpc::ServerContext* context, const v1::GetRequest* request,
                   v1::Resource* response) override {
    return change(context, [&](Memory& memory) {
      const auto found =
          memory.resources.find(key_of(request->kind(), request->namespace_(), request->name()));
      if (found == memory.resources.end()) {
        return to_status(not_found(fmt::format("there is no {} {}/{}", request->kind(),
                                               request->namespace_(), request->name())));
      }
      *response = found->second;
      return grpc::Status::OK;
    });
  }
  grpc::Status List(grpc::ServerContext* context, const v1::ListRequest* request,
                    v1::ListResponse* response) override {
    return change(context, [&](Memory& memory) {
      for (const auto& [key, resource] : memory.resources) {
        if (matches(*request, resource)) *response->add_resources() = resource;
      }
      return grpc::Status::OK;
    });
  }
  grpc::Status Delete(grpc::ServerContext* context, const v1::DeleteRequest* request,
                      v1::DeleteResponse* response) override {
    return change(context, [&](Memory& memory) {
      const auto found =
          memory.resources.find(key_of(request->kind(), request->namespace_(), request->name()));
      if (found == memory.resources.end()) {
        return to_status(not_found(fmt::format("there is no {} {}/{}", request->kind(),
                                               request->namespace_(), request->name())));
      }
      if (request->kind() == "MySQL") {
        v1::ClusterRef cluster;
        cluster.set_namespace_(request->namespace_());
        cluster.set_name(request->name());
        *response->mutable_operation() = begin_operation(memory, "delete", cluster);
      }
      memory.resources.erase(found);
      return grpc::Status::OK;
    });
  }
  grpc::Status Watch(grpc::ServerContext* context, const v1::ListRequest* request,
                     grpc::ServerWriter<v1::WatchEvent>* writer) override {
    std::map<std::string, v1::Resource> sent;
    return stream(context, [&](const Memory& memory) {
      for (const auto& [key, resource] : memory.resources) {
        if (!matches(*request, resource)) continue;
        const auto last = sent.find(key);
        const bool fresh = last == sent.end();
        if (!fresh && last->second.SerializeAsString() == resource.SerializeAsString()) continue;
        sent[key] = resource;
        v1::WatchEvent event;
        event.set_type(fresh ? "added" : "modified");
        *event.mutable_resource() = resource;
        if (!writer->Write(event)) return false;
      }
      for (auto last = sent.begin(); last != sent.end();) {
        if (memory.resources.count(last->first) > 0) {
          ++last;
          continue;
        }
        v1::WatchEvent event;
        event.set_type("deleted");
        *event.mutable_resource() = last->second;
        last = sent.erase(last);
        if (!writer->Write(event)) return false;
      }
      return true;
    });
  }

  // Clusters
  grpc::Status GetTopology(grpc::ServerContext* context, const v1::GetTopologyRequest* request,
                           v1::Topology* response) override {
    return change(context, [&](Memory& memory) {
      if (request->cluster().name() != memory.topology.cluster().name()) {
        return to_status(
            not_found(fmt::format("there is no cluster {}/{}", request->cluster().namespace_(),
                                  request->cluster().name())));
      }
      *response = memory.topology;
      return grpc::Status::OK;
    });
  }
  grpc::Status WatchTopology(grpc::ServerContext* context, const v1::GetTopologyRequest*,
                             grpc::ServerWriter<v1::Topology>* writer) override {
    std::string last;
    return stream(context, [&](const Memory& memory) {
      if (last == memory.topology.SerializeAsString()) return true;
      last = memory.topology.SerializeAsString();
      return writer->Write(memory.topology);
    });
  }
  grpc::Status Switchover(grpc::ServerContext* context, const v1::SwitchoverRequest* request,
                          v1::Operation* response) override {
    return change(context, [&](Memory& memory) {
      memory.switchover = *request;
      if (request->to() == "gone") {
        return to_status(
            precondition("node gone is not connected", "wait until its agent is back"));
      }
      *response = begin_operation(memory, "switchover", request->cluster());
      if (request->dry_run()) memory.operations.pop_back();
      return grpc::Status::OK;
    });
  }
  grpc::Status Failover(grpc::ServerContext* context, const v1::FailoverRequest* request,
                        v1::Operation* response) override {
    return change(context, [&](Memory& memory) {
      memory.failover = *request;
      *response = begin_operation(memory, "failover", request->cluster());
      if (request->allow_data_loss())
        (*response->mutable_arguments())["may_be_lost"] = "7 transactions of shop-0";
      if (request->dry_run()) memory.operations.pop_back();
      return grpc::Status::OK;
    });
  }
  grpc::Status SetMaintenance(grpc::ServerContext* context, const v1::MaintenanceRequest* request,
                              v1::Operation* response) override {
    return change(context, [&](Memory& memory) {
      memory.maintenance = *request;
      if (request->node() == "shop-0") {
        return to_status(precondition("shop-0 is the primary: maintenance would end all writes",
                                      "first move the primary away: cdb switchover"));
      }
      *response = begin_operation(memory, request->on() ? "maintenance" : "maintenance-end",
                                  request->cluster());
      if (request->dry_run()) memory.operations.pop_back();
      return grpc::Status::OK;
    });
  }
  grpc::Status Rejoin(grpc::ServerContext* context, const v1::RejoinRequest* request,
                      v1::Operation* response) override {
    return change(context, [&](Memory& memory) {
      memory.rejoin = *request;
      *response =
          begin_operation(memory, request->reseed() ? "reseed" : "rejoin", request->cluster());
      if (request->reseed()) (*response->mutable_arguments())["archives"] = "uuid:1-3";
      if (request->dry_run()) memory.operations.pop_back();
      return grpc::Status::OK;
    });
  }
  grpc::Status GetConnection(grpc::ServerContext* context, const v1::GetConnectionRequest*,
                             v1::Connection* response) override {
    return change(context, [&](Memory& memory) {
      *response = memory.connection;
      return grpc::Status::OK;
    });
  }
  grpc::Status GetCatalogue(grpc::ServerContext* context, const v1::GetCatalogueRequest*,
                            v1::Catalogue* response) override {
    return change(context, [&](Memory&) {
      auto* flavor = response->add_flavors();
      flavor->set_name("small");
      flavor->set_vcpu(2);
      flavor->set_memory_bytes(uint64_t{1536} << 20);
      flavor->set_disk_bytes(uint64_t{20} << 30);
      response->add_mysql_versions("5.6.24");
      response->add_mysql_versions("9.7.4");
      return grpc::Status::OK;
    });
  }

  // Operations
  grpc::Status Get(grpc::ServerContext* context, const v1::GetOperationRequest* request,
                   v1::Operation* response) override {
    return change(context, [&](Memory& memory) {
      for (const auto& operation : memory.operations) {
        if (operation.id() != request->id()) continue;
        *response = operation;
        return grpc::Status::OK;
      }
      return to_status(not_found("there is no operation " + request->id()));
    });
  }
  grpc::Status List(grpc::ServerContext* context, const v1::ListOperationsRequest* request,
                    v1::ListOperationsResponse* response) override {
    return change(context, [&](Memory& memory) {
      for (const auto& operation : memory.operations) {
        if (request->running_only() && operation.state() != "running") continue;
        if (request->has_cluster() && operation.cluster().name() != request->cluster().name())
          continue;
        *response->add_operations() = operation;
      }
      return grpc::Status::OK;
    });
  }
  grpc::Status Watch(grpc::ServerContext* context, const v1::GetOperationRequest* request,
                     grpc::ServerWriter<v1::Operation>* writer) override {
    std::string last;
    bool found = false;
    const grpc::Status ended = stream(context, [&](const Memory& memory) {
      for (const auto& operation : memory.operations) {
        if (operation.id() != request->id()) continue;
        found = true;
        if (last == operation.SerializeAsString()) return true;
        last = operation.SerializeAsString();
        return writer->Write(operation) && operation.state() == "running";
      }
      return false;
    });
    return found ? ended : to_status(not_found("there is no operation " + request->id()));
  }

  // Events
  grpc::Status List(grpc::ServerContext* context, const v1::ListEventsRequest* request,
                    v1::ListEventsResponse* response) override {
    return change(context, [&](Memory& memory) {
      for (const auto& event : matching(memory, *request))
        *response->add_events() = event;
      return grpc::Status::OK;
    });
  }
  grpc::Status Watch(grpc::ServerContext* context, const v1::ListEventsRequest* request,
                     grpc::ServerWriter<v1::Event>* writer) override {
    v1::ListEventsRequest next = *request;
    return stream(context, [&](const Memory& memory) {
      for (const auto& event : matching(memory, next)) {
        next.set_after(event.sequence());
        next.set_limit(0);
        if (!writer->Write(event)) return false;
      }
      return true;
    });
  }

 private:
  template <typename Body>
  grpc::Status change(grpc::ServerContext* context, Body body) {
    return memory_.with([&](Memory& memory) {
      note_user(context, memory);
      if (memory.refusal) return to_status(*memory.refusal);
      ++memory.changes;
      return body(memory);
    });
  }

  // Calls `send` with what is known now and after every change until it says no more.
  template <typename Send>
  grpc::Status stream(grpc::ServerContext* context, Send send) {
    memory_.with([&](Memory& memory) {
      note_user(context, memory);
      ++memory.streams;
    });
    uint64_t seen = 0;
    for (bool first = true;; first = false) {
      Memory now;
      const auto changed = [&](Memory& memory) {
        if (!first && memory.changes == seen && !memory.down) return false;
        now = memory;
        return true;
      };
      const bool news = memory_.wait({}, Deadline::after(milliseconds(20)), changed);
      if (context->IsCancelled() || (news && now.down)) break;
      if (!news) continue;
      seen = now.changes;
      if (!send(now)) break;
    }
    const bool down = memory_.with([](Memory& memory) {
      --memory.streams;
      return memory.down;
    });
    return down ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "going down") : grpc::Status::OK;
  }

  static void note_user(grpc::ServerContext* context, Memory& memory) {
    const auto found = context->client_metadata().find("cdb-user");
    if (found == context->client_metadata().end()) return;
    memory.user.assign(found->second.data(), found->second.size());
  }

  static bool matches(const v1::ListRequest& request, const v1::Resource& resource) {
    return (request.kind().empty() || request.kind() == resource.kind()) &&
           (request.namespace_().empty() ||
            request.namespace_() == resource.metadata().namespace_());
  }

  static std::vector<FieldError> wrong_fields(const v1::ApplyRequest& request) {
    std::vector<FieldError> wrong;
    for (int i = 0; i < request.resources_size(); ++i) {
      const auto& resource = request.resources(i);
      const auto at = [i](const std::string& path) {
        return fmt::format("resources[{}].{}", i, path);
      };
      if (resource.has_mysql() && resource.mysql().flavor() != "small") {
        wrong.push_back({at("spec.flavor"), "unknown flavor '" + resource.mysql().flavor() + "'",
                         "there are small"});
      }
      for (const auto& [name, value] : resource.mysql_config().settings()) {
        if (name.rfind("no_such", 0) == 0) {
          wrong.push_back({at("spec.settings." + name), "there is no variable " + name, {}});
        }
      }
    }
    return wrong;
  }

  static void apply_one(Memory& memory, const v1::Resource& wanted, bool dry_run,
                        v1::ApplyResult& result) {
    const auto found = memory.resources.find(key_of(wanted));
    v1::Resource stored = wanted;
    auto& metadata = *stored.mutable_metadata();
    const bool fresh = found == memory.resources.end();
    metadata.set_uid(fmt::format("uid-{}", wanted.metadata().name()));
    metadata.set_generation(fresh ? 1 : found->second.metadata().generation() + 1);
    stamp(metadata.mutable_created());
    stored.mutable_status()->set_state(fresh ? "creating" : "ready");
    const auto spec_of = [](v1::Resource resource) {
      resource.clear_metadata();
      resource.clear_status();
      return resource.SerializeAsString();
    };
    const bool same = !fresh && spec_of(found->second) == spec_of(wanted);
    result.set_action(fresh ? "created" : same ? "unchanged" : "configured");
    *result.mutable_resource() = same ? found->second : stored;
    if (wanted.mysql().replica() == 0 && wanted.has_mysql()) {
      result.add_warnings("without a replica nothing takes over");
    }
    if (dry_run || same) return;
    memory.resources[key_of(wanted)] = stored;
    if (!wanted.has_mysql()) return;
    v1::ClusterRef cluster;
    cluster.set_namespace_(metadata.namespace_());
    cluster.set_name(metadata.name());
    *result.mutable_operation() =
        begin_operation(memory, fresh ? "create" : "reconfigure", cluster);
  }

  static std::vector<v1::Event> matching(const Memory& memory,
                                         const v1::ListEventsRequest& request) {
    std::vector<v1::Event> found;
    for (const auto& event : memory.events) {
      if (event.sequence() <= request.after()) continue;
      if (request.has_cluster() && event.cluster().name() != request.cluster().name()) continue;
      found.push_back(event);
    }
    const auto limit = static_cast<size_t>(request.limit() == 0 ? 1000 : request.limit());
    if (found.size() > limit)
      found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(limit));
    return found;
  }

  Sync<Memory>& memory_;
};

}  // namespace

struct FakeCoordinator::Impl {
  Impl() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cdb-cli-XXXXXX").string();
    CDB_INVARIANT(::mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
  }
  ~Impl() {
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    if (error) fmt::print(stderr, "{}: {}\n", folder.string(), error.message());
  }

  void start() {
    memory.with([](Memory& m) { m.down = false; });
    grpc::ServerBuilder builder;
    builder.AddListeningPort(endpoint(), grpc::InsecureServerCredentials());
    builder.RegisterService(static_cast<v1::Resources::Service*>(&services));
    builder.RegisterService(static_cast<v1::Clusters::Service*>(&services));
    builder.RegisterService(static_cast<v1::Operations::Service*>(&services));
    builder.RegisterService(static_cast<v1::Events::Service*>(&services));
    server = builder.BuildAndStart();
    CDB_INVARIANT(server != nullptr);
  }
  void stop() {
    if (!server) return;
    memory.with([](Memory& m) { m.down = true; });
    server->Shutdown(std::chrono::system_clock::now());
    server->Wait();
    server.reset();
  }
  [[nodiscard]] std::string endpoint() const { return "unix:" + (folder / "socket").string(); }
  template <typename Body>
  void change(Body body) {
    memory.with([&](Memory& m) {
      ++m.changes;
      body(m);
    });
  }

  std::filesystem::path folder{};
  Sync<Memory> memory{};
  Services services{memory};
  std::unique_ptr<grpc::Server> server{};
};

FakeCoordinator::FakeCoordinator() : impl_(std::make_unique<Impl>()) {
  impl_->start();
}
FakeCoordinator::~FakeCoordinator() {
  impl_->stop();
}
std::string FakeCoordinator::endpoint() const {
  return impl_->endpoint();
}
void FakeCoordinator::go_down() {
  impl_->stop();
}
void FakeCoordinator::come_back() {
  impl_->start();
}

void FakeCoordinator::let_operations_run() {
  impl_->change([](Memory& memory) { memory.operations_run = true; });
}
void FakeCoordinator::change_operation(const std::string& id,
                                       const std::function<void(v1::Operation&)>& change) {
  impl_->change([&](Memory& memory) {
    for (auto& operation : memory.operations) {
      if (operation.id() == id) change(operation);
    }
  });
}
void FakeCoordinator::end_operation(const std::string& id, const std::string& problem) {
  change_operation(id, [&](v1::Operation& operation) {
    operation.set_state(problem.empty() ? "succeeded" : "failed");
    operation.set_problem(problem);
    stamp(operation.mutable_finished());
    for (auto& step : *operation.mutable_steps())
      step.set_state(problem.empty() ? "done" : "failed");
  });
}
v1::Operation FakeCoordinator::add_operation(const std::string& kind, const std::string& cluster) {
  v1::Operation added;
  impl_->change([&](Memory& memory) {
    v1::ClusterRef ref;
    ref.set_namespace_("default");
    ref.set_name(cluster);
    added = begin_operation(memory, kind, ref);
  });
  return added;
}
void FakeCoordinator::refuse_with(std::shared_ptr<const Error> error) {
  impl_->change([&](Memory& memory) { memory.refusal = std::move(error); });
}
void FakeCoordinator::set_topology(const v1::Topology& topology) {
  impl_->change([&](Memory& memory) { memory.topology = topology; });
}
void FakeCoordinator::set_connection(const v1::Connection& connection) {
  impl_->change([&](Memory& memory) { memory.connection = connection; });
}
void FakeCoordinator::add_event(const std::string& cluster, const std::string& message) {
  impl_->change([&](Memory& memory) {
    v1::Event event;
    event.set_sequence(memory.events.size() + 1);
    stamp(event.mutable_time());
    event.mutable_cluster()->set_namespace_("default");
    event.mutable_cluster()->set_name(cluster);
    event.set_type("test");
    event.set_severity("info");
    event.set_message(message);
    memory.events.push_back(event);
  });
}
void FakeCoordinator::change_status(const std::string& name, const v1::ResourceStatus& status) {
  impl_->change([&](Memory& memory) {
    for (auto& [key, resource] : memory.resources) {
      if (resource.metadata().name() == name) *resource.mutable_status() = status;
    }
  });
}
void FakeCoordinator::add_generated(const v1::Resource& resource) {
  impl_->change([&](Memory& memory) { memory.resources[key_of(resource)] = resource; });
}

std::vector<v1::Resource> FakeCoordinator::resources() const {
  return impl_->memory.read([](const Memory& memory) {
    std::vector<v1::Resource> all;
    for (const auto& [key, resource] : memory.resources)
      all.push_back(resource);
    return all;
  });
}
std::string FakeCoordinator::last_user() const {
  return impl_->memory.read([](const Memory& memory) { return memory.user; });
}
v1::FailoverRequest FakeCoordinator::last_failover() const {
  return impl_->memory.read([](const Memory& memory) { return memory.failover; });
}
v1::MaintenanceRequest FakeCoordinator::last_maintenance() const {
  return impl_->memory.read([](const Memory& memory) { return memory.maintenance; });
}
v1::RejoinRequest FakeCoordinator::last_rejoin() const {
  return impl_->memory.read([](const Memory& memory) { return memory.rejoin; });
}
v1::SwitchoverRequest FakeCoordinator::last_switchover() const {
  return impl_->memory.read([](const Memory& memory) { return memory.switchover; });
}
bool FakeCoordinator::wait_for_streams(int count) const {
  return impl_->memory.wait({}, Deadline::after(seconds(20)),
                            [&](const Memory& memory) { return memory.streams >= count; });
}

}  // namespace cdb::cli
