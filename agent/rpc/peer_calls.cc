#include "agent/rpc/peer_calls.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include <grpcpp/grpcpp.h>

#include "cdb/v1/peer.grpc.pb.h"
#include "proto/convert/node_wire.h"

namespace cdb::agent {
namespace {

// A peer that comes back is found within this time, whatever went before.
constexpr int kReconnectMs = 200;

struct Call {
  grpc::ClientContext context{};
  v1::HoldRequest request{};
  v1::HoldAnswer answer{};
  std::function<void(const Result<model::HoldAnswer>&)> answered{};
};

}  // namespace

class PeerCalls::Impl {
 public:
  explicit Impl(uint16_t peer_port) : port_(peer_port) {}

  void ask_hold(const std::string& address, const model::HoldRequest& request, Deadline deadline,
                std::function<void(const Result<model::HoldAnswer>&)> answered) {
    auto call = std::make_shared<Call>();
    call->request = wire::to_wire(request);
    call->answered = std::move(answered);
    call->context.set_deadline(std::chrono::system_clock::now() + deadline.left_ms());
    v1::PeerService::Stub* stub = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (!stopped_) {
        calls_.insert(call);
        stub = stub_of(address);
      }
    }
    if (stub == nullptr) return call->answered(unavailable("this agent is stopping"));
    stub->async()->Hold(&call->context, &call->request, &call->answer,
                        [this, call](const grpc::Status& status) { finish(call, status); });
  }

  void stop() {
    std::unique_lock lock(mutex_);
    stopped_ = true;
    for (const auto& call : calls_)
      call->context.TryCancel();
    ended_.wait(lock, [this] { return calls_.empty(); });
  }

 private:
  void finish(const std::shared_ptr<Call>& call, const grpc::Status& status) {
    if (status.ok()) {
      call->answered(wire::from_wire(call->answer));
    } else {
      call->answered(unavailable(status.error_message()));
    }
    const std::lock_guard lock(mutex_);
    calls_.erase(call);
    ended_.notify_all();
  }

  v1::PeerService::Stub* stub_of(const std::string& address) {
    auto& stub = stubs_[address];
    if (!stub) {
      grpc::ChannelArguments args;
      args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
      args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
      args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMs);
      args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMs);
      args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kReconnectMs);
      stub = v1::PeerService::NewStub(grpc::CreateCustomChannel(
          address + ":" + std::to_string(port_), grpc::InsecureChannelCredentials(), args));
    }
    return stub.get();
  }

  const uint16_t port_;
  std::mutex mutex_{};
  std::condition_variable ended_{};
  bool stopped_{false};
  std::set<std::shared_ptr<Call>> calls_{};
  std::map<std::string, std::unique_ptr<v1::PeerService::Stub>> stubs_{};
};

PeerCalls::PeerCalls(uint16_t peer_port) : impl_(std::make_unique<Impl>(peer_port)) {}

PeerCalls::~PeerCalls() {
  stop();
}

void PeerCalls::ask_hold(const std::string& address, const model::HoldRequest& request,
                         Deadline deadline,
                         std::function<void(const Result<model::HoldAnswer>&)> answered) {
  impl_->ask_hold(address, request, deadline, std::move(answered));
}

void PeerCalls::stop() {
  impl_->stop();
}

}  // namespace cdb::agent
