#pragma once
// The coordinator as seen from the command: every call of the contract, with statuses mapped to
// errors, endpoints tried in order, and streams that survive a lost connection. Blocking;
// thread-safe. gRPC is known to client.cc and client_error.cc alone.

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace cdb::v1 {
class ApplyRequest;
class ApplyResponse;
class Catalogue;
class Connection;
class DeleteRequest;
class DeleteResponse;
class Event;
class FailoverRequest;
class GetConnectionRequest;
class GetRequest;
class GetTopologyRequest;
class ListEventsRequest;
class ListEventsResponse;
class ListOperationsRequest;
class ListOperationsResponse;
class ListRequest;
class ListResponse;
class MaintenanceRequest;
class Operation;
class RejoinRequest;
class Resource;
class SwitchoverRequest;
class Topology;
class WatchEvent;
}  // namespace cdb::v1

namespace cdb::cli {

struct ClientOptions {
  std::vector<std::string> endpoints{};
  std::string user{};  // sent as "cdb-user"
  Duration call_timeout{std::chrono::seconds(30)};
};

// How long to stay with a stream.
struct Follow {
  std::stop_token stop{};              // ends it with Cancelled
  std::optional<Deadline> deadline{};  // ends it with Deadline
  bool patient{false};                 // retries even when the very first attempt finds nobody
  std::function<void(const std::string&)> notice{};  // the connection was lost, or is back
};

class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Invalid: the error's fields say which.
  Result<v1::ApplyResponse> apply(const v1::ApplyRequest& request);
  Result<v1::Resource> get(const v1::GetRequest& request);
  Result<v1::ListResponse> list(const v1::ListRequest& request);
  Result<v1::DeleteResponse> remove(const v1::DeleteRequest& request);
  Result<v1::Topology> topology(const v1::GetTopologyRequest& request);
  // OutcomeUnknown where the connection broke under the call.
  Result<v1::Operation> switchover(const v1::SwitchoverRequest& request);
  Result<v1::Operation> failover(const v1::FailoverRequest& request);
  Result<v1::Operation> maintenance(const v1::MaintenanceRequest& request);
  Result<v1::Operation> rejoin(const v1::RejoinRequest& request);
  Result<v1::Connection> connection(const v1::GetConnectionRequest& request);
  Result<v1::Catalogue> catalogue();
  Result<v1::Operation> operation(const std::string& id);
  Result<v1::ListOperationsResponse> operations(const v1::ListOperationsRequest& request);
  Result<v1::ListEventsResponse> events(const v1::ListEventsRequest& request);

  // Each calls `each` from this thread for every message. After a lost connection the stream is
  // opened again and starts over with what matches then; events go on after the last one seen.
  // Ok: only watch_operation, once the operation has ended.
  Status watch_operation(const std::string& id, const Follow& follow,
                         const std::function<void(const v1::Operation&)>& each);
  Status watch_topology(const v1::GetTopologyRequest& request, const Follow& follow,
                        const std::function<void(const v1::Topology&)>& each);
  Status watch_resources(const v1::ListRequest& request, const Follow& follow,
                         const std::function<void(const v1::WatchEvent&)>& each);
  Status watch_events(const v1::ListEventsRequest& request, const Follow& follow,
                      const std::function<void(const v1::Event&)>& each);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Waits so long, or until a stop is asked for: then false.
bool pause(std::stop_token stop, Duration duration);

}  // namespace cdb::cli
