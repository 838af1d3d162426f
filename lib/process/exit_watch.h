#pragma once
// Watches for the end of one process and calls back once, from a thread of its own.

#include <atomic>
#include <functional>
#include <thread>

#include "lib/base/unique_fd.h"
#include "lib/process/identity.h"

namespace cdb::process {

class ExitWatch {
 public:
  // The callback comes as soon as the process is ending(): at once where it is gone already. The
  // callback may not destroy the watch.
  ExitWatch(Identity process, std::function<void()> callback);
  ExitWatch(const ExitWatch&) = delete;
  ExitWatch& operator=(const ExitWatch&) = delete;
  // Waits for a callback under way; none begins afterwards.
  ~ExitWatch();

  // The callback was made and has returned.
  [[nodiscard]] bool done() const { return done_; }

 private:
  void watch(const std::stop_token& stop);

  Identity process_;
  std::function<void()> callback_;
  UniqueFd wake_;  // readable once the watch is to end
  std::atomic<bool> done_{false};
  std::jthread thread_{};
};

}  // namespace cdb::process
