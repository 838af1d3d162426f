#pragma once
// The sizes of machines that can be asked for. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace cdb::coordinator {

struct Flavor {
  std::string name{};
  int vcpu{1};
  uint64_t memory_bytes{0};
  uint64_t disk_bytes{0};
  friend bool operator==(const Flavor&, const Flavor&) = default;
};

// "512MiB", "8GiB", "1TiB": whole numbers with a binary unit.
Result<uint64_t> parse_size(std::string_view text);

}  // namespace cdb::coordinator
