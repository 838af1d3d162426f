#pragma once
// The values of coordinator/core/state.h as JSON text, for any StateStore. Pure, any thread. Every
// field is written and every field is required when read: a new one comes with a migration of the
// store. Decoding says invalid, with the path of the field.

#include <string>
#include <string_view>

#include "coordinator/core/state.h"
#include "lib/base/result.h"

namespace cdb::coordinator {

// With passwords in clear: for files that only the coordinator may read.
std::string encode(const Resource& resource);
std::string encode(const ClusterRow& cluster);
std::string encode(const Operation& operation);

Result<Resource> decode_resource(std::string_view text);
Result<ClusterRow> decode_cluster(std::string_view text);
Result<Operation> decode_operation(std::string_view text);

}  // namespace cdb::coordinator
