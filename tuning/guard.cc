#include <algorithm>

#include "tuning/names.h"
#include "tuning/rule_set.h"

namespace cdb::tuning {

bool Guard::holds(const Facts& facts) const {
  if (!versions.holds(facts.version)) return false;
  if (!disk.empty() && std::find(disk.begin(), disk.end(), facts.disk_kind) == disk.end()) {
    return false;
  }
  if (lossless && *lossless != facts.lossless) return false;
  if (clone && *clone != facts.has_clone) return false;
  return std::all_of(given.begin(), given.end(), [&](const std::string& name) {
    const auto text = text_fact(facts, name);
    return text && !text->empty();
  });
}

}  // namespace cdb::tuning
