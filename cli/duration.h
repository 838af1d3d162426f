#pragma once
// Durations as people type them. Pure.

#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace cdb::cli {

// "10m", "1h30m", "90s", "500ms"; a bare number counts seconds. Never negative.
Result<Duration> parse_duration(std::string_view text);

}  // namespace cdb::cli
