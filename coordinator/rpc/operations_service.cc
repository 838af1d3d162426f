// Operations and events: what is being done and what has happened.
#include <optional>
#include <string>
#include <utility>

#include "cdb/v1/operations.grpc.pb.h"
#include "coordinator/convert/resource_convert.h"
#include "coordinator/rpc/reactors.h"
#include "coordinator/rpc/services.h"
#include "coordinator/rpc/view_messages.h"

namespace cdb::coordinator {
namespace {

using Context = grpc::CallbackServerContext;
using Unary = grpc::ServerUnaryReactor;

constexpr int kUsualEvents = 1000;
constexpr int kMostEvents = 10000;  // about 2 MB, half of what a client takes in one message

// None where the request names no cluster: all of them.
template <typename Request>
Result<std::optional<model::ClusterId>> cluster_of(const Request& request) {
  if (!request.has_cluster()) return std::optional<model::ClusterId>{};
  CDB_ASSIGN_OR_RETURN(model::ClusterId cluster, cluster_named(request.cluster()));
  return std::optional<model::ClusterId>{std::move(cluster)};
}

// Until the operation has finished.
class OperationChanges {
 public:
  explicit OperationChanges(model::OperationId id) : id_(std::move(id)) {}

  Result<News<v1::Operation>> operator()(const Engine& engine) {
    CDB_ASSIGN_OR_RETURN(Operation operation, engine.operation(id_));
    News<v1::Operation> news;
    news.last = operation.state != OperationState::Running;
    if (known_ != operation) news.messages.push_back(to_proto(operation));
    known_ = std::move(operation);
    return news;
  }

 private:
  model::OperationId id_;
  std::optional<Operation> known_{};
};

class OperationsService final : public v1::Operations::CallbackService {
 public:
  explicit OperationsService(Desk desk) : desk_(std::move(desk)) {}

  Unary* Get(Context*, const v1::GetOperationRequest* request, v1::Operation* response) override {
    return answer(
        desk_.host,
        [id = model::OperationId(request->id()), response](Engine& engine, Now) -> Status {
          CDB_ASSIGN_OR_RETURN(const Operation operation, engine.operation(id));
          *response = to_proto(operation);
          return {};
        });
  }

  Unary* List(Context* context, const v1::ListOperationsRequest* request,
              v1::ListOperationsResponse* response) override {
    const auto cluster = cluster_of(*request);
    if (!cluster) return refuse(context, cluster.error());
    return answer(desk_.host,
                  [cluster = *cluster, running = request->running_only(), response](Engine& engine,
                                                                                    Now) -> Status {
                    for (const Operation& each : engine.operations(cluster, running)) {
                      *response->add_operations() = to_proto(each);
                    }
                    return {};
                  });
  }

  grpc::ServerWriteReactor<v1::Operation>* Watch(Context*,
                                                 const v1::GetOperationRequest* request) override {
    return watch<v1::Operation>(desk_, OperationChanges(model::OperationId(request->id())));
  }

 private:
  const Desk desk_;
};

Result<EventQuery> query_of(const v1::ListEventsRequest& request) {
  CDB_ASSIGN_OR_RETURN(auto cluster, cluster_of(request));
  if (request.limit() < 0 || request.limit() > kMostEvents) {
    return invalid("cannot list " + std::to_string(request.limit()) + " events",
                   "ask for 1 to " + std::to_string(kMostEvents));
  }
  return EventQuery{
      .cluster = std::move(cluster),
      .after = request.after(),
      .limit = static_cast<size_t>(request.limit() == 0 ? kUsualEvents : request.limit())};
}

// Every event after the first look.
class NewEvents {
 public:
  explicit NewEvents(EventQuery query) : query_(std::move(query)) {}

  Result<News<v1::Event>> operator()(const Engine& engine) {
    CDB_ASSIGN_OR_RETURN(const std::vector<Event> events, engine.events(query_));
    // A look finds the newest only: with this many, some in between may be missing.
    if (std::exchange(began_, true) && events.size() >= query_.limit) {
      return unavailable("the reader is too slow for the events",
                         "list those after number " + std::to_string(query_.after));
    }
    News<v1::Event> news;
    for (const Event& event : events) {
      news.messages.push_back(to_proto(event));
      query_.after = event.sequence;
    }
    query_.limit = kMostEvents;
    return news;
  }

 private:
  EventQuery query_;
  bool began_{false};
};

class EventsService final : public v1::Events::CallbackService {
 public:
  explicit EventsService(Desk desk) : desk_(std::move(desk)) {}

  Unary* List(Context* context, const v1::ListEventsRequest* request,
              v1::ListEventsResponse* response) override {
    const auto query = query_of(*request);
    if (!query) return refuse(context, query.error());
    return answer(desk_.host, [query = *query, response](Engine& engine, Now) -> Status {
      CDB_ASSIGN_OR_RETURN(const std::vector<Event> events, engine.events(query));
      for (const Event& event : events)
        *response->add_events() = to_proto(event);
      return {};
    });
  }

  grpc::ServerWriteReactor<v1::Event>* Watch(Context*,
                                             const v1::ListEventsRequest* request) override {
    const auto query = query_of(*request);
    if (!query) return refuse_watch<v1::Event>(desk_, query.error());
    return watch<v1::Event>(desk_, NewEvents(*query));
  }

 private:
  const Desk desk_;
};

}  // namespace

NamedService make_operations_service(EngineHost& host, std::shared_ptr<OpenStreams> streams) {
  return {std::string(v1::Operations::service_full_name()),
          std::make_shared<OperationsService>(Desk{host, std::move(streams)})};
}

NamedService make_events_service(EngineHost& host, std::shared_ptr<OpenStreams> streams) {
  return {std::string(v1::Events::service_full_name()),
          std::make_shared<EventsService>(Desk{host, std::move(streams)})};
}

}  // namespace cdb::coordinator
