#include "coordinator/rpc/status.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "lib/base/text.h"

namespace cdb::coordinator {
namespace {

// Status details travel in HTTP headers, which peers cut off at 8 KiB by default.
constexpr size_t kLongestMessage = 1000;
constexpr size_t kLongestHint = 400;
constexpr size_t kMostDetailBytes = 2500;

grpc::StatusCode to_grpc(Code code) {
  switch (code) {
    case Code::Invalid: return grpc::StatusCode::INVALID_ARGUMENT;
    case Code::NotFound: return grpc::StatusCode::NOT_FOUND;
    case Code::Conflict: return grpc::StatusCode::ABORTED;
    case Code::Precondition: return grpc::StatusCode::FAILED_PRECONDITION;
    case Code::Denied: return grpc::StatusCode::PERMISSION_DENIED;
    case Code::Unavailable: return grpc::StatusCode::UNAVAILABLE;
    case Code::Deadline: return grpc::StatusCode::DEADLINE_EXCEEDED;
    case Code::OutcomeUnknown: return grpc::StatusCode::UNKNOWN;
    case Code::Cancelled: return grpc::StatusCode::CANCELLED;
    case Code::Internal: return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

std::string reason(Code code) {
  std::string word(to_string(code));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return word;
}

google::rpc::BadRequest bad_request(const std::vector<FieldError>& fields) {
  google::rpc::BadRequest request;
  for (const FieldError& field : fields) {
    auto* violation = request.add_field_violations();
    violation->set_field(to_utf8(field.field, kLongestHint));
    violation->set_description(
        to_utf8(field.hint.empty() ? field.message : field.message + " (hint: " + field.hint + ")",
                kLongestMessage));
    if (request.ByteSizeLong() > kMostDetailBytes) {
      request.mutable_field_violations()->RemoveLast();
      break;
    }
  }
  return request;
}

}  // namespace

grpc::Status to_grpc(const Error& error) {
  const grpc::StatusCode code = to_grpc(error.code);
  const std::string message = to_utf8(error.message, kLongestMessage);
  google::rpc::ErrorInfo info;
  info.set_reason(reason(error.code));
  info.set_domain("cdb.cycloud.io");
  if (!error.hint.empty()) (*info.mutable_metadata())["hint"] = to_utf8(error.hint, kLongestHint);

  google::rpc::Status details;
  details.set_code(static_cast<int>(code));
  details.set_message(message);
  details.add_details()->PackFrom(info);
  if (!error.fields.empty()) details.add_details()->PackFrom(bad_request(error.fields));
  return {code, message, details.SerializeAsString()};
}

}  // namespace cdb::coordinator
