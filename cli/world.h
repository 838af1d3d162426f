#pragma once
// What the command sees of the machine it runs on: streams, terminal, environment, the person's
// patience. main.cc fills it from the process; tests fill it themselves. One thread, but for
// interruptible's token.

#include <functional>
#include <istream>
#include <map>
#include <ostream>
#include <stop_token>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace cdb::cli {

struct World {
  std::istream& in;
  std::ostream& out;  // data
  std::ostream& err;  // everything else
  const Clock& clock;
  bool in_terminal{false};
  bool out_terminal{false};
  bool err_terminal{false};
  size_t columns{80};
  size_t rows{24};
  std::map<std::string, std::string> environment{};
  std::string user{};  // of the operating system
  // From the first call on, Ctrl-C asks for a stop instead of ending the process.
  std::function<std::stop_token()> interruptible{};
  // Becomes another program; returns only when that failed.
  std::function<Status(const std::vector<std::string>& command)> execute{};

  // Empty where it is not set.
  [[nodiscard]] std::string env(const std::string& name) const {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string{} : found->second;
  }
};

}  // namespace cdb::cli
