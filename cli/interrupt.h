#pragma once
// Ctrl-C and SIGTERM as a stop token. The first asks for a stop; a second ends the process at once.
// At most one per process.

#include <stop_token>
#include <thread>

#include "lib/base/unique_fd.h"

namespace cdb::cli {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_{};
  UniqueFd end_{};
  std::jthread waiter_{};
};

}  // namespace cdb::cli
