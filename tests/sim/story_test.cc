// The simulator itself: it has to tell the same story again, or no failure could be looked into.
#include <doctest/doctest.h>

#include "lib/base/log.h"
#include "tests/sim/world.h"

namespace cdb::sim {

TEST_CASE("the same seed tells the same story, told or not") {
  log::configure(log::Level::Error, "/dev/null");
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const Ending first = tell_story(seed, Variant{}, true);
    const Ending again = tell_story(seed, Variant{}, true);
    const Ending silent = tell_story(seed, Variant{}, false);
    CAPTURE(seed);
    CHECK(first.lines == again.lines);
    CHECK(first.lines.size() > 20);
    CHECK(silent.lines.empty());
    CHECK(first.counts.steps() == silent.counts.steps());
    CHECK(first.failure == silent.failure);
  }
}

TEST_CASE("other seeds tell other stories") {
  log::configure(log::Level::Error, "/dev/null");
  CHECK(tell_story(1, Variant{}, true).lines != tell_story(2, Variant{}, true).lines);
}

}  // namespace cdb::sim
