#pragma once
// Runs the command as main would, with streams and a terminal of the test's own.

#include <condition_variable>
#include <mutex>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "cli/run.h"
#include "lib/base/clock.h"
#include "tests/unit/cli/fake_coordinator.h"

namespace cdb::cli {

// Text that one thread writes while another waits for it.
class WatchedText final : public std::streambuf {
 public:
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  // Until the text holds `part`; false after 20 s.
  bool wait_for(const std::string& part) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20),
                             [&] { return text_.find(part) != std::string::npos; });
  }

 protected:
  int overflow(int c) override {
    const char one = static_cast<char>(c);
    xsputn(&one, 1);
    return c;
  }
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    {
      const std::lock_guard lock(mutex_);
      text_.append(data, static_cast<size_t>(size));
    }
    changed_.notify_all();
    return size;
  }

 private:
  mutable std::mutex mutex_{};
  mutable std::condition_variable changed_{};
  std::string text_{};
};

struct Ran {
  Exit exit{Exit::Ok};
  std::string out{};
  std::string err{};
};

class CommandRun {
 public:
  CommandRun() : CommandRun(std::string{}) {}
  explicit CommandRun(const FakeCoordinator& coordinator) : CommandRun(coordinator.endpoint()) {}
  explicit CommandRun(const std::string& endpoints) {
    environment["HOME"] = "/nonexistent";
    if (!endpoints.empty()) environment["CDB_ENDPOINTS"] = endpoints;
  }

  Ran run(const std::vector<std::string>& args) {
    begin(args);
    return end();
  }
  // In a thread of its own, until end().
  void begin(const std::vector<std::string>& args) {
    thread_ = std::jthread([this, args] {
      std::istringstream in(input);
      std::ostream out_stream(&out);
      std::ostream err_stream(&err);
      World world{in, out_stream, err_stream, clock_};
      world.in_terminal = world.out_terminal = world.err_terminal = terminal;
      world.environment = environment;
      world.user = "jane";
      world.interruptible = [this] { return stop.get_token(); };
      world.execute = [this](const std::vector<std::string>& command) {
        executed = command;
        return Status{};
      };
      exit_ = cli::run(args, world);
    });
  }
  Ran end() {
    thread_.join();
    return {exit_, out.text(), err.text()};
  }

  std::string input{};
  bool terminal{false};
  std::map<std::string, std::string> environment{};
  std::stop_source stop{};  // Ctrl-C
  WatchedText out{};
  WatchedText err{};
  std::vector<std::string> executed{};

 private:
  SystemClock clock_{};
  Exit exit_{Exit::Error};
  std::jthread thread_{};
};

}  // namespace cdb::cli
