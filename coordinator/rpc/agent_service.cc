#include "coordinator/rpc/agent_service.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <grpcpp/grpcpp.h>

#include "cdb/v1/agent.grpc.pb.h"
#include "coordinator/rpc/status.h"
#include "lib/base/log.h"
#include "proto/convert/node_wire.h"

namespace cdb::coordinator {
namespace {

using Reactor = grpc::ServerBidiReactor<v1::AgentMessage, v1::CoordinatorMessage>;

// The longest word of a Hello that is kept: it goes into logs and views.
constexpr size_t kLongestWord = 255;

// The stream as the engine and a stopping server see it: outlives the reactor, and forgets it when
// it ends. What waits to be sent is one goal and one ack, however slowly the agent reads.
class SessionStream final : public AgentSink, public OpenStream {
 public:
  explicit SessionStream(Reactor& reactor) : reactor_(&reactor) {}

  void send(const model::NodeGoal& goal) override {
    v1::NodeGoal message = wire::to_wire(goal);
    const std::lock_guard lock(mutex_);
    goal_ = std::move(message);
    write_next();
  }
  void ack(uint64_t report_sequence, const std::optional<model::LeaseGrant>& grant) override {
    v1::Ack message;
    message.set_sequence(report_sequence);
    if (grant) *message.mutable_grant() = wire::to_wire(*grant);
    const std::lock_guard lock(mutex_);
    ack_ = std::move(message);
    write_next();
  }
  void close(const Error& reason) override { finish(to_grpc(reason)); }
  void end(const Error& reason) override { finish(to_grpc(reason)); }

  // --- the reactor's ---
  void read() {
    const std::lock_guard lock(mutex_);
    if (reactor_ == nullptr) return;
    incoming_.Clear();
    reactor_->StartRead(&incoming_);
  }
  // Between a finished read and the next one.
  [[nodiscard]] const v1::AgentMessage& incoming() const { return incoming_; }
  void written(bool ok) {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    // After a failed write the stream is dead, and its read says so.
    if (ok) write_next();
  }
  // No operation may begin once this was called; what is under way comes to its end.
  void finish(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    if (reactor_ != nullptr) std::exchange(reactor_, nullptr)->Finish(status);
  }

 private:
  void write_next() {
    if (reactor_ == nullptr || writing_) return;
    if (goal_) {
      *outgoing_.mutable_goal() = std::move(*goal_);
      goal_.reset();
    } else if (ack_) {
      *outgoing_.mutable_ack() = std::move(*ack_);
      ack_.reset();
    } else {
      return;
    }
    writing_ = true;
    reactor_->StartWrite(&outgoing_);
  }

  std::mutex mutex_{};
  Reactor* reactor_;  // until Finish
  std::optional<v1::NodeGoal> goal_{};
  std::optional<v1::Ack> ack_{};
  v1::AgentMessage incoming_{};
  v1::CoordinatorMessage outgoing_{};
  bool writing_{false};
};

Result<AgentHello> checked(const v1::Hello& hello) {
  for (const std::string* word : {&hello.agent_version(), &hello.boot_id(), &hello.address()}) {
    if (word->size() > kLongestWord)
      return invalid("the hello holds a word of more than 255 bytes");
  }
  return AgentHello{hello.agent_version(), hello.boot_id(), hello.address()};
}

// Owns itself: gRPC's last call is OnDone().
class SessionReactor final : public Reactor {
 public:
  SessionReactor(AgentSessions& sessions, std::shared_ptr<OpenStreams> streams,
                 AgentSessions::Key key, std::optional<std::string> caller)
      : sessions_(sessions),
        streams_(std::move(streams)),
        key_(key),
        caller_(std::move(caller)),
        stream_(std::make_shared<SessionStream>(*this)) {
    streams_->add(stream_);
    stream_->read();
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      // The agent left, or we ended the stream.
      stream_->finish(grpc::Status::OK);
    } else if (const Status taken = take(); !taken) {
      log::warn("session.rejected", "caller={} error=\"{}\"", caller_.value_or("unknown"),
                taken.error().text());
      stream_->finish(to_grpc(taken));
    }
  }
  void OnWriteDone(bool ok) override { stream_->written(ok); }
  void OnCancel() override { stream_->finish(grpc::Status::CANCELLED); }
  void OnDone() override {
    streams_->remove(stream_);
    if (opened_) sessions_.closed(key_);
    delete this;
  }

 private:
  Status take() {
    if (!opened_) return open();
    if (!stream_->incoming().has_report()) return invalid("the session expects a report");
    const v1::NodeReport& message = stream_->incoming().report();
    CDB_ASSIGN_OR_RETURN(model::NodeReport report, wire::from_wire(message));
    // Read on once the engine has seen it: a flood of reports fills the network, not our memory.
    sessions_.reported(key_, message.sequence(), std::move(report),
                       [stream = stream_] { stream->read(); });
    return {};
  }

  Status open() {
    if (!stream_->incoming().has_hello()) return invalid("the session must begin with a hello");
    const v1::Hello& message = stream_->incoming().hello();
    CDB_ASSIGN_OR_RETURN(const model::NodeId node, wire::from_wire(message.node()));
    CDB_ASSIGN_OR_RETURN(const AgentHello hello, checked(message));
    if (!caller_) return denied("the call does not name its caller in 'cdb-node'");
    if (*caller_ != node.str()) {
      return denied("a node may speak for itself alone, not for " + node.str());
    }
    opened_ = true;
    sessions_.opened(key_, node, hello, stream_);
    stream_->read();
    return {};
  }

  AgentSessions& sessions_;
  const std::shared_ptr<OpenStreams> streams_;  // shared with the server, which may go first
  const AgentSessions::Key key_;
  const std::optional<std::string> caller_;
  const std::shared_ptr<SessionStream> stream_;
  bool opened_{false};  // of the reads, which come one after another, and OnDone
};

class AgentService final : public v1::AgentService::CallbackService {
 public:
  AgentService(AgentSessions& sessions, std::shared_ptr<OpenStreams> streams)
      : sessions_(sessions), streams_(std::move(streams)) {}

  Reactor* Session(grpc::CallbackServerContext* context) override {
    std::optional<std::string> caller;
    const auto& metadata = context->client_metadata();
    if (const auto found = metadata.find("cdb-node"); found != metadata.end()) {
      caller = std::string(found->second.data(), found->second.size());
    }
    return new SessionReactor(sessions_, streams_, ++last_key_, std::move(caller));
  }

 private:
  AgentSessions& sessions_;
  const std::shared_ptr<OpenStreams> streams_;
  std::atomic<AgentSessions::Key> last_key_{0};
};

}  // namespace

NamedService make_agent_service(AgentSessions& sessions, std::shared_ptr<OpenStreams> streams) {
  return {std::string(v1::AgentService::service_full_name()),
          std::make_shared<AgentService>(sessions, std::move(streams))};
}

}  // namespace cdb::coordinator
