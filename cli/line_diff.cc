#include "cli/line_diff.h"

#include <algorithm>
#include <vector>

#include "lib/base/text.h"

namespace cdb::cli {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return text.empty() ? std::vector<std::string>{} : split(text, '\n');
}

}  // namespace

std::string line_diff(std::string_view before, std::string_view after) {
  if (before == after) return {};
  const auto a = lines_of(before);
  const auto b = lines_of(after);
  // common[i][j]: the length of the longest common subsequence of a from i and b from j.
  std::vector<std::vector<size_t>> common(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = a.size(); i-- > 0;) {
    for (size_t j = b.size(); j-- > 0;) {
      common[i][j] =
          a[i] == b[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::string shown;
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      shown += "  " + a[i++] + "\n";
      ++j;
    } else if (j == b.size() || (i < a.size() && common[i + 1][j] >= common[i][j + 1])) {
      shown += "- " + a[i++] + "\n";
    } else {
      shown += "+ " + b[j++] + "\n";
    }
  }
  return shown;
}

}  // namespace cdb::cli
