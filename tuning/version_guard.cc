#include "tuning/version_guard.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/text.h"

namespace cdb::tuning {

Result<VersionGuard> VersionGuard::parse(std::string_view text) {
  // The longer sign first: ">" would match the beginning of ">=".
  static constexpr std::array<std::pair<std::string_view, Comparison>, 5> kSigns{{
      {">=", Comparison::GreaterEqual},
      {"<=", Comparison::LessEqual},
      {">", Comparison::Greater},
      {"<", Comparison::Less},
      {"=", Comparison::Equal},
  }};
  VersionGuard guard;
  guard.text_ = std::string(trim(text));
  for (const std::string& word : split(guard.text_, ' ')) {
    if (word.empty()) continue;
    const auto* const sign = std::find_if(kSigns.begin(), kSigns.end(), [&](const auto& s) {
      return std::string_view(word).substr(0, s.first.size()) == s.first;
    });
    if (sign == kSigns.end()) {
      return invalid("'" + word + "' is not a comparison with a version",
                     "write versions like \">=8.0.30 <9.0\"");
    }
    CDB_ASSIGN_OR_RETURN(const model::MysqlVersion version,
                         model::MysqlVersion::parse(word.substr(sign->first.size())));
    guard.bounds_.push_back({sign->second, version});
  }
  return guard;
}

bool VersionGuard::holds(const model::MysqlVersion& version) const {
  return std::all_of(bounds_.begin(), bounds_.end(), [&](const Bound& bound) {
    switch (bound.comparison) {
      case Comparison::GreaterEqual: return version >= bound.version;
      case Comparison::Greater: return version > bound.version;
      case Comparison::LessEqual: return version <= bound.version;
      case Comparison::Less: return version < bound.version;
      case Comparison::Equal: return version == bound.version;
    }
    return false;
  });
}

}  // namespace cdb::tuning
