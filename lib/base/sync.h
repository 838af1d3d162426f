#pragma once
// Sync<T>: data that cannot be reached without its lock.
//   sync.with([](T& data) { ... });          short critical section
//   sync.wait(stop, deadline, predicate)     waits until the predicate holds; false otherwise
// Every `with` wakes the waiters, so a waiter sees each change. Never call a port inside `with`.

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

#include "lib/base/clock.h"

namespace cdb {

template <typename T>
class Sync {
 public:
  Sync() = default;
  explicit Sync(T data) : data_(std::move(data)) {}

  template <typename F>
  auto with(F&& body) {
    struct Waker {
      std::condition_variable_any& changed;
      ~Waker() { changed.notify_all(); }
    };
    const Waker waker{changed_};
    const std::lock_guard lock(mutex_);
    return std::forward<F>(body)(data_);
  }

  // Reads without waking anyone.
  template <typename F>
  auto read(F&& body) const {
    const std::lock_guard lock(mutex_);
    return std::forward<F>(body)(data_);
  }

  // True once `holds(T&)` is true (it may take what it found: it runs under the lock); false at the
  // deadline or when a stop is asked for.
  template <typename Predicate>
  bool wait(std::stop_token stop, Deadline deadline, Predicate holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, stop, deadline.left(), [&] { return holds(data_); });
  }

 private:
  mutable std::mutex mutex_{};
  std::condition_variable_any changed_{};
  T data_{};
};

}  // namespace cdb
