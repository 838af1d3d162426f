#include "tests/chaos/oracle.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "lib/base/text.h"
#include "tests/support/eventually.h"

namespace cdb::chaos {
namespace {

using RowId = std::pair<int, int64_t>;  // writer, number

constexpr size_t kShown = 5;
constexpr Duration kPatience = std::chrono::seconds(10);

std::set<RowId> rows_at(const Site& site, const std::string& node, int64_t first_row) {
  std::set<RowId> rows;
  const auto texts = site.ask(
      node,
      fmt::format("SELECT CONCAT(writer, ' ', n) FROM chaos.numbered WHERE n >= {}", first_row));
  for (const std::string& text : texts) {
    const auto words = split(text, ' ');
    rows.emplace(std::stoi(words.at(0)), std::stoll(words.at(1)));
  }
  return rows;
}

// "12 acknowledged rows are not on c-1: 1/1000017, ..."
std::string missing_sentence(const std::string& what, const std::string& node,
                             const std::vector<RowId>& missing) {
  std::vector<std::string> shown;
  for (size_t i = 0; i < std::min(kShown, missing.size()); ++i)
    shown.push_back(fmt::format("{}/{}", missing[i].first, missing[i].second));
  return fmt::format("{} {} rows are not on {}: {}{}", missing.size(), what, node,
                     join(shown, ", "), missing.size() > kShown ? ", ..." : "");
}

std::vector<RowId> missing(const std::set<RowId>& wanted, const std::set<RowId>& there) {
  std::vector<RowId> gone;
  std::set_difference(wanted.begin(), wanted.end(), there.begin(), there.end(),
                      std::back_inserter(gone));
  return gone;
}

void check_epochs(const std::vector<Reign>& reigns, Verdict& verdict) {
  std::map<uint64_t, std::string> primaries;
  for (const Reign& reign : reigns) {
    const auto [first, fresh] = primaries.emplace(reign.epoch, reign.primary);
    if (!fresh && first->second != reign.primary) {
      verdict.violations.push_back(fmt::format("epoch {} has two primaries: {} and {}", reign.epoch,
                                               first->second, reign.primary));
    }
  }
}

}  // namespace

std::vector<std::string> late_acknowledgements(std::vector<Acked> acked,
                                               const std::vector<Reign>& reigns, size_t before) {
  std::sort(acked.begin(), acked.end(),
            [](const Acked& a, const Acked& b) { return a.done < b.done; });
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  std::vector<std::string> late;
  // The first acknowledgement of each reign.
  std::vector<int64_t> first(reigns.size(), kNever);
  size_t now = before == 0 ? 0 : before - 1;
  for (const Acked& ack : acked) {
    const auto is_his = [&](size_t i) { return reigns[i].primary == ack.host; };
    if (now < reigns.size() && is_his(now)) {
      first[now] = std::min(first[now], ack.done);
      continue;
    }
    // An answer that was given earlier and took longer to arrive.
    bool overlapped = false;
    for (size_t i = before == 0 ? 0 : before - 1; i < now && !overlapped; ++i) {
      const int64_t successor =
          *std::min_element(first.begin() + static_cast<std::ptrdiff_t>(i) + 1, first.end());
      overlapped = is_his(i) && ack.sent <= successor;
    }
    if (overlapped) continue;
    size_t next = now + 1;
    while (next < reigns.size() && !is_his(next))
      ++next;
    if (next < reigns.size()) {
      now = next;
      first[now] = std::min(first[now], ack.done);
    } else {
      late.push_back(ack.host);
    }
  }
  return late;
}

Verdict judge(const Site& site, const Load& load, const std::vector<Reign>& reigns, size_t before,
              int64_t first_row, bool may_lose) {
  Verdict verdict;
  std::set<RowId> acked;
  std::set<RowId> seen;
  std::vector<Acked> answers;
  for (const Writer& writer : load.writers()) {
    for (const Acked& ack : writer.journal.acked) {
      acked.emplace(writer.number, ack.n);
      answers.push_back(ack);
    }
  }
  for (const Journal& reader : load.readers()) {
    for (const Seen& row : reader.seen) {
      if (row.n >= first_row) seen.emplace(row.writer, row.n);
    }
  }
  verdict.acked = acked.size();
  for (const std::string& node : site.nodes()) {
    std::set<RowId> there;
    std::string trouble;
    const bool answered = testing::eventually(
        [&] {
          try {
            there = rows_at(site, node, first_row);
            return true;
          } catch (const std::exception& error) {
            trouble = error.what();  // level, and its gate is about to open
            return false;
          }
        },
        kPatience);
    if (!answered) {
      verdict.violations.push_back(node + " does not answer: " + trouble);
      continue;
    }
    const auto lost = missing(acked, there);
    const auto unread = missing(seen, there);
    verdict.lost = std::max(verdict.lost, lost.size());
    if (may_lose) continue;
    if (!lost.empty()) verdict.violations.push_back(missing_sentence("acknowledged", node, lost));
    if (!unread.empty()) verdict.violations.push_back(missing_sentence("read", node, unread));
  }
  check_epochs(reigns, verdict);
  const auto late = late_acknowledgements(std::move(answers), reigns, before);
  verdict.doubled = late.size();
  if (!late.empty()) {
    verdict.violations.push_back(fmt::format(
        "{} rows were acknowledged by {} after it had been deposed", late.size(), late.front()));
  }
  return verdict;
}

}  // namespace cdb::chaos
