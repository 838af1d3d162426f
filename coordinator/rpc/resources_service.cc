#include <map>
#include <optional>
#include <string>
#include <utility>

#include "cdb/v1/resources.grpc.pb.h"
#include "coordinator/convert/resource_convert.h"
#include "coordinator/rpc/reactors.h"
#include "coordinator/rpc/services.h"
#include "coordinator/rpc/view_messages.h"

namespace cdb::coordinator {
namespace {

using Context = grpc::CallbackServerContext;
using Unary = grpc::ServerUnaryReactor;

Result<std::optional<Kind>> kind_of(const v1::ListRequest& request) {
  if (request.kind().empty()) return std::optional<Kind>{};
  CDB_ASSIGN_OR_RETURN(const Kind kind, parse_kind(request.kind()));
  return std::optional<Kind>{kind};
}

// What becomes of the resources that match, look by look.
class ResourceChanges {
 public:
  ResourceChanges(std::optional<Kind> kind, std::string name_space)
      : kind_(kind), name_space_(std::move(name_space)) {}

  Result<News<v1::WatchEvent>> operator()(const Engine& engine) {
    std::map<ResourceKey, ResourceView> present;
    for (ResourceView& view : engine.resources(kind_, name_space_)) {
      const ResourceKey key = view.resource.key;
      present.emplace(key, std::move(view));
    }
    News<v1::WatchEvent> news;
    const auto tell = [&news](const char* type, const ResourceView& view) {
      v1::WatchEvent& event = news.messages.emplace_back();
      event.set_type(type);
      *event.mutable_resource() = to_proto(view);
    };
    for (const auto& [key, view] : known_) {
      const auto found = present.find(key);
      // Deleted and made anew between two looks: another resource of the same name.
      if (found == present.end() || found->second.resource.uid != view.resource.uid) {
        tell("deleted", view);
      }
    }
    for (const auto& [key, view] : present) {
      const auto found = known_.find(key);
      if (found == known_.end() || found->second.resource.uid != view.resource.uid) {
        tell("added", view);
      } else if (found->second != view) {
        tell("modified", view);
      }
    }
    known_ = std::move(present);
    return news;
  }

 private:
  std::optional<Kind> kind_;
  std::string name_space_;
  std::map<ResourceKey, ResourceView> known_{};
};

class ResourcesService final : public v1::Resources::CallbackService {
 public:
  explicit ResourcesService(Desk desk) : desk_(std::move(desk)) {}

  Unary* Apply(Context* context, const v1::ApplyRequest* request,
               v1::ApplyResponse* response) override {
    Result<std::vector<Resource>> wanted = from_proto(*request);
    if (!wanted) return refuse(context, wanted.error());
    // What only the system writes is no person's to say.
    for (Resource& resource : *wanted) {
      resource = Resource{.key = resource.key, .spec = std::move(resource.spec)};
    }
    return answer(desk_.host,
                  [wanted = std::move(*wanted), dry_run = request->dry_run(), response](
                      Engine& engine, Now now) -> Status {
                    CDB_ASSIGN_OR_RETURN(const std::vector<ApplyItem> items,
                                         engine.apply(wanted, dry_run, now));
                    for (const ApplyItem& item : items)
                      *response->add_results() = to_proto(item);
                    return {};
                  });
  }

  Unary* Get(Context* context, const v1::GetRequest* request, v1::Resource* response) override {
    const auto key = resource_named(request->kind(), request->namespace_(), request->name());
    if (!key) return refuse(context, key.error());
    return answer(desk_.host, [key = *key, response](Engine& engine, Now) -> Status {
      CDB_ASSIGN_OR_RETURN(const ResourceView view, engine.resource(key));
      *response = to_proto(view);
      return {};
    });
  }

  Unary* List(Context* context, const v1::ListRequest* request,
              v1::ListResponse* response) override {
    const auto kind = kind_of(*request);
    if (!kind) return refuse(context, kind.error());
    return answer(desk_.host,
                  [kind = *kind, name_space = request->namespace_(), response](Engine& engine,
                                                                               Now) -> Status {
                    for (const ResourceView& view : engine.resources(kind, name_space)) {
                      *response->add_resources() = to_proto(view);
                    }
                    return {};
                  });
  }

  Unary* Delete(Context* context, const v1::DeleteRequest* request,
                v1::DeleteResponse* response) override {
    const auto key = resource_named(request->kind(), request->namespace_(), request->name());
    if (!key) return refuse(context, key.error());
    return answer(desk_.host, [key = *key, response](Engine& engine, Now now) -> Status {
      CDB_ASSIGN_OR_RETURN(const std::optional<Operation> operation, engine.remove(key, now));
      if (operation) *response->mutable_operation() = to_proto(*operation);
      return {};
    });
  }

  grpc::ServerWriteReactor<v1::WatchEvent>* Watch(Context*,
                                                  const v1::ListRequest* request) override {
    const auto kind = kind_of(*request);
    if (!kind) return refuse_watch<v1::WatchEvent>(desk_, kind.error());
    return watch<v1::WatchEvent>(desk_, ResourceChanges(*kind, request->namespace_()));
  }

 private:
  const Desk desk_;
};

}  // namespace

NamedService make_resources_service(EngineHost& host, std::shared_ptr<OpenStreams> streams) {
  return {std::string(v1::Resources::service_full_name()),
          std::make_shared<ResourcesService>(Desk{host, std::move(streams)})};
}

}  // namespace cdb::coordinator
