#pragma once
// A gRPC status as an error, with what the coordinator added to it. Pure.

#include <string>

#include "lib/base/result.h"

namespace grpc {
class Status;
}

namespace cdb::cli {

struct CallError {
  Error error{};
  bool from_coordinator{false};  // said by it, not by a broken connection
};

CallError call_error(const grpc::Status& status, const std::string& endpoint);

}  // namespace cdb::cli
