#pragma once
// Durations as people type them. Pure.

#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace cdb {

// "10m", "1h30m", "90s", "500ms"; a bare number counts seconds. Never negative.
Result<Duration> parse_duration(std::string_view text);

// The shortest text that parse_duration() reads as the same: "300ms", "2s", "1h". Whole
// milliseconds.
std::string duration_text(Duration duration);

}  // namespace cdb
