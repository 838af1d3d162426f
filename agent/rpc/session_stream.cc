#include "agent/rpc/session_stream.h"

#include <utility>

namespace cdb::agent {

SessionStream::SessionStream(const std::shared_ptr<grpc::Channel>& channel,
                             const std::string& caller, const cdb::v1::Hello& hello,
                             Listener& listener)
    : stub_(cdb::v1::AgentService::NewStub(channel)), listener_(listener) {
  context_.AddMetadata("cdb-node", caller);
  *outgoing_.mutable_hello() = hello;
}

void SessionStream::start() {
  stub_->async()->Session(&context_, this);
  // Reports are written from other threads than gRPC's: the hold keeps the stream from ending under
  // them. OnReadDone(false) gives it back.
  AddHold();
  {
    const std::lock_guard lock(mutex_);
    writing_ = true;
    StartWrite(&outgoing_);
  }
  StartRead(&incoming_);
  StartCall();
}

void SessionStream::report(cdb::v1::NodeReport report) {
  const std::lock_guard lock(mutex_);
  waiting_ = std::move(report);
  if (!writing_ && !broken_) write_next();
}

void SessionStream::write_next() {
  if (!waiting_) return;
  *outgoing_.mutable_report() = std::move(*waiting_);
  waiting_.reset();
  writing_ = true;
  StartWrite(&outgoing_);
}

void SessionStream::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  // After a failed write the read fails, too, and ends the stream.
  if (ok && !broken_) write_next();
}

void SessionStream::OnReadDone(bool ok) {
  if (ok) {
    {
      const std::lock_guard lock(mutex_);
      answered_ = true;
      changed_.notify_all();
    }
    listener_.received(incoming_);
    incoming_.Clear();
    StartRead(&incoming_);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    broken_ = true;
  }
  RemoveHold();
}

void SessionStream::OnDone(const grpc::Status& status) {
  // Under the lock to the last: the waiter destroys this object as soon as it gets the lock.
  const std::lock_guard lock(mutex_);
  ended_ = true;
  end_ = status;
  changed_.notify_all();
}

bool SessionStream::wait_answer(const std::stop_token& stop, Deadline deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, stop, deadline.left(), [&] { return answered_ || ended_; });
}

bool SessionStream::wait_end(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return changed_.wait(lock, stop, [&] { return ended_; });
}

bool SessionStream::answered() const {
  const std::lock_guard lock(mutex_);
  return answered_;
}

}  // namespace cdb::agent
