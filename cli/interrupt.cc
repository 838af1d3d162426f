#include "cli/interrupt.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/result.h"

namespace cdb::cli {
namespace {

constexpr int kInterruptedExit = 130;
// For the signal handler, which has no other way to reach them.
std::atomic<int> signalled_fd{-1};
std::atomic<int> signals_seen{0};

void on_signal(int) {
  const int saved = errno;
  if (signals_seen.fetch_add(1) > 0) ::_exit(kInterruptedExit);
  const uint64_t one = 1;
  // The only failure of an eventfd's write is a counter at its end: then the waiter wakes anyhow.
  [[maybe_unused]] const ssize_t written = ::write(signalled_fd.load(), &one, sizeof one);
  errno = saved;
}

}  // namespace

Interrupt::Interrupt() : end_(::eventfd(0, EFD_CLOEXEC)) {
  UniqueFd signalled(::eventfd(0, EFD_CLOEXEC));
  CDB_INVARIANT(end_ && signalled);
  CDB_INVARIANT(signalled_fd.exchange(signalled.get()) == -1);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  waiter_ = std::jthread([this, fd = std::move(signalled)] {
    std::array<pollfd, 2> fds{pollfd{fd.get(), POLLIN, 0}, pollfd{end_.get(), POLLIN, 0}};
    while (::poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
    }
    if (fds[0].revents != 0) stop_.request_stop();
  });
}

Interrupt::~Interrupt() {
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(end_.get(), &one, sizeof one);
  waiter_.join();
  signalled_fd.store(-1);
}

}  // namespace cdb::cli
