#pragma once
// The engine thread: everything that touches the Engine goes through here, one call after another.

#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>

#include "coordinator/engine/engine.h"
#include "lib/base/clock.h"
#include "lib/base/sync.h"

namespace cdb::coordinator {

class EngineHost {
 public:
  using Work = std::function<void(Engine&, Now)>;

  EngineHost(Engine& engine, const Clock& clock);
  ~EngineHost();  // stops the thread; work not yet done is dropped, and its callers are told
  EngineHost(const EngineHost&) = delete;
  EngineHost& operator=(const EngineHost&) = delete;

  void start();
  void stop();
  // Runs the work on the engine thread, soon. Any thread.
  void post(Work work);
  // Runs f(Engine&, Now) on the engine thread and returns what it returned. Blocking; never from
  // the engine thread itself. Throws std::future_error when the host stops before the work was
  // done.
  template <typename F>
  auto call(F f) -> std::invoke_result_t<F, Engine&, Now> {
    using R = std::invoke_result_t<F, Engine&, Now>;
    auto task = std::make_shared<std::packaged_task<R(Engine&, Now)>>(std::move(f));
    auto answer = task->get_future();
    post([task](Engine& engine, Now now) { (*task)(engine, now); });
    return answer.get();
  }

  // Keeps a callback alive until destroyed.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(EngineHost* host, uint64_t id) : host_(host), id_(id) {}
    Subscription(Subscription&& other) noexcept
        : host_(std::exchange(other.host_, nullptr)), id_(other.id_) {}
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription();

   private:
    EngineHost* host_{nullptr};
    uint64_t id_{0};
  };
  // Calls back on the engine thread whenever Engine::revision() has grown. The callback must return
  // at once and must not call(). After the Subscription's end no call is under way or will come.
  Subscription subscribe(std::function<void()> changed);

 private:
  void run(const std::stop_token& stop);
  void unsubscribe(uint64_t id);
  void notify_if_changed();

  Engine& engine_;
  const Clock& clock_;
  Sync<std::deque<Work>> inbox_{};
  std::recursive_mutex subscribers_mutex_{};  // recursive: a callback may end its own subscription
  std::map<uint64_t, std::function<void()>> subscribers_{};
  uint64_t next_subscriber_{1};
  uint64_t seen_revision_{0};
  std::jthread thread_{};
};

}  // namespace cdb::coordinator
