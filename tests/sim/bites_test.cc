// The simulator has to find every one of these bugs, or it proves nothing.
#include <string>

#include <doctest/doctest.h>

#include "lib/base/log.h"
#include "tests/sim/bugs.h"

namespace cdb::sim {
namespace {

constexpr uint64_t kMostSteps = 8'000'000;  // for each

}  // namespace

TEST_CASE("the simulator finds every bug that is put in") {
  log::configure(log::Level::Error, "/dev/null");
  for (const Bug& bug : bugs()) {
    const std::string name = "the simulator finds: " + bug.name;
    SUBCASE(name.c_str()) {
      Counters total;
      Ending ending;
      for (uint64_t seed = 1; ending.failure.empty() && total.steps() < kMostSteps; ++seed) {
        ending = tell_story(seed, bug.variant, false);
        total.add(ending.counts);
      }
      MESSAGE(bug.name << ": " << (ending.failure.empty() ? "not found" : ending.failure)
                       << " [seed " << ending.seed << ", " << total.steps() << " steps]");
      CHECK_MESSAGE(!ending.failure.empty(), "not found in ", total.steps(), " steps: ", bug.name);
    }
  }
}

}  // namespace cdb::sim
