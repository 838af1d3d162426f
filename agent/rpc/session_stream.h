#pragma once
// One stream to a coordinator, from the first try to connect to its end. Calls from any thread.
// Internal to agent/rpc.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/client_callback.h>

#include "cdb/v1/agent.grpc.pb.h"
#include "lib/base/clock.h"

namespace cdb::agent {

class SessionStream final
    : public grpc::ClientBidiReactor<cdb::v1::AgentMessage, cdb::v1::CoordinatorMessage> {
 public:
  // Called from gRPC's threads, one call at a time, with no lock held.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void received(const cdb::v1::CoordinatorMessage& message) = 0;
  };

  SessionStream(const std::shared_ptr<grpc::Channel>& channel, const std::string& caller,
                const cdb::v1::Hello& hello, Listener& listener);

  // Begins. From here on wait_end() must have returned before the stream is destroyed.
  void start();
  // Sends this report as soon as the stream can take it, in place of one that has not been sent.
  void report(cdb::v1::NodeReport report);
  // Ends the stream soon, whatever the other side does.
  void cancel() { context_.TryCancel(); }

  // Until a first message has come or the stream has ended; false at the deadline or with a stop.
  bool wait_answer(const std::stop_token& stop, Deadline deadline);
  // Until the stream has ended; false with a stop. Afterwards the listener is not called.
  bool wait_end(const std::stop_token& stop);
  // Once it has ended.
  [[nodiscard]] const grpc::Status& end() const { return end_; }
  [[nodiscard]] bool answered() const;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  void write_next();  // under the lock

  std::unique_ptr<cdb::v1::AgentService::Stub> stub_;
  grpc::ClientContext context_{};
  Listener& listener_;
  cdb::v1::CoordinatorMessage incoming_{};

  mutable std::mutex mutex_{};
  std::condition_variable_any changed_{};
  cdb::v1::AgentMessage outgoing_{};  // the Hello at first
  std::optional<cdb::v1::NodeReport> waiting_{};
  bool writing_{false};
  bool broken_{false};  // nothing can be written any more
  bool answered_{false};
  bool ended_{false};
  grpc::Status end_{};
};

}  // namespace cdb::agent
