#pragma once
// The coordinator's gRPC server: addresses, services, health, reflection, keepalive. Its threads
// are gRPC's own.

#include <memory>
#include <string>
#include <vector>

#include "coordinator/rpc/open_streams.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace grpc {
class Service;
}

namespace cdb::coordinator {

struct ServerConfig {
  std::vector<std::string> listen{};  // see listen_policy.h
  bool insecure{false};               // take addresses that other machines can reach
  // A connection that is silent for `keepalive` is pinged, and ended when the answer takes longer
  // than `keepalive_timeout`: this is how a machine that lost its power is noticed.
  Duration keepalive{std::chrono::seconds(1)};
  Duration keepalive_timeout{std::chrono::seconds(1)};
};

struct NamedService {
  std::string name{};                        // "cdb.v1.Resources", for health checks
  std::shared_ptr<grpc::Service> service{};  // shared: grpc::Service is incomplete here
};

// What a server serves, and the streams that these services have open.
struct Services {
  std::shared_ptr<OpenStreams> streams{std::make_shared<OpenStreams>()};
  std::vector<NamedService> list{};
};

class Server {
 public:
  // Listens on every address, or fails: Invalid or Precondition (the address), Conflict (in use),
  // Internal.
  static Result<std::unique_ptr<Server>> start(const ServerConfig& config, Services services);
  // Stops without grace.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // As bound: the port is the real one where 0 was asked for.
  [[nodiscard]] std::vector<std::string> addresses() const;
  // Takes no new calls, ends the streams, lets other calls finish until the deadline and cancels
  // those that remain. Blocks; once.
  void stop(Deadline deadline);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cdb::coordinator
