#include "lib/base/clock.h"

#include <doctest/doctest.h>

#include "lib/base/backoff.h"

namespace cdb {

using namespace std::chrono_literals;

TEST_CASE("durations are written for people") {
  struct Case {
    Duration duration;
    const char* text;
  };
  for (const auto& [duration, text] :
       {Case{0ms, "0 ms"}, Case{870ms, "870 ms"}, Case{999ms, "999 ms"}, Case{1s, "1.0 s"},
        Case{3200ms, "3.2 s"}, Case{60s, "1 min 0 s"}, Case{250s, "4 min 10 s"},
        Case{125min, "2 h 5 min"}, Case{80h, "3 d 8 h"}}) {
    CHECK(to_text(duration) == text);
  }
}

TEST_CASE("wall time is written as RFC 3339 in UTC with milliseconds") {
  CHECK(to_rfc3339(WallTime{}) == "1970-01-01T00:00:00.000Z");
  CHECK(to_rfc3339(WallTime(1'777'636'800s + 123'456us)) == "2026-05-01T12:00:00.123Z");
}

TEST_CASE("a deadline that has passed leaves nothing, never less") {
  const Deadline past = Deadline::at(BootTime::now() - 1s);
  CHECK(past.passed());
  CHECK(past.left() == Duration::zero());
  CHECK(past.left_ms() == 0ms);

  const Deadline future = Deadline::after(1h);
  CHECK_FALSE(future.passed());
  CHECK(future.left() > 59min);
  CHECK(future.left() <= 1h);
}

TEST_CASE("the sooner of a deadline and a duration wins") {
  const Deadline far = Deadline::after(1h);
  CHECK(far.sooner_of(1min).left() <= 1min);
  CHECK(far.sooner_of(2h).when() == far.when());
}

TEST_CASE("a backoff doubles up to its longest pause and begins anew after a reset") {
  Backoff backoff(100ms, 350ms);
  CHECK(backoff.next() == 100ms);
  CHECK(backoff.next() == 200ms);
  CHECK(backoff.next() == 350ms);
  CHECK(backoff.next() == 350ms);
  backoff.reset();
  CHECK(backoff.next() == 100ms);
}

}  // namespace cdb
