#include "coordinator/rpc/server.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "coordinator/rpc/listen_policy.h"
#include "lib/base/unique_fd.h"

namespace cdb::coordinator {
namespace {

constexpr int kLargestMessageBytes = 4 << 20;
// Pings of agents that have nothing to say come seconds apart; closer ones are still no attack.
constexpr int kClosestPingsMs = 100;

int to_ms(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

Result<std::vector<ListenAddress>> permitted(const ServerConfig& config) {
  if (config.listen.empty()) return invalid("no address to listen on was given");
  std::vector<ListenAddress> addresses;
  for (const std::string& text : config.listen) {
    CDB_ASSIGN_OR_RETURN(ListenAddress address, parse_listen_address(text));
    CDB_TRY(check_listen_address(address, config.insecure));
    addresses.push_back(std::move(address));
  }
  return addresses;
}

// gRPC says only that it could not bind. The same attempt by hand tells why.
int bind_errno(const ListenAddress& address) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  switch (address.family) {
    case ListenAddress::Family::Unix: {
      auto* un = reinterpret_cast<sockaddr_un*>(&storage);
      un->sun_family = AF_UNIX;
      std::strncpy(un->sun_path, address.host.c_str(), sizeof(un->sun_path) - 1);
      size = sizeof(sockaddr_un);
      break;
    }
    case ListenAddress::Family::Ipv4: {
      auto* in = reinterpret_cast<sockaddr_in*>(&storage);
      in->sin_family = AF_INET;
      in->sin_port = htons(address.port);
      inet_pton(AF_INET, address.host.c_str(), &in->sin_addr);
      size = sizeof(sockaddr_in);
      break;
    }
    case ListenAddress::Family::Ipv6: {
      auto* in = reinterpret_cast<sockaddr_in6*>(&storage);
      in->sin6_family = AF_INET6;
      in->sin6_port = htons(address.port);
      inet_pton(AF_INET6, address.host.c_str(), &in->sin6_addr);
      size = sizeof(sockaddr_in6);
      break;
    }
  }
  const UniqueFd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return errno;
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Without listen() even a socket that gRPC still holds for a moment would pass.
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 ||
      ::listen(fd.get(), 1) != 0) {
    return errno;
  }
  return 0;
}

Error cannot_listen(const ListenAddress& address) {
  const int reason = bind_errno(address);
  const std::string what = "cannot listen on " + address.str();
  if (reason == EADDRINUSE) {
    return conflict(what + ": the address is in use",
                    "another coordinator, or another program, listens there; stop it or choose "
                    "another port");
  }
  return reason != 0 ? from_errno(what, reason) : internal(what + ": gRPC could not bind");
}

}  // namespace

class Server::Impl {
 public:
  explicit Impl(Services services) : services_(std::move(services)) {}

  Status listen(const ServerConfig& config, const std::vector<ListenAddress>& addresses) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    configure(builder, config);
    std::vector<int> ports(addresses.size(), 0);
    for (size_t i = 0; i < addresses.size(); ++i) {
      builder.AddListeningPort(addresses[i].str(), grpc::InsecureServerCredentials(), &ports[i]);
    }
    for (const NamedService& each : services_.list)
      builder.RegisterService(each.service.get());
    server_ = builder.BuildAndStart();
    for (size_t i = 0; i < addresses.size(); ++i) {
      if (ports[i] == 0) return cannot_listen(addresses[i]);
      ListenAddress bound = addresses[i];
      if (bound.family != ListenAddress::Family::Unix) bound.port = static_cast<uint16_t>(ports[i]);
      addresses_.push_back(bound.str());
    }
    if (!server_) return internal("the gRPC server did not start");
    // The server as a whole, by the empty name, is said to serve from the start.
    for (const NamedService& each : services_.list) {
      server_->GetHealthCheckService()->SetServingStatus(each.name, true);
    }
    return {};
  }

  [[nodiscard]] const std::vector<std::string>& addresses() const { return addresses_; }

  void stop(Deadline deadline) {
    if (!server_ || std::exchange(stopped_, true)) return;
    server_->GetHealthCheckService()->Shutdown();
    services_.streams->end_all(unavailable("the coordinator is stopping"));
    server_->Shutdown(
        std::chrono::system_clock::now() +
        std::chrono::duration_cast<std::chrono::system_clock::duration>(deadline.left()));
    server_->Wait();
  }

 private:
  static void configure(grpc::ServerBuilder& builder, const ServerConfig& config) {
    builder.SetMaxReceiveMessageSize(kLargestMessageBytes);
    // Two servers on one port would each get some of the connections.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, to_ms(config.keepalive));
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, to_ms(config.keepalive_timeout));
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                               kClosestPingsMs);
    // Reflection alone is served by threads that wait; one is enough.
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 1);
  }

  Services services_;
  std::unique_ptr<grpc::Server> server_{};
  std::vector<std::string> addresses_{};
  bool stopped_{false};
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Server>> Server::start(const ServerConfig& config, Services services) {
  CDB_ASSIGN_OR_RETURN(const std::vector<ListenAddress> addresses, permitted(config));
  auto impl = std::make_unique<Impl>(std::move(services));
  CDB_TRY(impl->listen(config, addresses));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::~Server() {
  stop(Deadline::after(Duration::zero()));
}

std::vector<std::string> Server::addresses() const {
  return impl_->addresses();
}

void Server::stop(Deadline deadline) {
  impl_->stop(deadline);
}

}  // namespace cdb::coordinator
