#include "lib/process/exit_watch.h"

#include <csignal>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/sync.h"
#include "tests/support/eventually.h"

namespace cdb::process {
namespace {

using namespace std::chrono_literals;

// A child with threads; each byte that is sent ends its oldest thread but the main one.
class Threaded {
 public:
  explicit Threaded(int threads) {
    REQUIRE(::pipe2(orders_, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(answers_, O_CLOEXEC) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::signal(SIGTERM, SIG_DFL);  // doctest's handler would report from here
      run(threads);
    }
    answer();
  }
  Threaded(const Threaded&) = delete;
  Threaded& operator=(const Threaded&) = delete;
  ~Threaded() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    for (const int fd : {orders_[0], orders_[1], answers_[0], answers_[1]})
      ::close(fd);
  }
  void end_one_thread() {
    REQUIRE(::write(orders_[1], "x", 1) == 1);
    answer();
  }
  [[nodiscard]] Identity identity() const { return identify(pid_).value(); }
  void signal(int number) const { ::kill(pid_, number); }

 private:
  [[noreturn]] void run(int count) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([](const std::stop_token& stop) {
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable_any never;
        never.wait(lock, stop, [] { return false; });
      });
    }
    const auto done = [this] { return ::write(answers_[1], "y", 1) == 1; };
    char order = 0;
    if (!done()) ::_exit(1);
    while (::read(orders_[0], &order, 1) == 1) {
      threads.erase(threads.begin());
      if (!done()) ::_exit(1);
    }
    ::_exit(0);
  }
  void answer() {
    char byte = 0;
    REQUIRE(::read(answers_[0], &byte, 1) == 1);
  }

  int orders_[2]{};
  int answers_[2]{};
  pid_t pid_{0};
};

struct Calls {
  Sync<int> count{};
  std::function<void()> callback() {
    return [this] { count.with([](int& n) { ++n; }); };
  }
  bool came() {
    return count.wait(std::stop_source().get_token(), Deadline::after(20s),
                      [](int n) { return n > 0; });
  }
  int so_far() {
    return count.read([](int n) { return n; });
  }
};

}  // namespace

TEST_CASE("the end of a process calls back once, with threads and without") {
  for (const int threads : {0, 1, 40}) {
    const Threaded child(threads);
    Calls calls;
    const ExitWatch watch(child.identity(), calls.callback());
    CHECK_FALSE(watch.done());
    child.signal(SIGKILL);
    CHECK(calls.came());
    CHECK(testing::eventually([&] { return watch.done(); }));
    CHECK(calls.so_far() == 1);
  }
}

TEST_CASE("threads that end while their process goes on are not taken for its end") {
  Threaded child(80);
  Calls calls;
  const ExitWatch watch(child.identity(), calls.callback());
  for (int i = 0; i < 79; ++i)
    child.end_one_thread();
  CHECK(calls.so_far() == 0);
  child.end_one_thread();
  CHECK(calls.so_far() == 0);
  child.signal(SIGTERM);
  CHECK(calls.came());
}

TEST_CASE("a process that is gone already calls back at once") {
  const Threaded child(0);
  const Identity identity = child.identity();
  child.signal(SIGKILL);
  REQUIRE(testing::eventually([&] { return !alive(identity); }));
  Calls calls;
  const ExitWatch watch(identity, calls.callback());
  CHECK(calls.came());
}

TEST_CASE("a watch that is dropped never calls back") {
  const Threaded child(2);
  Calls calls;
  { const ExitWatch watch(child.identity(), calls.callback()); }
  const Identity identity = child.identity();
  child.signal(SIGKILL);
  CHECK(testing::eventually([&] { return !alive(identity); }));
  CHECK(calls.so_far() == 0);
}

}  // namespace cdb::process
