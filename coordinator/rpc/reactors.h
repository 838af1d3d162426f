#pragma once
// How calls and watches meet the engine thread: no gRPC thread ever waits for it, and it never
// waits for a caller. Internal to coordinator/rpc.

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "coordinator/engine/host.h"
#include "coordinator/rpc/open_streams.h"
#include "coordinator/rpc/status.h"

namespace cdb::coordinator {

// What every service of the API works with. Copied freely; the host must outlive the server.
struct Desk {
  EngineHost& host;
  std::shared_ptr<OpenStreams> streams;  // shared with the server
};

// A unary call on its way to the engine thread. Held by the posted work alone: when the host drops
// the work, the call is answered all the same.
class PostedCall {
 public:
  explicit PostedCall(grpc::ServerUnaryReactor& reactor) : reactor_(&reactor) {}
  PostedCall(const PostedCall&) = delete;
  PostedCall& operator=(const PostedCall&) = delete;
  ~PostedCall() { finish(to_grpc(unavailable("the coordinator is stopping"))); }

  // False: the caller has left, and nothing is to be done.
  bool begin() {
    const std::lock_guard lock(mutex_);
    begun_ = true;
    return reactor_ != nullptr;
  }
  void finish(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    if (reactor_ != nullptr) std::exchange(reactor_, nullptr)->Finish(status);
  }
  // Work that has begun writes to the response, which must live until it is done.
  void caller_left() {
    const std::lock_guard lock(mutex_);
    if (!begun_ && reactor_ != nullptr) {
      std::exchange(reactor_, nullptr)->Finish(grpc::Status::CANCELLED);
    }
  }

 private:
  std::mutex mutex_{};
  grpc::ServerUnaryReactor* reactor_;  // until Finish
  bool begun_{false};
};

// Owns itself: gRPC's last call is OnDone().
class UnaryReactor final : public grpc::ServerUnaryReactor {
 public:
  std::shared_ptr<PostedCall> post() {
    auto call = std::make_shared<PostedCall>(*this);
    call_ = call;
    return call;
  }
  void OnCancel() override {
    if (const auto call = call_.lock()) call->caller_left();
  }
  void OnDone() override { delete this; }

 private:
  std::weak_ptr<PostedCall> call_{};
};

// Answers a unary call by work on the engine thread: Status(Engine&, Now). The work fills in the
// response. A caller that has left by then is not served.
template <typename Work>
grpc::ServerUnaryReactor* answer(EngineHost& host, Work work) {
  auto* reactor = new UnaryReactor();
  host.post([call = reactor->post(), work = std::move(work)](Engine& engine, Now now) {
    if (call->begin()) call->finish(to_grpc(work(engine, now)));
  });
  return reactor;
}

// The answer to a call that is wrong by itself.
inline grpc::ServerUnaryReactor* refuse(grpc::CallbackServerContext* context, const Error& error) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(to_grpc(error));
  return reactor;
}

// What a look at the engine found that the watcher has not been sent.
template <typename Message>
struct News {
  std::vector<Message> messages{};
  bool last{false};  // the watch ends well after these
};

// Looks at the engine, on its thread, and remembers what it returned. An error ends the watch.
template <typename Message>
using Source = std::function<Result<News<Message>>(const Engine&)>;

// A watch as the engine thread and a stopping server see it: outlives the reactor, and forgets it
// when it ends. It looks again only when everything was sent, so a slow reader skips what lies
// between and costs one look's worth of memory.
template <typename Message>
class WatchStream final : public OpenStream,
                          public std::enable_shared_from_this<WatchStream<Message>> {
 public:
  using Reactor = grpc::ServerWriteReactor<Message>;

  WatchStream(EngineHost& host, Reactor& reactor, Source<Message> source)
      : host_(host), reactor_(&reactor), source_(std::move(source)) {}

  void changed() {
    const std::lock_guard lock(mutex_);
    changed_ = true;
    go_on();
  }
  void end(const Error& reason) override { finish(to_grpc(reason)); }
  void written(bool ok) {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok) {
      finish_now(grpc::Status::CANCELLED);
    } else {
      go_on();
    }
  }
  void finish(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    finish_now(status);
  }

 private:
  // All under the lock.
  void go_on() {
    if (reactor_ == nullptr || writing_ || looking_) return;
    if (!waiting_.empty()) {
      outgoing_ = std::move(waiting_.front());
      waiting_.pop_front();
      writing_ = true;
      reactor_->StartWrite(&outgoing_);
    } else if (end_) {
      finish_now(*end_);
    } else if (std::exchange(changed_, false)) {
      looking_ = true;
      host_.post([self = this->shared_from_this()](Engine& engine, Now) { self->look(engine); });
    }
  }
  void finish_now(const grpc::Status& status) {
    if (reactor_ != nullptr) std::exchange(reactor_, nullptr)->Finish(status);
  }

  void look(const Engine& engine) {
    {
      const std::lock_guard lock(mutex_);
      if (reactor_ == nullptr) return;
    }
    Result<News<Message>> news = source_(engine);
    const std::lock_guard lock(mutex_);
    looking_ = false;
    if (!news) {
      end_ = to_grpc(news.error());
    } else {
      for (Message& message : news->messages)
        waiting_.push_back(std::move(message));
      if (news->last) end_ = grpc::Status::OK;
    }
    go_on();
  }

  EngineHost& host_;
  std::mutex mutex_{};
  Reactor* reactor_;        // until Finish
  Source<Message> source_;  // of the engine thread: one look at a time
  std::deque<Message> waiting_{};
  Message outgoing_{};
  std::optional<grpc::Status> end_{};
  bool changed_{false};
  bool looking_{false};
  bool writing_{false};
};

// Owns itself: gRPC's last call is OnDone().
template <typename Message>
class WatchReactor final : public grpc::ServerWriteReactor<Message> {
 public:
  WatchReactor(const Desk& desk, Source<Message> source)
      : streams_(desk.streams),
        stream_(std::make_shared<WatchStream<Message>>(desk.host, *this, std::move(source))) {
    streams_->add(stream_);
    subscription_ = desk.host.subscribe([stream = stream_] { stream->changed(); });
    stream_->changed();
  }
  void OnWriteDone(bool ok) override { stream_->written(ok); }
  void OnCancel() override { stream_->finish(grpc::Status::CANCELLED); }
  void OnDone() override {
    streams_->remove(stream_);
    delete this;
  }

 private:
  const std::shared_ptr<OpenStreams> streams_;
  const std::shared_ptr<WatchStream<Message>> stream_;
  EngineHost::Subscription subscription_{};
};

template <typename Message>
grpc::ServerWriteReactor<Message>* watch(const Desk& desk, Source<Message> source) {
  return new WatchReactor<Message>(desk, std::move(source));
}

// The answer to a watch that is wrong by itself.
template <typename Message>
grpc::ServerWriteReactor<Message>* refuse_watch(const Desk& desk, const Error& error) {
  return watch<Message>(desk, [error](const Engine&) -> Result<News<Message>> { return error; });
}

}  // namespace cdb::coordinator
