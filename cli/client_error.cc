#include "cli/client_error.h"

#include <fmt/format.h>
#include <grpcpp/support/status.h>

#include "google/rpc/error_details.pb.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

Code code_of(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE: return Code::Invalid;
    case grpc::StatusCode::NOT_FOUND: return Code::NotFound;
    case grpc::StatusCode::ALREADY_EXISTS:
    case grpc::StatusCode::ABORTED: return Code::Conflict;
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::RESOURCE_EXHAUSTED: return Code::Precondition;
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED: return Code::Denied;
    case grpc::StatusCode::UNAVAILABLE: return Code::Unavailable;
    case grpc::StatusCode::DEADLINE_EXCEEDED: return Code::Deadline;
    case grpc::StatusCode::CANCELLED: return Code::Cancelled;
    case grpc::StatusCode::OK:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNIMPLEMENTED:
    case grpc::StatusCode::DATA_LOSS:
    case grpc::StatusCode::DO_NOT_USE: return Code::Internal;
  }
  return Code::Internal;
}

// The coordinator names its own code where gRPC's is coarser.
Code refined(Code code, std::string_view reason) {
  const std::string wanted = to_lower(reason);
  for (const Code known :
       {Code::Invalid, Code::NotFound, Code::Conflict, Code::Precondition, Code::Denied,
        Code::Unavailable, Code::Deadline, Code::OutcomeUnknown, Code::Cancelled, Code::Internal}) {
    if (to_string(known) == wanted) return known;
  }
  return code;
}

// The coordinator puts a field's hint behind its description, for clients that know no better.
FieldError field_error(const google::rpc::BadRequest::FieldViolation& violation) {
  constexpr std::string_view kMark = " (hint: ";
  FieldError error{violation.field(), violation.description(), {}};
  const size_t mark = error.message.rfind(kMark);
  if (mark == std::string::npos || error.message.back() != ')') return error;
  const size_t begin = mark + kMark.size();
  error.hint = error.message.substr(begin, error.message.size() - begin - 1);
  error.message.resize(mark);
  return error;
}

void read_details(const std::string& bytes, CallError& result) {
  google::rpc::Status details;
  if (bytes.empty() || !details.ParseFromString(bytes)) return;
  result.from_coordinator = true;
  for (const auto& any : details.details()) {
    google::rpc::BadRequest bad;
    google::rpc::ErrorInfo info;
    if (any.Is<google::rpc::BadRequest>() && any.UnpackTo(&bad)) {
      for (const auto& violation : bad.field_violations()) {
        result.error.fields.push_back(field_error(violation));
      }
    } else if (any.Is<google::rpc::ErrorInfo>() && any.UnpackTo(&info)) {
      result.error.code = refined(result.error.code, info.reason());
      const auto hint = info.metadata().find("hint");
      if (hint != info.metadata().end()) result.error.hint = hint->second;
    }
  }
}

}  // namespace

CallError call_error(const grpc::Status& status, const std::string& endpoint) {
  CallError result;
  result.error.code = code_of(status.error_code());
  result.error.message = status.error_message();
  read_details(status.error_details(), result);
  if (result.from_coordinator) return result;
  switch (result.error.code) {
    case Code::Unavailable:
      result.error.message = fmt::format("the connection to the coordinator at {} broke: {}",
                                         endpoint, status.error_message());
      break;
    case Code::Deadline:
      result.error.message = fmt::format("the coordinator at {} did not answer in time", endpoint);
      break;
    case Code::Invalid:
    case Code::NotFound:
    case Code::Conflict:
    case Code::Precondition:
    case Code::Denied:
    case Code::OutcomeUnknown:
    case Code::Cancelled:
    case Code::Internal:
      if (result.error.message.empty()) {
        result.error.message = fmt::format("the coordinator at {} answered with status {}",
                                           endpoint, static_cast<int>(status.error_code()));
      }
      break;
  }
  return result;
}

}  // namespace cdb::cli
