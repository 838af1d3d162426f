#pragma once
// Whether a database kept its word through a fault: what clients were told, against what is on
// every node afterwards. Reads the nodes; plain values otherwise.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/chaos/load.h"
#include "tests/chaos/site.h"

namespace cdb::chaos {

struct Verdict {
  std::vector<std::string> violations{};  // sentences; empty: it kept its word
  size_t acked{0};
  size_t lost{0};     // acknowledged rows that some node does not have
  size_t doubled{0};  // acknowledgements by a node that had been deposed
};

// The load has stopped and the nodes are level. reigns: all of the cluster's, in order; those up to
// `before` had begun when the load did. first_row: of this trial. may_lose: asynchronous, where a
// failover says what it lost and rows are counted only.
Verdict judge(const Site& site, const Load& load, const std::vector<Reign>& reigns, size_t before,
              int64_t first_row, bool may_lose);

// Of acknowledgements in any order: how many came from a node after another one, that was elected
// later, had acknowledged something before they were asked for. Each by its host.
std::vector<std::string> late_acknowledgements(std::vector<Acked> acked,
                                               const std::vector<Reign>& reigns, size_t before);

}  // namespace cdb::chaos
