#include "tests/chaos/rows.h"

#include <algorithm>

#include <fmt/format.h>

namespace cdb::chaos {

std::string_view to_string(Fixture fixture) {
  switch (fixture) {
    case Fixture::Trio: return "trio";
    case Fixture::Pair: return "pair";
    case Fixture::Disks: return "disks";
    case Fixture::Clocks: return "clocks";
    case Fixture::OldTrio: return "old";
  }
  return "trio";
}

SitePlan plan_of(Fixture fixture) {
  SitePlan plan;
  switch (fixture) {
    case Fixture::Trio: break;
    case Fixture::Pair: plan.replicas = 1; break;
    case Fixture::Disks:
      plan.freezable_disks = true;
      plan.disk_mib = 1024;
      break;
    case Fixture::Clocks: plan.own_clocks = true; break;
    case Fixture::OldTrio: plan.version = "5.6"; break;
  }
  return plan;
}

std::string Row::id() const {
  return variant.empty() ? std::to_string(number) : fmt::format("{}-{}", number, variant);
}

const std::vector<Row>& rows() {
  static const std::vector<Row> table = [] {
    std::vector<Row> all;
    for (auto part : {crash_rows(), network_rows(), control_rows(), surroundings_rows()})
      all.insert(all.end(), part.begin(), part.end());
    std::stable_sort(all.begin(), all.end(),
                     [](const Row& a, const Row& b) { return a.number < b.number; });
    return all;
  }();
  return table;
}

}  // namespace cdb::chaos
