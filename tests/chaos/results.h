#pragma once
// What trials came to: one JSON line each, so that a run that was cut short goes on where it was,
// and the table over many of them. Plain values and files.

#include <filesystem>
#include <string>
#include <vector>

#include "tests/chaos/rows.h"

namespace cdb::chaos {

struct TrialResult {
  std::string row{};  // its id
  int run{0};
  std::vector<std::string> violations{};
  double gap_fresh_s{
      0};               // the longest without an acknowledgement, for a client that resolves afresh
  double gap_ttl_s{0};  // for one that honours the TTL
  size_t acked{0};
  size_t lost{0};
  size_t doubled{0};
  size_t failures{0};  // of writes
  double seconds{0};
};

// Those of a file; none where there is no file.
std::vector<TrialResult> load_results(const std::filesystem::path& file);
void append_result(const std::filesystem::path& file, const TrialResult& result);

struct Figures {
  double median{0};
  double p99{0};
  double worst{0};
};
Figures figures_of(std::vector<double> values);

// The same as a JSON list of figures, in the form that ./bench prints.
std::string json_of(const std::vector<Row>& rows, const std::vector<TrialResult>& results);
// Row by row: runs, the gaps against the criterion, losses, how many failed.
std::string table_of(const std::vector<Row>& rows, const std::vector<TrialResult>& results);

}  // namespace cdb::chaos
