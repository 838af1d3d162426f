#pragma once
// What the main of every daemon does: the three options, signals, the exit code. One thread:
// main's.

#include <csignal>
#include <filesystem>
#include <functional>
#include <string_view>

#include "lib/base/result.h"

namespace cdb::process {

inline constexpr int kExitUsage = 64;
inline constexpr int kExitLocked = 75;  // another one has it: the supervisor tries again

struct Service {
  const char* name{""};
  const char* version{""};
  const char* help{""};
  // Builds the parts, then calls wait_for_stop(), then ends them.
  std::function<Status(const std::filesystem::path& config)> run{};
};

// Takes --config FILE, --version and --help; returns the exit code. Signals that stop a service are
// blocked before `run`, so that every thread it starts inherits that.
int service_main(int argc, char** argv, const Service& service);

// Blocks until SIGTERM or SIGINT; returns which.
int wait_for_stop();

}  // namespace cdb::process
