#include "coordinator/core/flavors.h"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "lib/base/text.h"

namespace cdb::coordinator {
namespace {

constexpr std::array<std::pair<std::string_view, unsigned>, 4> kUnits{
    {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}}};

// "GB", "g", "gib": the unit that was probably meant, or empty.
std::string_view meant_unit(std::string_view unit) {
  for (const auto& known : kUnits) {
    if (!unit.empty() && to_lower(unit.substr(0, 1)) == to_lower(known.first.substr(0, 1))) {
      return known.first;
    }
  }
  return {};
}

}  // namespace

Result<uint64_t> parse_size(std::string_view text) {
  const std::string shown = "size \"" + std::string(text) + "\"";
  uint64_t count = 0;
  const auto number = std::from_chars(text.data(), text.data() + text.size(), count);
  if (number.ec == std::errc::result_out_of_range) return invalid(shown + " is too large");
  if (number.ec != std::errc()) {
    return invalid(shown + " does not begin with a whole number", "write for example 8GiB");
  }
  const std::string_view unit = text.substr(static_cast<size_t>(number.ptr - text.data()));
  for (const auto& [name, shift] : kUnits) {
    if (unit != name) continue;
    if (count > std::numeric_limits<uint64_t>::max() >> shift) {
      return invalid(shown + " is too large");
    }
    return count << shift;
  }
  const std::string_view meant = meant_unit(unit);
  return invalid(shown + " has no known unit",
                 meant.empty() ? "units are KiB, MiB, GiB and TiB, directly after the number"
                               : "write " + std::to_string(count) + std::string(meant));
}

}  // namespace cdb::coordinator
