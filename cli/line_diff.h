#pragma once
// What changed between two texts, line by line. Pure.

#include <string>
#include <string_view>

namespace cdb::cli {

// The lines of both: "- " gone, "+ " new, "  " in both. Empty where the texts are equal. Meant for
// texts of at most some thousand lines.
std::string line_diff(std::string_view before, std::string_view after);

}  // namespace cdb::cli
