#pragma once
// A set of namespaces (network, mounts, processes, host name) with an init of its own: all of it
// lives and dies with that init. Nothing has a name in the system, so runs cannot collide, and
// nothing outlives the runner: the init is told of its death by the kernel. What cannot be had
// throws std::runtime_error. Only the thread that lives longest may start one.

#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "lib/base/clock.h"
#include "lib/base/unique_fd.h"
#include "lib/process/identity.h"
#include "lib/process/program.h"

namespace cdb::chaos {

class Space {
 public:
  // service: a program and its arguments that init runs while told to; may be empty.
  Space(std::filesystem::path directory, std::string name, std::vector<std::string> service);
  ~Space();
  Space(const Space&) = delete;
  Space& operator=(const Space&) = delete;

  // Namespaces and init are there; the service waits for service_on().
  void start();
  // SIGKILL to init takes all with it.
  void end();
  [[nodiscard]] bool started() const { return init_ > 0; }
  [[nodiscard]] pid_t init() const { return init_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

  void service_on();
  // It goes on where it runs; it is not started again when it ends.
  void service_off();

  // Runs a program in the network and the mounts of this space to its end; throws unless it
  // succeeds.
  std::string must(const std::vector<std::string>& command, const std::string& input = {}) const;
  [[nodiscard]] process::ProgramResult run(
      const std::vector<std::string>& command, Duration time, const std::string& input = {},
      const std::map<std::string, std::string>& environment = {}) const;
  // Starts a child of ours there.
  [[nodiscard]] pid_t spawn(const std::vector<std::string>& command,
                            const std::filesystem::path& log) const;
  // Runs f in the network of this space, on a thread of its own, and waits for it.
  template <typename F>
  void inside(F f) const {
    std::exception_ptr thrown;
    std::thread([&] {
      try {
        enter_network();
        f();
      } catch (...) {
        thrown = std::current_exception();
      }
    }).join();
    if (thrown) std::rethrow_exception(thrown);
  }

  // All of its processes, init first, or those of this name (the kernel's, of 15 letters at most).
  [[nodiscard]] std::vector<process::Identity> processes(const std::string& name = {}) const;

 private:
  void enter_network() const;

  std::filesystem::path directory_;
  std::string name_;
  std::vector<std::string> service_;
  pid_t init_{0};
};

[[noreturn]] void give_up(const std::string& why);
// The path that an environment variable names; see tests/chaos/meson.build.
std::string program(const char* variable);

}  // namespace cdb::chaos
