#include <algorithm>
#include <map>
#include <set>

#include "tuning/tune.h"

namespace cdb::tuning {
namespace {

// Options such as plugin_load_add stand there repeatedly: they are compared with their values.
std::set<std::string> repeatable_names(const Values& running, const Plan& plan) {
  std::set<std::string> seen;
  std::set<std::string> repeatable;
  for (const auto& entry : running) {
    if (!seen.insert(entry.first).second) repeatable.insert(entry.first);
  }
  for (const Setting& setting : plan.settings) {
    if (setting.option) repeatable.insert(setting.name);
  }
  return repeatable;
}

// SET GLOBAL is not enough where a neighbour that has to stay moves too.
void keep_steady(std::vector<Change>& changes, const Plan& plan) {
  std::set<std::string> moved;
  for (const Change& change : changes)
    moved.insert(change.name);
  for (Change& change : changes) {
    const Setting* const setting = plan.find(change.name);
    if (setting == nullptr) continue;
    const bool loose =
        std::any_of(setting->steady.begin(), setting->steady.end(),
                    [&](const std::string& neighbour) { return moved.count(neighbour) > 0; });
    change.dynamic = change.dynamic && !loose;
  }
}

}  // namespace

std::vector<Change> diff(const Values& running, const Plan& plan) {
  const std::set<std::string> repeatable = repeatable_names(running, plan);
  const auto key = [&](const std::string& name, const std::string& value) {
    return repeatable.count(name) > 0 ? name + "=" + value : name;
  };
  std::map<std::string, std::pair<std::string, std::string>> before;
  for (const auto& entry : running)
    before[key(entry.first, entry.second)] = entry;

  std::vector<Change> changes;
  for (const Setting& setting : plan.settings) {
    const auto at = before.find(key(setting.name, setting.value));
    const bool added = at == before.end();
    const std::string old_value = added ? "" : at->second.second;
    if (!added) before.erase(at);
    if (!added && old_value == setting.value) continue;
    changes.push_back({setting.name, old_value, setting.value, added, false, setting.dynamic});
  }
  // What goes back to the server's own default does so at a restart: SET GLOBAL x = DEFAULT is not
  // safe for every variable.
  for (const auto& gone : before) {
    changes.push_back({gone.second.first, gone.second.second, "", false, true, false});
  }
  keep_steady(changes, plan);
  return changes;
}

}  // namespace cdb::tuning
