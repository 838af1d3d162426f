#pragma once
// ">=8.0.30 <9.0": the versions that a rule speaks of. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/model/mysql_version.h"

namespace cdb::tuning {

class VersionGuard {
 public:
  VersionGuard() = default;  // every version
  // Comparisons (>=, >, <=, <, =) separated by blanks, all of which have to hold.
  static Result<VersionGuard> parse(std::string_view text);
  [[nodiscard]] bool holds(const model::MysqlVersion& version) const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  enum class Comparison { GreaterEqual, Greater, LessEqual, Less, Equal };
  struct Bound {
    Comparison comparison{Comparison::GreaterEqual};
    model::MysqlVersion version{};
  };
  std::vector<Bound> bounds_{};
  std::string text_{};
};

}  // namespace cdb::tuning
