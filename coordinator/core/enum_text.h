#pragma once
// Parses an enumerator from the word that its to_string() prints. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/text.h"

namespace cdb::coordinator {

// Exact; the hint names the nearest word, or all of them.
template <typename Enum, typename Container>
Result<Enum> parse_one_of(std::string_view text, const Container& all, std::string_view what) {
  std::vector<std::string> words;
  for (const Enum value : all) {
    if (to_string(value) == text) return value;
    words.emplace_back(to_string(value));
  }
  const std::string near = nearest(text, words);
  return invalid("unknown " + std::string(what) + " '" + std::string(text) + "'",
                 near.empty() ? "one of " + join(words, ", ") : "did you mean '" + near + "'?");
}

}  // namespace cdb::coordinator
