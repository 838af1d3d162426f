#include "cli/wait.h"

#include <algorithm>
#include <stop_token>
#include <thread>

#include <fmt/format.h>

#include "cdb/v1/operations.pb.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "lib/base/sync.h"

namespace cdb::cli {
namespace {

struct State {
  std::vector<v1::Operation> operations{};
  std::vector<Error> gone{};           // one for each that cannot be followed any more
  std::vector<std::string> notices{};  // not shown yet
  size_t watching{0};
  uint64_t changes{0};
};

// Keeps State up to date until every operation has ended or nobody waits any more.
class Watchers {
 public:
  Watchers(Client& client, Deadline deadline, const std::vector<v1::Operation>& operations)
      : state_(State{operations, {}, {}, operations.size(), 0}) {
    for (size_t i = 0; i < operations.size(); ++i) {
      threads_.emplace_back([this, &client, deadline, i, id = operations[i].id()] {
        watch(client, deadline, i, id);
      });
    }
  }
  ~Watchers() { stop_.request_stop(); }
  Watchers(const Watchers&) = delete;
  Watchers& operator=(const Watchers&) = delete;

  Sync<State>& state() { return state_; }

 private:
  void watch(Client& client, Deadline deadline, size_t index, const std::string& id) {
    Follow follow;
    follow.stop = stop_.get_token();
    follow.deadline = deadline;
    follow.patient = true;
    follow.notice = [this](const std::string& text) {
      state_.with([&](State& state) {
        // Every watcher loses the same connection: once is enough.
        if (state.notices.empty() || state.notices.back() != text) state.notices.push_back(text);
        ++state.changes;
      });
    };
    const Status ended = client.watch_operation(id, follow, [&](const v1::Operation& operation) {
      state_.with([&](State& state) {
        state.operations[index] = operation;
        ++state.changes;
      });
    });
    state_.with([&](State& state) {
      if (!ended.ok()) state.gone.push_back(ended.error().in("operation " + id));
      --state.watching;
      ++state.changes;
    });
  }

  std::stop_source stop_{};
  Sync<State> state_;
  std::vector<std::jthread> threads_{};  // last: ends before what it uses
};

State take(Sync<State>& sync) {
  return sync.read([](const State& state) { return state; });
}

std::vector<std::string> take_notices(Sync<State>& sync) {
  std::vector<std::string> notices;
  sync.with([&](State& state) { notices.swap(state.notices); });
  return notices;
}

bool is_running(const v1::Operation& operation) {
  return operation.state() == "running";
}

void say_result(World& world, const v1::Operation& operation, WallTime now) {
  const std::string time = to_text(operation_age(operation, now));
  if (operation.state() == "succeeded") {
    world.err << fmt::format("{} succeeded after {}\n", operation_title(operation), time);
    return;
  }
  world.err << fmt::format("error: {} failed after {}: {}\n", operation_title(operation), time,
                           one_line(operation.problem()));
  const std::string hint = operation.hint().empty()
                               ? fmt::format("cdb operations {} shows its steps", operation.id())
                               : one_line(operation.hint());
  world.err << "hint: " << hint << "\n";
}

Exit say_results(World& world, const State& state, std::stop_token stop, Duration timeout) {
  Exit exit = Exit::Ok;
  std::vector<v1::Operation> running;
  const WallTime now = world.clock.wall();
  for (const auto& operation : state.operations) {
    if (is_running(operation)) {
      running.push_back(operation);
      continue;
    }
    say_result(world, operation, now);
    if (operation.state() != "succeeded") exit = Exit::Error;
  }
  for (const auto& error : state.gone) {
    if (error.code == Code::Deadline || error.code == Code::Cancelled) continue;
    world.err << "error: " << error.message << "\n";
    if (!error.hint.empty()) world.err << "hint: " << error.hint << "\n";
    exit = exit_for(error.code);
  }
  if (exit == Exit::Ok && !running.empty()) {
    exit = stop.stop_requested() ? Exit::Interrupted : Exit::Timeout;
    world.err << (exit == Exit::Interrupted ? "stopped waiting"
                                            : "the wait timed out after " + to_text(timeout))
              << "\n";
  }
  say_how_to_follow(world, running);
  return exit;
}

}  // namespace

Exit wait_for(Client& client, World& world, const std::vector<v1::Operation>& operations,
              Duration timeout) {
  const std::stop_token stop = world.interruptible();
  const Deadline deadline = Deadline::after(timeout);
  ProgressView view(world.err, {world.err_terminal, world.columns, world.rows});
  State last;
  {
    Watchers watchers(client, deadline, operations);
    uint64_t seen = 0;
    for (bool first = true;; first = false) {
      last = take(watchers.state());
      for (const auto& notice : take_notices(watchers.state()))
        view.note(notice);
      const bool over = last.watching == 0 || stop.stop_requested() || deadline.passed();
      if (over) break;
      // What the request itself answered is drawn when the first news does not come at once.
      if (!first) view.show(last.operations, world.clock.now(), world.clock.wall());
      seen = last.changes;
      watchers.state().wait(stop, deadline.sooner_of(view.tick()),
                            [&](const State& state) { return state.changes != seen; });
    }
  }
  view.finish(last.operations, world.clock.now(), world.clock.wall());
  return say_results(world, last, stop, timeout);
}

void say_how_to_follow(World& world, const std::vector<v1::Operation>& operations) {
  for (const auto& operation : operations) {
    world.err << fmt::format("{} goes on; follow it with: cdb operations {} -w\n",
                             operation_title(operation), operation.id());
  }
}

}  // namespace cdb::cli
