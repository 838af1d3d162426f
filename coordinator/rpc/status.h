#pragma once
// The one place where our errors become gRPC's. Pure.

#include <grpcpp/support/status.h>

#include "lib/base/result.h"

namespace cdb::coordinator {

// The code, the message, and a google.rpc.Status in the trailer with
//   ErrorInfo{reason: "NOT_FOUND" (the code's own name), domain: "cdb.cycloud.io",
//             metadata: {"hint": ...}}
//   BadRequest, where the error names fields ("message (hint: ...)" for each).
grpc::Status to_grpc(const Error& error);
inline grpc::Status to_grpc(const Status& status) {
  return status ? grpc::Status::OK : to_grpc(status.error());
}

}  // namespace cdb::coordinator
