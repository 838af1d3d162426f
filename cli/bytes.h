#pragma once
// Sizes for people. Pure.

#include <cstdint>
#include <string>

namespace cdb::cli {

// "512 MiB", "1.5 GiB", "20 GiB": at most one digit behind the point.
std::string bytes_text(uint64_t bytes);

}  // namespace cdb::cli
