#include "cli/client.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "cdb/v1/clusters.grpc.pb.h"
#include "cdb/v1/operations.grpc.pb.h"
#include "cdb/v1/resources.grpc.pb.h"
#include "cli/client_error.h"
#include "lib/base/backoff.h"
#include "lib/base/sync.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kConnectTimeout = seconds(3);
// No stream lives longer: a coordinator that vanished without a word is noticed when the next one
// cannot be opened.
constexpr Duration kStreamLife = seconds(60);
constexpr int kMostMetadataBytes = 256 << 10;

// "host:port" and the channel to it.
struct Line {
  std::string endpoint{};
  std::shared_ptr<grpc::Channel> channel{};
};

std::chrono::system_clock::time_point wall_deadline(Duration left) {
  return std::chrono::system_clock::now() + std::chrono::duration_cast<milliseconds>(left);
}

std::string target_of(const std::string& endpoint) {
  return endpoint.rfind("unix:", 0) == 0 ? endpoint : "dns:///" + endpoint;
}

std::shared_ptr<grpc::Channel> open_channel(const std::string& endpoint) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // What is wrong with many resources does not fit into gRPC's 8 KiB.
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMostMetadataBytes);
  // A channel of its own TCP connection: one that hangs must not be handed out again.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(target_of(endpoint), grpc::InsecureChannelCredentials(),
                                   arguments);
}

bool becomes_ready(grpc::Channel& channel, Duration patience) {
  const auto until = wall_deadline(patience);
  for (auto state = channel.GetState(true); state != GRPC_CHANNEL_READY;
       state = channel.GetState(true)) {
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) return false;
    if (!channel.WaitForStateChange(state, until)) return false;
  }
  return true;
}

}  // namespace

struct Client::Impl {
  explicit Impl(ClientOptions given) : options(std::move(given)) {
    // Metadata values are printable ASCII; anything else would end the process inside gRPC.
    for (char& c : options.user) {
      if (c < 0x20 || c > 0x7E) c = '?';
    }
  }

  // The present line, or a new one to the first endpoint that answers.
  Result<Line> connect(Duration patience) {
    const Line present = line.read([](const Line& l) { return l; });
    if (present.channel) return present;
    const size_t first = next_endpoint.read([](size_t n) { return n; });
    const Deadline deadline = Deadline::after(patience);
    for (size_t i = 0; i < options.endpoints.size(); ++i) {
      const size_t chosen = (first + i) % options.endpoints.size();
      Line fresh{options.endpoints[chosen], open_channel(options.endpoints[chosen])};
      if (!becomes_ready(*fresh.channel, deadline.sooner_of(kConnectTimeout).left())) continue;
      next_endpoint.with([&](size_t& n) { n = chosen; });
      line.with([&](Line& l) { l = fresh; });
      return fresh;
    }
    return unavailable("no coordinator answers at " + join(options.endpoints, ", "),
                       "is cdb-coordinator running there? the addresses come from --endpoint, "
                       "CDB_ENDPOINTS or the context");
  }

  // Nobody uses this line again; the next one goes to the next endpoint first.
  void drop(const Line& broken) {
    line.with([&](Line& l) {
      if (l.channel == broken.channel) l = {};
    });
    next_endpoint.with([&](size_t& n) {
      if (options.endpoints[n] == broken.endpoint) n = (n + 1) % options.endpoints.size();
    });
  }

  void prepare(grpc::ClientContext& context, Duration patience) const {
    context.set_deadline(wall_deadline(patience));
    if (!options.user.empty()) context.AddMetadata("cdb-user", options.user);
  }

  enum class Repeat { Safe, Unsafe };

  // One answer. Tries the other endpoints where that cannot do anything twice.
  template <typename Service, typename Request, typename Response>
  Result<Response> call(grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                              Response*),
                        const Request& request, Repeat repeat) {
    const Deadline deadline = Deadline::after(options.call_timeout);
    for (size_t attempt = 1;; ++attempt) {
      CDB_ASSIGN_OR_RETURN(const Line used, connect(deadline.left()));
      const auto stub = Service::NewStub(used.channel);
      grpc::ClientContext context;
      prepare(context, deadline.left());
      Response response;
      const grpc::Status status = (stub.get()->*method)(&context, request, &response);
      if (status.ok()) return response;
      const CallError failed = call_error(status, used.endpoint);
      if (failed.error.code != Code::Unavailable) return failed.error;
      drop(used);
      if (!failed.from_coordinator && repeat == Repeat::Unsafe) {
        return outcome_unknown(failed.error.message,
                               "it may have begun all the same: look with cdb operations");
      }
      if (attempt > options.endpoints.size() || deadline.passed()) return failed.error;
    }
  }

  void tell(const Follow& follow, const std::string& text) const {
    if (follow.notice) follow.notice(text);
  }

  // Opens the stream again and again until it ends when it `may_end`; `open` reads the request anew
  // each time.
  template <typename Message, typename Open>
  Status stream(const Follow& follow, const std::function<bool()>& may_end, Open open,
                const std::function<void(const Message&)>& each) {
    Backoff backoff(milliseconds(200), seconds(5));
    bool lost = false;
    bool ever = false;
    const auto lose = [&](const std::string& why) {
      if (!lost) tell(follow, why + "; trying again");
      lost = true;
    };
    for (;;) {
      if (follow.stop.stop_requested()) return cancelled("stopped");
      if (follow.deadline && follow.deadline->passed()) return deadline_exceeded("still going on");
      auto used = connect(follow.deadline ? follow.deadline->left() : kStreamLife);
      if (!used) {
        if (!ever && !follow.patient) return used.error();
        lose(used.error().message);
        pause(follow.stop, backoff.next());
        continue;
      }
      if (lost) tell(follow, "connected to the coordinator at " + used->endpoint);
      lost = false;
      bool heard = false;
      const Status ended = read_stream<Message>(*used, follow, open, [&](const Message& message) {
        heard = ever = true;
        backoff.reset();
        each(message);
      });
      if (ended.ok() && may_end()) return ended;
      if (follow.stop.stop_requested()) return cancelled("stopped");
      const Code code = ended.ok() ? Code::Unavailable : ended.error().code;
      if (code == Code::Deadline) {  // the end of kStreamLife
        if (!heard) drop(*used);
        continue;
      }
      if (code != Code::Unavailable && code != Code::Cancelled) return ended;
      drop(*used);
      if (!ever && !follow.patient && options.endpoints.size() == 1) return ended;
      lose(ended.ok() ? fmt::format("the coordinator at {} ended the stream", used->endpoint)
                      : ended.error().message);
      pause(follow.stop, backoff.next());
    }
  }

  template <typename Message, typename Open, typename Each>
  Status read_stream(const Line& used, const Follow& follow, Open open, Each each) {
    grpc::ClientContext context;
    const Duration left = follow.deadline ? follow.deadline->left() : kStreamLife;
    prepare(context, std::min(left, kStreamLife));
    const std::stop_callback canceller(follow.stop, [&context] { context.TryCancel(); });
    const auto reader = open(used.channel, &context);
    Message message;
    while (reader->Read(&message))
      each(message);
    const grpc::Status status = reader->Finish();
    if (status.ok()) return {};
    return call_error(status, used.endpoint).error;
  }

  ClientOptions options;
  Sync<Line> line{};
  Sync<size_t> next_endpoint{size_t{0}};
};

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;

Result<v1::ApplyResponse> Client::apply(const v1::ApplyRequest& request) {
  return impl_->call<v1::Resources>(&v1::Resources::Stub::Apply, request, Impl::Repeat::Safe);
}
Result<v1::Resource> Client::get(const v1::GetRequest& request) {
  return impl_->call<v1::Resources>(&v1::Resources::Stub::Get, request, Impl::Repeat::Safe);
}
Result<v1::ListResponse> Client::list(const v1::ListRequest& request) {
  return impl_->call<v1::Resources>(&v1::Resources::Stub::List, request, Impl::Repeat::Safe);
}
Result<v1::DeleteResponse> Client::remove(const v1::DeleteRequest& request) {
  return impl_->call<v1::Resources>(&v1::Resources::Stub::Delete, request, Impl::Repeat::Safe);
}
Result<v1::Topology> Client::topology(const v1::GetTopologyRequest& request) {
  return impl_->call<v1::Clusters>(&v1::Clusters::Stub::GetTopology, request, Impl::Repeat::Safe);
}
Result<v1::Operation> Client::switchover(const v1::SwitchoverRequest& request) {
  return impl_->call<v1::Clusters>(&v1::Clusters::Stub::Switchover, request, Impl::Repeat::Unsafe);
}
Result<v1::Operation> Client::failover(const v1::FailoverRequest& request) {
  return impl_->call<v1::Clusters>(&v1::Clusters::Stub::Failover, request, Impl::Repeat::Unsafe);
}
Result<v1::Operation> Client::maintenance(const v1::MaintenanceRequest& request) {
  return impl_->call<v1::Clusters>(&v1::Clusters::Stub::SetMaintenance, request,
                                   Impl::Repeat::Unsafe);
}
Result<v1::Operation> Client::rejoin(const v1::RejoinRequest& request) {
  return impl_->call<v1::Clusters>(&v1::Clusters::Stub::Rejoin, request, Impl::Repeat::Unsafe);
}
Result<v1::Connection> Client::connection(const v1::GetConnectionRequest& request) {
  return impl_->call<v1::Clusters>(&v1::Clusters::Stub::GetConnection, request, Impl::Repeat::Safe);
}
Result<v1::Catalogue> Client::catalogue() {
  return impl_->call<v1::Clusters>(&v1::Clusters::Stub::GetCatalogue, v1::GetCatalogueRequest{},
                                   Impl::Repeat::Safe);
}
Result<v1::Operation> Client::operation(const std::string& id) {
  v1::GetOperationRequest request;
  request.set_id(id);
  return impl_->call<v1::Operations>(&v1::Operations::Stub::Get, request, Impl::Repeat::Safe);
}
Result<v1::ListOperationsResponse> Client::operations(const v1::ListOperationsRequest& request) {
  return impl_->call<v1::Operations>(&v1::Operations::Stub::List, request, Impl::Repeat::Safe);
}
Result<v1::ListEventsResponse> Client::events(const v1::ListEventsRequest& request) {
  return impl_->call<v1::Events>(&v1::Events::Stub::List, request, Impl::Repeat::Safe);
}

Status Client::watch_operation(const std::string& id, const Follow& follow,
                               const std::function<void(const v1::Operation&)>& each) {
  v1::GetOperationRequest request;
  request.set_id(id);
  bool running = true;
  return impl_->stream<v1::Operation>(
      follow, [&] { return !running; },
      [&](const auto& channel, grpc::ClientContext* context) {
        return v1::Operations::NewStub(channel)->Watch(context, request);
      },
      [&](const v1::Operation& operation) {
        running = operation.state() == "running";
        each(operation);
      });
}

Status Client::watch_topology(const v1::GetTopologyRequest& request, const Follow& follow,
                              const std::function<void(const v1::Topology&)>& each) {
  return impl_->stream<v1::Topology>(
      follow, [] { return false; },
      [&](const auto& channel, grpc::ClientContext* context) {
        return v1::Clusters::NewStub(channel)->WatchTopology(context, request);
      },
      each);
}

Status Client::watch_resources(const v1::ListRequest& request, const Follow& follow,
                               const std::function<void(const v1::WatchEvent&)>& each) {
  return impl_->stream<v1::WatchEvent>(
      follow, [] { return false; },
      [&](const auto& channel, grpc::ClientContext* context) {
        return v1::Resources::NewStub(channel)->Watch(context, request);
      },
      each);
}

Status Client::watch_events(const v1::ListEventsRequest& request, const Follow& follow,
                            const std::function<void(const v1::Event&)>& each) {
  v1::ListEventsRequest next = request;
  return impl_->stream<v1::Event>(
      follow, [] { return false; },
      [&](const auto& channel, grpc::ClientContext* context) {
        return v1::Events::NewStub(channel)->Watch(context, next);
      },
      [&](const v1::Event& event) {
        next.set_after(event.sequence());
        next.set_limit(0);
        each(event);
      });
}

bool pause(std::stop_token stop, Duration duration) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace cdb::cli
