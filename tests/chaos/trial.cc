#include "tests/chaos/trial.h"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

#include "tests/support/eventually.h"

namespace cdb::chaos {

Trial::Trial(Site& trial_site, Load& trial_load, int run)
    : site(trial_site), load(trial_load), run_(run), before_(trial_site.look()) {
  for (const auto& node : before_.nodes) {
    if (node.name != before_.primary) replicas_.push_back(node.name);
  }
  std::ifstream log(site.coordinator_log(), std::ios::ate);
  log_read_ = log.tellg();
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

void Trial::expect_no_answers_from(const std::string& host, Instant from, Instant until) {
  silences_.push_back({host, from, until});
}

void Trial::expect_no_failed_writes() {
  no_failed_writes_ = true;
}

void Trial::judge_journals() {
  if (no_failed_writes_) {
    const size_t failed = load.failures(fault_at_);
    expect(failed == 0, fmt::format("{} writes failed", failed));
  }
  for (const Silence& silence : silences_) {
    size_t answers = 0;
    const auto count = [&](const auto& lines) {
      answers +=
          static_cast<size_t>(std::count_if(lines.begin(), lines.end(), [&](const auto& line) {
            return line.host == silence.host &&
                   line.sent >= silence.from.time_since_epoch().count() &&
                   line.done <= silence.until.time_since_epoch().count();
          }));
    };
    for (const Writer& writer : load.writers())
      count(writer.journal.acked);
    for (const Journal& reader : load.readers())
      count(reader.looked);
    expect(answers == 0,
           fmt::format("{} gave {} answers when its lease was over", silence.host, answers));
  }
}

std::string Trial::coordinator_says(const std::string& text, Duration time) {
  std::string found;
  const auto look = [&] {
    std::ifstream log(site.coordinator_log());
    log.seekg(log_read_);
    std::string line;
    while (std::getline(log, line) && !log.eof()) {
      log_read_ = log.tellg();
      if (line.find(text) == std::string::npos) continue;
      found = line;
      return true;
    }
    return false;
  };
  return testing::eventually(look, time) ? found : std::string{};
}

void Trial::pass(Duration time) {
  testing::eventually([] { return false; }, time);
}

}  // namespace cdb::chaos
