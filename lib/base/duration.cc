#include "lib/base/duration.h"

#include <charconv>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace cdb {
namespace {

constexpr int64_t kLongestSeconds = int64_t{365} * 86'400;

int64_t unit_ms(std::string_view unit) {
  if (unit == "ms") return 1;
  if (unit.empty() || unit == "s") return 1000;
  if (unit == "m" || unit == "min") return 60'000;
  if (unit == "h") return 3'600'000;
  return unit == "d" ? 86'400'000 : 0;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const Error bad = invalid(fmt::format("\"{}\" is no duration", text),
                            "write a number and a unit: 30s, 10m, 1h30m");
  if (text.empty()) return bad;
  int64_t total_ms = 0;
  for (std::string_view rest = text; !rest.empty();) {
    int64_t number = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (parsed.ec != std::errc{} || number < 0) return bad;
    rest.remove_prefix(static_cast<size_t>(parsed.ptr - rest.data()));
    const size_t unit_length = rest.find_first_of("0123456789");
    const std::string_view unit = rest.substr(0, unit_length);
    rest.remove_prefix(unit.size());
    const int64_t each_ms = unit_ms(unit);
    if (each_ms == 0 || number > kLongestSeconds * 1000 / each_ms) return bad;
    total_ms += number * each_ms;
  }
  if (total_ms > kLongestSeconds * 1000) return bad;
  return Duration(std::chrono::milliseconds(total_ms));
}

std::string duration_text(Duration duration) {
  const int64_t ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  for (const auto& [each_ms, unit] : {std::pair{int64_t{86'400'000}, "d"},
                                      {int64_t{3'600'000}, "h"},
                                      {int64_t{60'000}, "m"},
                                      {int64_t{1000}, "s"}}) {
    if (ms != 0 && ms % each_ms == 0) return fmt::format("{}{}", ms / each_ms, unit);
  }
  return ms == 0 ? "0s" : fmt::format("{}ms", ms);
}

}  // namespace cdb
