#pragma once
// Small text helpers that std lacks. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace cdb {

std::vector<std::string> split(std::string_view text, char separator);  // keeps empty parts
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);

// The candidate with the least edit distance, or empty where none is near enough to be meant (more
// than a third of the letters differ). For "did you mean".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// A name that may stand as one DNS label: 1 to 40 of [a-z0-9-], no dash at either end.
bool is_dns_label(std::string_view name, size_t longest = 40);

// The text with every byte that is not part of well-formed UTF-8 replaced by U+FFFD, and cut at a
// character before `longest` bytes. Protobuf and JSON refuse anything else, and what programs print
// is anything.
std::string to_utf8(std::string_view text, size_t longest = std::string::npos);

}  // namespace cdb
