#pragma once
// Time as a value. Pure code takes `Instant now` as an argument; only main.cc and runners hold a
// Clock. Instants are read from CLOCK_BOOTTIME, so that a suspended machine sees time pass.

#include <chrono>
#include <cstdint>
#include <string>

namespace cdb {

struct BootTime {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootTime>;
  static constexpr bool is_steady = true;
  static time_point now();  // CLOCK_BOOTTIME
};

using Instant = BootTime::time_point;
using Duration = std::chrono::nanoseconds;
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;
  [[nodiscard]] virtual WallTime wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override;
  [[nodiscard]] WallTime wall() const override;
};

// "2026-05-01T12:00:00.123Z"
std::string to_rfc3339(WallTime time);
// "870 ms", "3.2 s", "4 min 10 s", "2 h 5 min", "3 d": for people.
std::string to_text(Duration duration);

// The latest moment at which a call may still be under way.
class Deadline {
 public:
  static Deadline after(Duration duration) { return Deadline(BootTime::now() + duration); }
  static Deadline at(Instant when) { return Deadline(when); }
  [[nodiscard]] Instant when() const { return when_; }
  [[nodiscard]] bool passed() const { return BootTime::now() >= when_; }
  // Never negative.
  [[nodiscard]] Duration left() const;
  [[nodiscard]] std::chrono::milliseconds left_ms() const;
  [[nodiscard]] Deadline sooner_of(Duration duration) const;

 private:
  explicit Deadline(Instant when) : when_(when) {}
  Instant when_;
};

}  // namespace cdb
