#pragma once
// Between the messages of the coordinator's API and the values of coordinator/core. Pure, any
// thread. from_proto() checks what a value cannot hold (kinds, names, two fields that say different
// things); whether the values make sense is the engine's to say. Its errors name fields:
// "spec.version".

#include <optional>
#include <vector>

#include "coordinator/core/resources.h"
#include "coordinator/core/state.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace google::protobuf {
class Timestamp;
}
namespace cdb::v1 {
class ApplyRequest;
class Event;
class Operation;
class Resource;
}  // namespace cdb::v1

namespace cdb::coordinator {

inline constexpr const char* kApiVersion = "cdb.cycloud.io/v1";

google::protobuf::Timestamp to_proto(WallTime time);
// To the microsecond; invalid outside the years 1 to 9999.
Result<WallTime> from_proto(const google::protobuf::Timestamp& time);

// Without a status.
v1::Resource to_proto(const Resource& resource);
// An empty namespace is "default"; what only the system writes is taken as it stands, status is not
// looked at. All that is wrong is said at once.
Result<Resource> from_proto(const v1::Resource& message);
// The same for all of them; fields are named "resources[2].spec.version".
Result<std::vector<Resource>> from_proto(const v1::ApplyRequest& message);

v1::Operation to_proto(const Operation& operation);
v1::Event to_proto(const Event& event);

}  // namespace cdb::coordinator
