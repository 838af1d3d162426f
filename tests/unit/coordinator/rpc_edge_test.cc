#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <grpcpp/support/status.h>

#include "coordinator/rpc/listen_policy.h"
#include "coordinator/rpc/status.h"
#include "google/rpc/error_details.pb.h"

namespace cdb::coordinator {
namespace {

google::rpc::Status details_of(const grpc::Status& status) {
  google::rpc::Status details;
  REQUIRE(details.ParseFromString(status.error_details()));
  return details;
}

}  // namespace

TEST_CASE("the coordinator listens where no other machine reaches it") {
  for (const char* text : {"127.0.0.1:7400", "127.9.9.9:0", "localhost:7400", "[::1]:7400",
                           "198.18.0.1:7400", "198.19.255.255:1", "unix:/run/cdb/c.sock",
                           "unix:relative.sock", "unix:///run/cdb/c.sock"}) {
    CAPTURE(text);
    const auto address = parse_listen_address(text);
    REQUIRE(address.ok());
    CHECK(check_listen_address(*address, false).ok());
  }
}

TEST_CASE("the coordinator listens where others reach it only when a person insists") {
  for (const char* text :
       {"0.0.0.0:7400", "10.0.0.1:7400", "198.17.255.255:1", "198.20.0.0:1", "192.168.1.1:7400",
        "[::]:7400", "[fd00::1]:7400", "[::ffff:127.0.0.1]:7400", "128.0.0.1:1"}) {
    CAPTURE(text);
    const auto address = parse_listen_address(text);
    REQUIRE(address.ok());
    const Status refused = check_listen_address(*address, false);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::Precondition);
    CHECK(refused.error().message.find(text) != std::string::npos);
    CHECK(refused.error().hint.find("--insecure") != std::string::npos);
    CHECK(check_listen_address(*address, true).ok());
  }
}

TEST_CASE("what is no literal address with a port is refused by name") {
  const std::vector<std::string> texts = {"",
                                          "7400",
                                          ":7400",
                                          "127.0.0.1",
                                          "127.0.0.1:",
                                          "db:7400",
                                          "::1:7400",
                                          "[::1]",
                                          "127.0.0.1:70000",
                                          "127.0.0.1:-1",
                                          "127.1:80",
                                          "[]:1",
                                          "[127.0.0.1]:80",
                                          "127.0.0.1: 80",
                                          "unix:",
                                          "[::1:7400",
                                          "127.0.0.1:1x",
                                          std::string("127.0.0.1\0:1", 12),
                                          "unix:" + std::string(108, 'p')};
  for (const std::string& text : texts) {
    CAPTURE(text);
    const auto address = parse_listen_address(text);
    REQUIRE_FALSE(address.ok());
    CHECK(address.error().code == Code::Invalid);
    CHECK_FALSE(address.error().hint.empty());
  }
}

TEST_CASE("an address is written as it is read") {
  for (const char* text : {"127.0.0.1:7400", "[::1]:0", "unix:/run/cdb/c.sock"}) {
    CHECK(parse_listen_address(text)->str() == text);
  }
  CHECK(parse_listen_address("localhost:1")->str() == "127.0.0.1:1");
  CHECK(parse_listen_address("unix:///a")->str() == "unix:/a");
}

TEST_CASE("an error keeps its code, its words and its hint on the wire") {
  const std::vector<std::pair<Code, grpc::StatusCode>> codes = {
      {Code::Invalid, grpc::StatusCode::INVALID_ARGUMENT},
      {Code::NotFound, grpc::StatusCode::NOT_FOUND},
      {Code::Conflict, grpc::StatusCode::ABORTED},
      {Code::Precondition, grpc::StatusCode::FAILED_PRECONDITION},
      {Code::Denied, grpc::StatusCode::PERMISSION_DENIED},
      {Code::Unavailable, grpc::StatusCode::UNAVAILABLE},
      {Code::Deadline, grpc::StatusCode::DEADLINE_EXCEEDED},
      {Code::OutcomeUnknown, grpc::StatusCode::UNKNOWN},
      {Code::Cancelled, grpc::StatusCode::CANCELLED},
      {Code::Internal, grpc::StatusCode::INTERNAL}};
  for (size_t i = 0; i < codes.size(); ++i) {
    const grpc::Status status = to_grpc(Error{codes[i].first, "no such thing", "look again", {}});
    CHECK(status.error_code() == codes[i].second);
    CHECK(status.error_message() == "no such thing");
    const google::rpc::Status details = details_of(status);
    CHECK(details.code() == static_cast<int>(codes[i].second));
    REQUIRE(details.details_size() == 1);
    google::rpc::ErrorInfo info;
    REQUIRE(details.details(0).UnpackTo(&info));
    CHECK(info.domain() == "cdb.cycloud.io");
    CHECK(info.metadata().at("hint") == "look again");
  }
  google::rpc::ErrorInfo info;
  REQUIRE(details_of(to_grpc(outcome_unknown("x"))).details(0).UnpackTo(&info));
  CHECK(info.reason() == "OUTCOME_UNKNOWN");
  CHECK(info.metadata().empty());
  CHECK(to_grpc(Status{}).ok());
}

TEST_CASE("each wrong field of a request is named on the wire") {
  const grpc::Status status = to_grpc(
      invalid_fields({{"resources[2].spec.flavor", "unknown flavor 'hgue'", "did you mean 'huge'?"},
                      {"resources[2].spec.replica", "is negative", ""}}));
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  const google::rpc::Status details = details_of(status);
  REQUIRE(details.details_size() == 2);
  google::rpc::BadRequest request;
  REQUIRE(details.details(1).UnpackTo(&request));
  REQUIRE(request.field_violations_size() == 2);
  CHECK(request.field_violations(0).field() == "resources[2].spec.flavor");
  CHECK(request.field_violations(0).description() ==
        "unknown flavor 'hgue' (hint: did you mean 'huge'?)");
  CHECK(request.field_violations(1).description() == "is negative");
}

TEST_CASE("an error of any length and any bytes fits into the headers of an answer") {
  std::vector<FieldError> fields(
      1000, {std::string(10000, 'f'), std::string(10000, '\xff'), std::string(10000, 'h')});
  fields.insert(fields.begin(), FieldError{"first", "is wrong", ""});
  Error error = invalid_fields(fields);
  error.message = std::string(100000, '\xfe');
  error.hint = std::string(100000, '\n');
  const grpc::Status status = to_grpc(error);
  CHECK(status.error_message().size() + status.error_details().size() < 6000);
  google::rpc::BadRequest request;
  REQUIRE(details_of(status).details(1).UnpackTo(&request));
  CHECK(request.field_violations(0).field() == "first");
}

}  // namespace cdb::coordinator
