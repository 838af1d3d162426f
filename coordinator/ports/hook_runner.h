#pragma once
// Where the programs of a policy are run, before and after a change of the primary.

#include <map>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/model/ids.h"

namespace cdb::coordinator {

enum class HookMoment { Before, After };

// Programs for one change of a primary, one after the other, together within the deadline.
struct HookJob {
  model::ClusterId cluster{};
  HookMoment moment{HookMoment::Before};
  std::string token{};                  // what they are run for
  std::vector<std::string> commands{};  // "notify --channel ops"
  std::map<std::string, std::string> environment{};
  Duration deadline{};
};

struct HookResult {
  std::string command{};
  std::string fault{};  // empty: it succeeded
  std::string output{};
};

class HookRunner {
 public:
  virtual ~HookRunner() = default;
  // What is wrong with such a command; empty: nothing. Quick; any thread.
  [[nodiscard]] virtual std::string fault_of(const std::string& command) const = 0;
  // Blocking, at most until the deadline; any thread. One result for each command.
  [[nodiscard]] virtual std::vector<HookResult> run(const HookJob& job) const = 0;
};

}  // namespace cdb::coordinator
