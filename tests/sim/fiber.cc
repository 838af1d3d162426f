#include "tests/sim/fiber.h"

#include <cstddef>
#include <utility>
#include <vector>

#include <ucontext.h>

#include "lib/base/result.h"

namespace cdb::sim {
namespace {

constexpr size_t kStackBytes = size_t{256} << 10;

// Thrown through the body of a fiber that is ended. No std::exception: nothing may take it for an
// error.
struct Ended {};

using Stack = std::unique_ptr<std::byte[]>;

// Stacks are used again: one is needed for every agent that starts.
std::vector<Stack>& spare_stacks() {
  thread_local std::vector<Stack> stacks;
  return stacks;
}

Stack take_stack() {
  auto& spare = spare_stacks();
  if (spare.empty()) return Stack(new std::byte[kStackBytes]);
  Stack stack = std::move(spare.back());
  spare.pop_back();
  return stack;
}

}  // namespace

class Fiber::Impl {
 public:
  explicit Impl(std::function<void()> body) : body_(std::move(body)), stack_(take_stack()) {
    CDB_INVARIANT(::getcontext(&inside_) == 0);
    inside_.uc_stack.ss_sp = stack_.get();
    inside_.uc_stack.ss_size = kStackBytes;
    inside_.uc_link = &outside_;
    ::makecontext(&inside_, &Impl::enter, 0);
  }
  ~Impl() {
    if (started_ && !done_) {
      ending_ = true;
      resume();
    }
    CDB_INVARIANT(!started_ || done_);
    spare_stacks().push_back(std::move(stack_));
  }

  void resume() {
    CDB_INVARIANT(current() == nullptr && !done_);
    started_ = true;
    current() = this;
    CDB_INVARIANT(::swapcontext(&outside_, &inside_) == 0);
    current() = nullptr;
  }
  void wait() {
    CDB_INVARIANT(!ending_);
    CDB_INVARIANT(::swapcontext(&inside_, &outside_) == 0);
    if (ending_) throw Ended{};
  }
  [[nodiscard]] bool done() const { return done_; }

  static Impl*& current() {
    thread_local Impl* running = nullptr;
    return running;
  }

 private:
  static void enter() {
    Impl* self = current();
    try {
      self->body_();
    } catch (const Ended&) {
    }
    self->done_ = true;
  }

  std::function<void()> body_;
  Stack stack_;
  ucontext_t inside_{};
  ucontext_t outside_{};
  bool started_{false};
  bool ending_{false};
  bool done_{false};
};

Fiber::Fiber(std::function<void()> body) : impl_(std::make_unique<Impl>(std::move(body))) {}

Fiber::~Fiber() = default;

void Fiber::resume() {
  impl_->resume();
}

bool Fiber::done() const {
  return impl_->done();
}

void Fiber::wait() {
  Impl::current()->wait();
}

}  // namespace cdb::sim
