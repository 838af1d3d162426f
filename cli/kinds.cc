#include "cli/kinds.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "lib/base/text.h"

namespace cdb::cli {

const std::vector<KindInfo>& all_kinds() {
  static const std::vector<KindInfo> kinds{
      {"MySQL", "mysql", {"mysqls", "my", "cluster", "clusters"}, "mysql", false, {}},
      {"MysqlConfig",
       "mysqlconfig",
       {"mysqlconfigs", "config", "configs", "mc"},
       "mysql_config",
       false,
       {}},
      {"Orchestrator", "orchestrator", {"orchestrators", "orch"}, "orchestrator", false, {}},
      {"Instance",
       "instance",
       {"instances", "inst"},
       "instance",
       true,
       "change flavor, replica or storage of the MySQL it belongs to"},
      {"Connector",
       "connector",
       {"connectors", "conn"},
       "connector",
       true,
       "change the MySQL it belongs to, or the Orchestrator's dns_ttl"},
  };
  return kinds;
}

const KindInfo* find_kind(std::string_view name) {
  for (const auto& kind : all_kinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

Result<const KindInfo*> kind_from_word(std::string_view word) {
  const std::string lower = to_lower(word);
  std::vector<std::string> known;
  for (const auto& kind : all_kinds()) {
    if (kind.word == lower || std::count(kind.other.begin(), kind.other.end(), lower) > 0) {
      return &kind;
    }
    known.push_back(kind.word);
    known.insert(known.end(), kind.other.begin(), kind.other.end());
  }
  const std::string meant = nearest(lower, known);
  return invalid(
      fmt::format("there is no kind {}", word),
      meant.empty() ? "the kinds are " + kind_names(true) : fmt::format("did you mean {}?", meant));
}

Result<std::vector<const KindInfo*>> kinds_from_words(std::string_view words) {
  std::set<const KindInfo*> wanted;
  for (const auto& word : split(words, ',')) {
    if (to_lower(word) == "all") {
      for (const auto& kind : all_kinds())
        wanted.insert(&kind);
      continue;
    }
    CDB_ASSIGN_OR_RETURN(const KindInfo* kind, kind_from_word(word));
    wanted.insert(kind);
  }
  return std::vector<const KindInfo*>(wanted.begin(), wanted.end());
}

std::string kind_names(bool with_generated) {
  std::vector<std::string> names;
  for (const auto& kind : all_kinds()) {
    if (with_generated || !kind.generated) names.push_back(kind.name);
  }
  return join(names, ", ");
}

}  // namespace cdb::cli
