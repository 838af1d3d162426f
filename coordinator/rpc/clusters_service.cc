#include <string>
#include <utility>

#include "cdb/v1/clusters.grpc.pb.h"
#include "coordinator/convert/resource_convert.h"
#include "coordinator/rpc/reactors.h"
#include "coordinator/rpc/services.h"
#include "coordinator/rpc/view_messages.h"
#include "lib/base/text.h"

namespace cdb::coordinator {
namespace {

using Context = grpc::CallbackServerContext;
using Unary = grpc::ServerUnaryReactor;

constexpr size_t kLongestReason = 1000;

// Whenever it differs from what was sent; ends with NotFound when the cluster is deleted.
class TopologyChanges {
 public:
  explicit TopologyChanges(model::ClusterId cluster) : cluster_(std::move(cluster)) {}

  Result<News<v1::Topology>> operator()(const Engine& engine) {
    CDB_ASSIGN_OR_RETURN(const TopologyView view, engine.topology(cluster_));
    v1::Topology topology = to_proto(view);
    News<v1::Topology> news;
    // Equal messages without maps have equal bytes within one process.
    std::string bytes = topology.SerializeAsString();
    if (bytes != known_) news.messages.push_back(std::move(topology));
    known_ = std::move(bytes);
    return news;
  }

 private:
  model::ClusterId cluster_;
  std::string known_{};
};

// Who calls, by their own word; empty where they do not say.
std::string caller(const Context& context) {
  constexpr size_t kLongestName = 64;
  const auto found = context.client_metadata().find("cdb-user");
  if (found == context.client_metadata().end()) return {};
  return to_utf8(std::string_view(found->second.data(), found->second.size()), kLongestName);
}

class ClustersService final : public v1::Clusters::CallbackService {
 public:
  explicit ClustersService(Desk desk) : desk_(std::move(desk)) {}

  Unary* GetTopology(Context* context, const v1::GetTopologyRequest* request,
                     v1::Topology* response) override {
    const auto cluster = cluster_named(request->cluster());
    if (!cluster) return refuse(context, cluster.error());
    return answer(desk_.host, [cluster = *cluster, response](Engine& engine, Now) -> Status {
      CDB_ASSIGN_OR_RETURN(const TopologyView view, engine.topology(cluster));
      *response = to_proto(view);
      return {};
    });
  }

  grpc::ServerWriteReactor<v1::Topology>* WatchTopology(
      Context*, const v1::GetTopologyRequest* request) override {
    const auto cluster = cluster_named(request->cluster());
    if (!cluster) return refuse_watch<v1::Topology>(desk_, cluster.error());
    return watch<v1::Topology>(desk_, TopologyChanges(*cluster));
  }

  Unary* Switchover(Context* context, const v1::SwitchoverRequest* request,
                    v1::Operation* response) override {
    const auto cluster = cluster_named(request->cluster());
    if (!cluster) return refuse(context, cluster.error());
    return answer(desk_.host,
                  [cluster = *cluster, to = request->to(), dry_run = request->dry_run(), response](
                      Engine& engine, Now now) -> Status {
                    CDB_ASSIGN_OR_RETURN(const Operation operation,
                                         engine.switchover(cluster, to, dry_run, now));
                    *response = to_proto(operation);
                    return {};
                  });
  }

  Unary* Failover(Context* context, const v1::FailoverRequest* request,
                  v1::Operation* response) override {
    const auto cluster = cluster_named(request->cluster());
    if (!cluster) return refuse(context, cluster.error());
    if (request->reason().size() > kLongestReason) {
      return refuse(context, invalid("the reason is longer than 1000 bytes"));
    }
    FailoverAsk ask;
    ask.to = request->to();
    ask.reason = request->reason();
    ask.who = caller(*context);
    ask.allow_data_loss = request->allow_data_loss();
    ask.dry_run = request->dry_run();
    return answer(
        desk_.host, [cluster = *cluster, ask, response](Engine& engine, Now now) -> Status {
          CDB_ASSIGN_OR_RETURN(const Operation operation, engine.failover(cluster, ask, now));
          *response = to_proto(operation);
          return {};
        });
  }

  Unary* SetMaintenance(Context* context, const v1::MaintenanceRequest* request,
                        v1::Operation* response) override {
    const auto cluster = cluster_named(request->cluster());
    if (!cluster) return refuse(context, cluster.error());
    const NodeAsk ask{request->node(), caller(*context), request->allow_unprotected(),
                      request->dry_run()};
    return answer(
        desk_.host,
        [cluster = *cluster, ask, on = request->on(), response](Engine& engine, Now now) -> Status {
          CDB_ASSIGN_OR_RETURN(const Operation operation,
                               engine.maintenance(cluster, ask, on, now));
          *response = to_proto(operation);
          return {};
        });
  }

  Unary* Rejoin(Context* context, const v1::RejoinRequest* request,
                v1::Operation* response) override {
    const auto cluster = cluster_named(request->cluster());
    if (!cluster) return refuse(context, cluster.error());
    const NodeAsk ask{request->node(), caller(*context), false, request->dry_run()};
    return answer(desk_.host,
                  [cluster = *cluster, ask, reseed = request->reseed(), response](
                      Engine& engine, Now now) -> Status {
                    CDB_ASSIGN_OR_RETURN(const Operation operation,
                                         engine.rejoin(cluster, ask, reseed, now));
                    *response = to_proto(operation);
                    return {};
                  });
  }

  Unary* GetConnection(Context* context, const v1::GetConnectionRequest* request,
                       v1::Connection* response) override {
    const auto cluster = cluster_named(request->cluster());
    if (!cluster) return refuse(context, cluster.error());
    return answer(desk_.host, [cluster = *cluster, response](Engine& engine, Now) -> Status {
      CDB_ASSIGN_OR_RETURN(const ConnectionView view, engine.connection(cluster));
      *response = to_proto(view);
      return {};
    });
  }

  Unary* GetCatalogue(Context*, const v1::GetCatalogueRequest*, v1::Catalogue* response) override {
    return answer(desk_.host, [response](Engine& engine, Now) -> Status {
      *response = to_proto(engine.catalogue());
      return {};
    });
  }

 private:
  const Desk desk_;
};

}  // namespace

NamedService make_clusters_service(EngineHost& host, std::shared_ptr<OpenStreams> streams) {
  return {std::string(v1::Clusters::service_full_name()),
          std::make_shared<ClustersService>(Desk{host, std::move(streams)})};
}

}  // namespace cdb::coordinator
