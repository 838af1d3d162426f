#include "agent/rpc/peer_service.h"

#include <utility>

#include <grpcpp/grpcpp.h>

#include "cdb/v1/peer.grpc.pb.h"
#include "proto/convert/node_wire.h"

namespace cdb::agent {
namespace {

class GrpcPeerService final : public PeerService {
 public:
  GrpcPeerService(model::ClusterId cluster, Answer answer)
      : calls_(std::move(cluster), std::move(answer)) {}
  ~GrpcPeerService() override {
    if (server_) server_->Shutdown(std::chrono::system_clock::now());
  }

  Status listen(const std::string& address) {
    grpc::ServerBuilder builder;
    int port = 0;
    // Another agent on this port must not share it unnoticed.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&calls_);
    server_ = builder.BuildAndStart();
    if (server_ && port != 0) return {};
    return unavailable("cannot listen on " + address + " for the other agents",
                       "is the address up, and nobody else on the port?");
  }

 private:
  class Calls final : public v1::PeerService::CallbackService {
   public:
    Calls(model::ClusterId cluster, Answer answer)
        : cluster_(std::move(cluster)), answer_(std::move(answer)) {}

    grpc::ServerUnaryReactor* Hold(grpc::CallbackServerContext* context,
                                   const v1::HoldRequest* message,
                                   v1::HoldAnswer* answer) override {
      grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
      const Result<model::HoldRequest> request = wire::from_wire(*message);
      if (!request) {
        reactor->Finish({grpc::StatusCode::INVALID_ARGUMENT, request.error().message});
      } else if (request->from.cluster != cluster_) {
        reactor->Finish({grpc::StatusCode::NOT_FOUND, "this agent serves " + cluster_.str()});
      } else {
        *answer = wire::to_wire(answer_(*request));
        reactor->Finish(grpc::Status::OK);
      }
      return reactor;
    }

   private:
    const model::ClusterId cluster_;
    const Answer answer_;
  };

  Calls calls_;
  std::unique_ptr<grpc::Server> server_{};
};

}  // namespace

Result<std::unique_ptr<PeerService>> PeerService::start(const std::string& listen,
                                                        const model::ClusterId& cluster,
                                                        Answer answer) {
  auto service = std::make_unique<GrpcPeerService>(cluster, std::move(answer));
  CDB_TRY(service->listen(listen));
  return std::unique_ptr<PeerService>(std::move(service));
}

}  // namespace cdb::agent
