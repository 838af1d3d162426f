#pragma once
// The kinds of resources and what people call them. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace cdb::cli {

inline constexpr std::string_view kApiVersion = "cdb.cycloud.io/v1";

struct KindInfo {
  std::string name{};                // as in a manifest: "MySQL"
  std::string word{};                // as on the command line: "mysql"
  std::vector<std::string> other{};  // plural and short names
  std::string field{};               // of cdb.v1.Resource that holds the spec
  bool generated{false};             // written by the system only
  std::string instead{};             // generated: what to change instead
};

// In the order in which they are shown.
const std::vector<KindInfo>& all_kinds();
// By the name a manifest uses; nullptr where there is none.
const KindInfo* find_kind(std::string_view name);
// By any word a person may type, in any case; the error's hint names the nearest.
Result<const KindInfo*> kind_from_word(std::string_view word);
// "mysql,orchestrators" or "all": kinds in the order of all_kinds(), each once.
Result<std::vector<const KindInfo*>> kinds_from_words(std::string_view words);
// "MySQL, MysqlConfig, ..."
std::string kind_names(bool with_generated);

}  // namespace cdb::cli
