#pragma once
// The engine's views as messages of the API, and the names in its requests. Pure, any thread.

#include "coordinator/engine/views.h"
#include "lib/base/result.h"

namespace cdb::v1 {
class ApplyResult;
class Catalogue;
class ClusterRef;
class Connection;
class Resource;
class Topology;
}  // namespace cdb::v1

namespace cdb::coordinator {

v1::Resource to_proto(const ResourceView& view);
v1::ApplyResult to_proto(const ApplyItem& item);
v1::Topology to_proto(const TopologyView& view);
v1::Connection to_proto(const ConnectionView& view);
v1::Catalogue to_proto(const CatalogueView& view);

// Invalid where something is missing. An empty namespace is "default".
Result<model::ClusterId> cluster_named(const v1::ClusterRef& cluster);
Result<ResourceKey> resource_named(const std::string& kind, const std::string& name_space,
                                   const std::string& name);

}  // namespace cdb::coordinator
