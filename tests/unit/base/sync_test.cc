#include "lib/base/sync.h"

#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace cdb {

using namespace std::chrono_literals;

TEST_CASE("a waiter wakes for the change it waits for, and takes what it found") {
  Sync<std::vector<int>> queue;
  int taken = 0;
  std::jthread consumer([&](std::stop_token stop) {
    queue.wait(stop, Deadline::after(1min), [&](std::vector<int>& items) {
      if (items.size() < 3) return false;
      taken = items.back();
      items.clear();
      return true;
    });
  });
  for (int i = 1; i <= 3; ++i)
    queue.with([i](auto& items) { items.push_back(i); });
  consumer.join();
  CHECK(taken == 3);
  CHECK(queue.read([](const auto& items) { return items.empty(); }));
}

TEST_CASE("waiting ends with false at the deadline and when a stop is asked for") {
  Sync<int> number;
  const std::stop_source source;
  CHECK_FALSE(number.wait(source.get_token(), Deadline::after(5ms), [](int n) { return n == 1; }));

  bool result = true;
  std::jthread waiter([&](std::stop_token stop) {
    result = number.wait(stop, Deadline::after(1min), [](int n) { return n == 1; });
  });
  waiter.request_stop();
  waiter.join();
  CHECK_FALSE(result);
}

TEST_CASE("with hands out what its body returns") {
  Sync<int> number(4);
  CHECK(number.with([](int& n) { return ++n; }) == 5);
  CHECK(number.read([](const int& n) { return n; }) == 5);
}

}  // namespace cdb
