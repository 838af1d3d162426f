#include "lib/base/clock.h"

#include <ctime>

#include <fmt/format.h>

namespace cdb {

BootTime::time_point BootTime::now() {
  timespec ts{};
  ::clock_gettime(CLOCK_BOOTTIME, &ts);
  return time_point(std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec));
}

Instant SystemClock::now() const {
  return BootTime::now();
}

WallTime SystemClock::wall() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::string to_rfc3339(WallTime time) {
  const auto micros = time.time_since_epoch().count();
  const std::time_t seconds = static_cast<std::time_t>(micros / 1'000'000);
  std::tm tm{};
  ::gmtime_r(&seconds, &tm);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", tm.tm_year + 1900, tm.tm_mon + 1,
                     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, micros / 1000 % 1000);
}

std::string to_text(Duration duration) {
  using namespace std::chrono;
  const auto ms = duration_cast<milliseconds>(duration).count();
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (ms < 60'000) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
  const auto s = ms / 1000;
  if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
  if (s < 86'400) return fmt::format("{} h {} min", s / 3600, s / 60 % 60);
  return fmt::format("{} d {} h", s / 86'400, s / 3600 % 24);
}

Duration Deadline::left() const {
  const auto now = BootTime::now();
  return now >= when_ ? Duration::zero() : when_ - now;
}

std::chrono::milliseconds Deadline::left_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(left());
}

Deadline Deadline::sooner_of(Duration duration) const {
  const auto other = BootTime::now() + duration;
  return Deadline(other < when_ ? other : when_);
}

}  // namespace cdb
