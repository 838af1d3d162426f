#include "coordinator/engine/host.h"

#include "lib/base/log.h"

namespace cdb::coordinator {

EngineHost::EngineHost(Engine& engine, const Clock& clock) : engine_(engine), clock_(clock) {}

EngineHost::~EngineHost() {
  stop();
}

void EngineHost::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void EngineHost::stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  // Dropping a packaged_task breaks its promise, which wakes its caller.
  inbox_.with([](std::deque<Work>& inbox) { inbox.clear(); });
}

void EngineHost::post(Work work) {
  inbox_.with([&](std::deque<Work>& inbox) { inbox.push_back(std::move(work)); });
}

void EngineHost::run(const std::stop_token& stop) {
  Instant wake = clock_.now();
  while (!stop.stop_requested()) {
    std::deque<Work> batch;
    inbox_.wait(stop, Deadline::at(wake), [&](std::deque<Work>& inbox) {
      batch.swap(inbox);
      return !batch.empty();
    });
    for (const Work& work : batch)
      work(engine_, Now{clock_.now(), clock_.wall()});
    wake = engine_.tick(Now{clock_.now(), clock_.wall()});
    notify_if_changed();
  }
}

void EngineHost::notify_if_changed() {
  if (engine_.revision() == seen_revision_) return;
  seen_revision_ = engine_.revision();
  const std::lock_guard lock(subscribers_mutex_);
  // A copy: a callback may subscribe or unsubscribe.
  const auto callbacks = subscribers_;
  for (const auto& [id, callback] : callbacks) {
    if (subscribers_.contains(id)) callback();
  }
}

EngineHost::Subscription EngineHost::subscribe(std::function<void()> changed) {
  const std::lock_guard lock(subscribers_mutex_);
  const uint64_t id = next_subscriber_++;
  subscribers_.emplace(id, std::move(changed));
  return Subscription(this, id);
}

void EngineHost::unsubscribe(uint64_t id) {
  const std::lock_guard lock(subscribers_mutex_);
  subscribers_.erase(id);
}

EngineHost::Subscription& EngineHost::Subscription::operator=(Subscription&& other) noexcept {
  if (this != &other) {
    if (host_ != nullptr) host_->unsubscribe(id_);
    host_ = std::exchange(other.host_, nullptr);
    id_ = other.id_;
  }
  return *this;
}

EngineHost::Subscription::~Subscription() {
  if (host_ != nullptr) host_->unsubscribe(id_);
}

}  // namespace cdb::coordinator
