#include "agent/rpc/session_client.h"

#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "agent/rpc/session_stream.h"
#include "lib/base/backoff.h"
#include "lib/base/log.h"
#include "lib/base/sync.h"
#include "proto/convert/node_wire.h"

namespace cdb::agent {
namespace {

// Reports without an answer, whose times are remembered: half a minute of heartbeats.
constexpr size_t kMostUnanswered = 128;

int to_ms(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

// A channel for one session. With a subchannel pool of its own it knows no backoff of an earlier
// one: when to dial is decided here alone.
std::shared_ptr<grpc::Channel> make_channel(const SessionClientConfig& config,
                                            const std::string& endpoint) {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A proxy that the environment names is for the web, not for us.
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // In gRPC's words: how long one attempt to connect may take.
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, to_ms(config.connect_timeout));
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, to_ms(config.connect_timeout));
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, to_ms(config.keepalive));
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, to_ms(config.keepalive_timeout));
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), args);
}

// Whether dialling again soon would only get the same answer.
bool refused(grpc::StatusCode code) {
  return code == grpc::StatusCode::NOT_FOUND || code == grpc::StatusCode::ABORTED ||
         code == grpc::StatusCode::INVALID_ARGUMENT ||
         code == grpc::StatusCode::PERMISSION_DENIED || code == grpc::StatusCode::UNAUTHENTICATED ||
         code == grpc::StatusCode::UNIMPLEMENTED;
}

cdb::v1::Hello make_hello(const SessionClientConfig& config) {
  cdb::v1::Hello hello;
  hello.mutable_node()->mutable_cluster()->set_namespace_(config.node.cluster.name_space);
  hello.mutable_node()->mutable_cluster()->set_name(config.node.cluster.name);
  hello.mutable_node()->set_node(config.node.node.str());
  hello.set_agent_version(config.agent_version);
  hello.set_boot_id(config.boot_id);
  const auto started =
      std::chrono::duration_cast<std::chrono::milliseconds>(config.started.time_since_epoch());
  hello.set_started_unix_ms(static_cast<uint64_t>(started.count()));
  hello.set_address(config.address);
  return hello;
}

}  // namespace

class SessionClient::Impl final : private SessionStream::Listener {
 public:
  explicit Impl(SessionClientConfig config)
      : config_(std::move(config)),
        hello_(make_hello(config_)),
        backoff_(config_.first_pause, config_.longest_pause) {
    CDB_INVARIANT(!config_.coordinators.empty());
  }

  void start(CoordinatorEvents& events, LeaseEvents& leases) {
    CDB_INVARIANT(events_ == nullptr);
    events_ = &events;
    leases_ = &leases;
    dialler_ = std::jthread([this](const std::stop_token& stop) { dial(stop); });
  }

  void report(const model::NodeReport& report) {
    cdb::v1::NodeReport message = wire::to_wire(report, 0);
    const std::lock_guard lock(mutex_);
    lease_ = report.lease;
    holding_epoch_ = report.holding_epoch;
    latest_ = std::move(message);
    if (stream_ != nullptr) stream_->report(numbered_latest());
  }

  void heartbeat(const model::LeaseStatus& lease, uint64_t holding_epoch) {
    const std::lock_guard lock(mutex_);
    lease_ = lease;
    holding_epoch_ = holding_epoch;
    if (latest_ && stream_ != nullptr) stream_->report(numbered_latest());
  }

 private:
  void dial(const std::stop_token& stop);
  void attempt(const std::stop_token& stop, const std::string& endpoint);
  void run_stream(const std::stop_token& stop, SessionStream& stream);
  void after_end(const SessionStream& stream, const std::string& endpoint, Instant began);
  void received(const cdb::v1::CoordinatorMessage& message) override;
  void tell(bool connected, const std::string& why);
  cdb::v1::NodeReport numbered_latest() {
    latest_->set_sequence(++sequence_);
    wire::to_wire(lease_, *latest_->mutable_lease());
    latest_->set_holding_epoch(holding_epoch_);
    // It may wait for the stream: what is granted on it counts from now.
    sent_.emplace_back(sequence_, BootTime::now());
    if (sent_.size() > kMostUnanswered) sent_.pop_front();
    return *latest_;
  }
  void acknowledged(const cdb::v1::Ack& ack);

  const SessionClientConfig config_;
  const cdb::v1::Hello hello_;
  CoordinatorEvents* events_{nullptr};
  LeaseEvents* leases_{nullptr};

  std::mutex mutex_{};
  std::optional<cdb::v1::NodeReport> latest_{};
  model::LeaseStatus lease_{};
  uint64_t holding_epoch_{0};
  uint64_t sequence_{0};
  std::deque<std::pair<uint64_t, Instant>> sent_{};  // reports without an answer, by sequence
  SessionStream* stream_{nullptr};                   // while one is up

  // Of the dialler, and of gRPC's threads while the dialler waits for a stream's end.
  std::string endpoint_{};
  bool connected_{false};
  std::string why_{};

  // Of the dialler alone.
  Backoff backoff_;
  Duration pause_{0};
  // The last session's: gRPC's callback threads end with the last channel that used them, so it is
  // kept until the next one has begun.
  std::shared_ptr<grpc::Channel> channel_{};
  Sync<bool> waiting_{};  // nothing but something to wait on
  std::jthread dialler_{};
};

void SessionClient::Impl::dial(const std::stop_token& stop) {
  for (size_t next = 0; !stop.stop_requested(); ++next) {
    attempt(stop, config_.coordinators[next % config_.coordinators.size()]);
    // Every coordinator is tried before there is a pause, unless one of them refused this node.
    const bool whole_round = (next + 1) % config_.coordinators.size() == 0;
    const Duration pause = std::exchange(pause_, Duration::zero());
    if (pause > Duration::zero() || whole_round) {
      const Duration wait_for = std::max(pause, whole_round ? backoff_.next() : Duration::zero());
      waiting_.wait(stop, Deadline::after(wait_for), [](bool) { return false; });
    }
  }
}

void SessionClient::Impl::attempt(const std::stop_token& stop, const std::string& endpoint) {
  endpoint_ = endpoint;
  auto channel = make_channel(config_, endpoint);
  const Instant began = BootTime::now();
  SessionStream stream(channel, config_.node.str(), hello_, *this);
  stream.start();
  channel_ = std::move(channel);
  run_stream(stop, stream);
  if (!stop.stop_requested()) after_end(stream, endpoint, began);
}

void SessionClient::Impl::run_stream(const std::stop_token& stop, SessionStream& stream) {
  {
    const std::lock_guard lock(mutex_);
    stream_ = &stream;
    if (latest_) stream.report(numbered_latest());
  }
  const bool in_time = stream.wait_answer(stop, Deadline::after(config_.first_answer_timeout));
  if (!in_time || !stream.wait_end(stop)) {
    stream.cancel();
    stream.wait_end({});
  }
  const std::lock_guard lock(mutex_);
  stream_ = nullptr;
}

void SessionClient::Impl::after_end(const SessionStream& stream, const std::string& endpoint,
                                    Instant began) {
  const grpc::Status& end = stream.end();
  std::string why = endpoint + ": ";
  if (!stream.answered() && end.error_code() == grpc::StatusCode::CANCELLED) {
    why += "no answer within " + to_text(config_.first_answer_timeout);
  } else if (end.ok()) {
    why += "the coordinator ended the session";
  } else {
    why += end.error_message();
  }
  if (refused(end.error_code())) pause_ = config_.refused_pause;
  // A coordinator that takes sessions and drops them at once is not dialled without pause.
  if (stream.answered() && BootTime::now() - began >= config_.longest_pause) backoff_.reset();
  tell(false, why);
}

void SessionClient::Impl::received(const cdb::v1::CoordinatorMessage& message) {
  if (!connected_) tell(true, endpoint_);
  if (message.has_ack()) acknowledged(message.ack());
  if (!message.has_goal()) return;
  const Result<model::NodeGoal> goal = wire::from_wire(message.goal());
  if (!goal) {
    log::error("session.bad_goal", "coordinator={} error=\"{}\"", endpoint_, goal.error().text());
    return;
  }
  events_->goal_received(*goal);
}

void SessionClient::Impl::acknowledged(const cdb::v1::Ack& ack) {
  std::optional<Instant> sent_at;
  {
    const std::lock_guard lock(mutex_);
    while (!sent_.empty() && sent_.front().first <= ack.sequence()) {
      if (sent_.front().first == ack.sequence()) sent_at = sent_.front().second;
      sent_.pop_front();
    }
  }
  if (!sent_at || !ack.has_grant()) return;
  const Result<model::LeaseGrant> grant = wire::from_wire(ack.grant());
  if (!grant) {
    log::error("session.bad_grant", "coordinator={} error=\"{}\"", endpoint_, grant.error().text());
    return;
  }
  leases_->granted(*grant, *sent_at);
}

void SessionClient::Impl::tell(bool connected, const std::string& why) {
  if (connected == connected_ && why == why_) return;
  connected_ = connected;
  why_ = why;
  events_->connection_changed(connected, why);
}

SessionClient::SessionClient(SessionClientConfig config)
    : impl_(std::make_unique<Impl>(std::move(config))) {}

SessionClient::~SessionClient() = default;

void SessionClient::start(CoordinatorEvents& events, LeaseEvents& leases) {
  impl_->start(events, leases);
}

void SessionClient::report(const model::NodeReport& report) {
  impl_->report(report);
}

void SessionClient::heartbeat(const model::LeaseStatus& lease, uint64_t holding_epoch) {
  impl_->heartbeat(lease, holding_epoch);
}

}  // namespace cdb::agent
