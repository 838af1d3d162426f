#pragma once
// A string that never reaches a log: fmt and streams print ***; reveal() is easy to grep for.

#include <string>
#include <utility>

#include <fmt/format.h>

namespace cdb {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;

  // 32 characters of [A-Za-z0-9] from the kernel's generator: 190 bits, safe unquoted in SQL, shell
  // and option files.
  static Secret random();

 private:
  std::string value_{};
};

}  // namespace cdb

template <>
struct fmt::formatter<cdb::Secret> : fmt::formatter<std::string_view> {
  template <typename Context>
  auto format(const cdb::Secret&, Context& context) const {
    return fmt::formatter<std::string_view>::format("***", context);
  }
};
