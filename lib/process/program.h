#pragma once
// Runs a helper program to its end. Blocking; any thread. Boost.Process is known to program.cc
// alone.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace cdb::process {

struct Program {
  std::filesystem::path path{};  // absolute, or looked up in PATH
  std::vector<std::string> arguments{};
  std::map<std::string, std::string> environment{};  // added to our own
  std::string input{};                               // its standard input
};

struct ProgramResult {
  int exit_code{0};  // 128 + signal when killed by one
  std::string out{};
  std::string err{};
};

// deadline: the program and its children were killed; not_found: no such program. A non-zero exit
// code is a result, not an error. At most 16 MiB of each output are kept.
Result<ProgramResult> run(const Program& program, Deadline deadline);

}  // namespace cdb::process
