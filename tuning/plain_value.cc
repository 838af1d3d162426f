#include "tuning/plain_value.h"

#include <charconv>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

#include "lib/base/text.h"

namespace cdb::tuning {
namespace {

// Beyond what a double holds exactly: the largest values of a server are near 2^64.
struct Whole {
  bool negative{false};
  uint64_t magnitude{0};
};

std::optional<Whole> parse_whole(std::string_view text) {
  Whole whole;
  if (!text.empty() && text[0] == '-') {
    whole.negative = true;
    text.remove_prefix(1);
  }
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, whole.magnitude);
  if (error != std::errc()) return std::nullopt;
  if (at != end) {
    // mysqld knows no other letters on every version.
    const size_t power = std::string_view("kmg").find(to_lower({at, 1}));
    if (at + 1 != end || power == std::string_view::npos) return std::nullopt;
    const uint64_t unit = uint64_t{1} << (10 * (power + 1));
    if (whole.magnitude > std::numeric_limits<uint64_t>::max() / unit) return std::nullopt;
    whole.magnitude *= unit;
  }
  if (whole.magnitude == 0) whole.negative = false;
  return whole;
}

bool within(const Limit* limit, double value) {
  if (limit == nullptr) return true;
  return (!limit->min || value >= *limit->min) && (!limit->max || value <= *limit->max);
}

std::string end_text(const std::optional<double>& end, const std::string& open) {
  return end ? number_text(*end, ValueType::Decimal) : open;
}

std::optional<Violation> check_integer(const Variable& variable, const Limit* limit,
                                       Override& override) {
  const auto whole = parse_whole(override.value);
  double value = 0;
  bool fits = whole.has_value();
  if (whole) {
    value = static_cast<double>(whole->magnitude) * (whole->negative ? -1 : 1);
    const bool whole_in_type =
        variable.negative ? whole->magnitude <= uint64_t{std::numeric_limits<int64_t>::max()}
                          : !whole->negative;
    fits = whole_in_type && within(limit, value);
  }
  if (fits) {
    override.value = fmt::format("{}{}", whole->negative ? "-" : "", whole->magnitude);
    return std::nullopt;
  }
  const std::string lowest =
      variable.negative ? std::to_string(-std::numeric_limits<int64_t>::max()) : "0";
  const std::string highest = variable.negative
                                  ? std::to_string(std::numeric_limits<int64_t>::max())
                                  : std::to_string(std::numeric_limits<uint64_t>::max());
  const std::optional<double> none;
  const std::string expected = range_text(type_text(ValueType::Integer),
                                          end_text(limit == nullptr ? none : limit->min, lowest),
                                          end_text(limit == nullptr ? none : limit->max, highest));
  return refuse(override, expected, number_hint(ValueType::Integer));
}

std::optional<Violation> check_decimal(const Limit* limit, Override& override) {
  double value = 0;
  const std::string& text = override.value;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  // No letters: not even "inf", which from_chars takes.
  const bool is_number = error == std::errc() && at == end &&
                         text.find_first_not_of("-.0123456789") == std::string::npos;
  if (is_number && value >= 0 && within(limit, value)) {
    override.value = number_text(value + 0.0, ValueType::Decimal);  // no -0
    return std::nullopt;
  }
  std::string expected = "a number of at least 0";
  if (limit != nullptr) {
    expected = range_text(type_text(ValueType::Decimal), end_text(limit->min, "0"),
                          end_text(limit->max, ""));
  }
  return refuse(override, expected, number_hint(ValueType::Decimal));
}

std::optional<Violation> check_words(const std::vector<std::string>& words, Override& override) {
  if (const std::string* const word = same_word(words, override.value)) {
    override.value = *word;
    return std::nullopt;
  }
  if (const auto number = parse_whole(override.value);
      number && !number->negative && number->magnitude < words.size()) {
    override.value = words[number->magnitude];
    return std::nullopt;
  }
  const auto on = parse_switch(override.value);
  if (const std::string* const word = on ? same_word(words, *on ? "ON" : "OFF") : nullptr) {
    override.value = *word;
    return std::nullopt;
  }
  return refuse(override, "one of " + join(words, ", "), word_hint(override.value, words));
}

}  // namespace

Violation refuse(const Override& override, const std::string& expected, std::string hint) {
  std::string given = "'" + override.given + "'";
  if (override.scale != 1) {
    given += fmt::format(" ({}: 1 is {})", override.field,
                         number_text(override.scale, ValueType::Decimal));
  }
  return {override.field, fmt::format("{} takes {}, not {}", override.variable, expected, given),
          std::move(hint)};
}

std::optional<bool> parse_switch(std::string_view text) {
  const std::string word = to_lower(text);
  if (word == "on" || word == "1" || word == "true") return true;
  if (word == "off" || word == "0" || word == "false") return false;
  return std::nullopt;
}

std::string type_text(ValueType type) {
  switch (type) {
    case ValueType::Integer: return "a whole number";
    case ValueType::Bytes: return "a size";
    case ValueType::Decimal: return "a number";
    case ValueType::Switch: return "ON or OFF";
    case ValueType::Text: break;
  }
  return "a text";
}

std::string range_text(const std::string& type, const std::string& min, const std::string& max) {
  if (max.empty()) return min.empty() ? type : type + " of at least " + min;
  return min.empty() ? type + " of at most " + max : type + " from " + min + " to " + max;
}

std::string number_hint(ValueType type) {
  if (type == ValueType::Decimal) return "write digits, with a point where it is needed";
  return "write digits; K, M or G behind them stand for 1024, 1024^2 and 1024^3";
}

std::string word_hint(const std::string& word, const std::vector<std::string>& known) {
  std::vector<std::string> lower;
  for (const std::string& one : known)
    lower.push_back(to_lower(one));
  const std::string meant = nearest(to_lower(trim(word)), lower);
  const std::string* const same = meant.empty() ? nullptr : same_word(known, meant);
  return same == nullptr ? "write one of these words" : "did you mean " + *same + "?";
}

const std::string* same_word(const std::vector<std::string>& words, std::string_view word) {
  for (const std::string& known : words) {
    if (to_lower(known) == to_lower(trim(word))) return &known;
  }
  return nullptr;
}

std::optional<Violation> check_plain(const Variable& variable, const Limit* limit,
                                     Override& override) {
  if (limit != nullptr && !limit->words.empty()) return check_words(limit->words, override);
  switch (variable.type) {
    case ValueType::Switch: {
      const auto on = parse_switch(override.value);
      if (!on) return refuse(override, type_text(variable.type), "write ON or OFF");
      override.value = *on ? "ON" : "OFF";
      return std::nullopt;
    }
    case ValueType::Integer:
    case ValueType::Bytes: return check_integer(variable, limit, override);
    case ValueType::Decimal: return check_decimal(limit, override);
    case ValueType::Text: break;
  }
  return std::nullopt;
}

}  // namespace cdb::tuning
