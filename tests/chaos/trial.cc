#include "tests/chaos/trial.h"

#include <fmt/format.h>

#include "tests/support/eventually.h"

namespace cdb::chaos {

Trial::Trial(Site& trial_site, Load& trial_load, int run)
    : site(trial_site), load(trial_load), run_(run), before_(trial_site.look()) {
  for (const auto& node : before_.nodes) {
    if (node.name != before_.primary) replicas_.push_back(node.name);
  }
}

void Trial::expect(bool holds, const std::string& sentence) {
  if (!holds) violations_.push_back(sentence);
}

void Trial::expect_soon(const std::function<bool(const ClusterSeen&)>& holds,
                        const std::string& sentence, Duration time) {
  if (site.sees(holds, time)) return;
  const ClusterSeen seen = site.look();
  violations_.push_back(fmt::format("{}: phase {}, primary {}, epoch {}{}{}", sentence, seen.phase,
                                    seen.primary, seen.epoch,
                                    seen.blocked.empty() ? "" : ", blocked: ", seen.blocked));
}

void Trial::expect_new_primary(Duration time) {
  expect_soon(
      [this](const ClusterSeen& seen) {
        return seen.primary != before_.primary &&
               (seen.phase == "steady" || seen.phase == "publishing");
      },
      "no other node became primary", time);
}

void Trial::expect_no_failover() {
  const ClusterSeen seen = site.look();
  expect(seen.primary == before_.primary && seen.epoch == before_.epoch,
         fmt::format("there was a failover, from {} in epoch {} to {} in epoch {}", before_.primary,
                     before_.epoch, seen.primary, seen.epoch));
}

void Trial::expect_writes(const std::string& when, Duration time) {
  expect(load.goes_on(20, time), "no writes " + when);
}

void Trial::pass(Duration time) {
  testing::eventually([] { return false; }, time);
}

}  // namespace cdb::chaos
