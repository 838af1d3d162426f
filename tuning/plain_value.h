#pragma once
// Values that users give, against what a server takes: the type and limits of the catalogue. Used
// where no rule says more. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuning/overrides.h"

namespace cdb::tuning {

// "connect_timeout takes `expected`, not 'abc'", with the hint.
Violation refuse(const Override& override, const std::string& expected, std::string hint);

// "ON", "1", "true" -> true. None: not a switch's value.
std::optional<bool> parse_switch(std::string_view text);
// "a whole number from 1 to 9", "a number of at least 1", "a size"
std::string type_text(ValueType type);
std::string range_text(const std::string& type, const std::string& min, const std::string& max);
std::string number_hint(ValueType type);
// "did you mean ON?", or empty
std::string word_hint(const std::string& word, const std::vector<std::string>& known);
const std::string* same_word(const std::vector<std::string>& words, std::string_view word);

// Puts override.value as SET GLOBAL takes it, or says what is against it. `limit` may be null.
std::optional<Violation> check_plain(const Variable& variable, const Limit* limit,
                                     Override& override);

}  // namespace cdb::tuning
