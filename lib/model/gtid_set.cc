#include "lib/model/gtid_set.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <utility>

#include "lib/base/text.h"

namespace cdb::model {
namespace {

using Interval = GtidSet::Interval;
using Intervals = GtidSet::Intervals;

constexpr size_t kUuidLength = 36;
constexpr size_t kMaxTagLength = 32;
// The server's GNO_END is the largest int64; it is never used itself.
constexpr int64_t kMaxNumber = std::numeric_limits<int64_t>::max() - 1;

bool is_uuid(std::string_view text) {
  if (text.size() != kUuidLength) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0)
      return false;
  }
  return true;
}

bool is_tag(std::string_view text) {
  if (text.empty() || text.size() > kMaxTagLength) return false;
  if (std::isdigit(static_cast<unsigned char>(text.front())) != 0) return false;
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c == '_' || (c < 128 && std::isalnum(c) != 0); });
}

bool parse_number(std::string_view text, int64_t& number) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end && number >= 1 && number <= kMaxNumber;
}

bool parse_interval(std::string_view text, Interval& interval) {
  const size_t dash = text.find('-');
  if (!parse_number(trim(text.substr(0, dash)), interval.first)) return false;
  if (dash == std::string_view::npos) {
    interval.last = interval.first;
    return true;
  }
  return parse_number(trim(text.substr(dash + 1)), interval.last) &&
         interval.first <= interval.last;
}

// Appends an interval that begins at or after the beginning of the last one.
void append(Intervals& to, Interval interval) {
  if (!to.empty() && interval.first <= to.back().last + 1) {
    to.back().last = std::max(to.back().last, interval.last);
  } else {
    to.push_back(interval);
  }
}

bool begins_before(const Interval& a, const Interval& b) {
  return a.first < b.first;
}

void normalise(Intervals& intervals) {
  if (!std::is_sorted(intervals.begin(), intervals.end(), begins_before)) {
    std::sort(intervals.begin(), intervals.end(), begins_before);
  }
  Intervals merged;
  merged.reserve(intervals.size());
  for (const Interval& interval : intervals)
    append(merged, interval);
  intervals = std::move(merged);
}

Intervals united(const Intervals& a, const Intervals& b) {
  Intervals result;
  result.reserve(a.size() + b.size());
  auto left = a.begin();
  auto right = b.begin();
  while (left != a.end() || right != b.end()) {
    const bool take_left = right == b.end() || (left != a.end() && left->first <= right->first);
    append(result, take_left ? *left++ : *right++);
  }
  return result;
}

Intervals without(const Intervals& a, const Intervals& b) {
  Intervals result;
  auto hole = b.begin();
  for (Interval rest : a) {
    while (hole != b.end() && hole->last < rest.first)
      ++hole;
    // `hole` stays on one that may reach into the next interval.
    auto next = hole;
    for (; next != b.end() && next->first <= rest.last; ++next) {
      if (next->first > rest.first) result.push_back({rest.first, next->first - 1});
      rest.first = next->last + 1;
      if (rest.first > rest.last) break;
      hole = next + 1;
    }
    if (rest.first <= rest.last) result.push_back(rest);
  }
  return result;
}

Intervals shared(const Intervals& a, const Intervals& b) {
  Intervals result;
  auto left = a.begin();
  auto right = b.begin();
  while (left != a.end() && right != b.end()) {
    const Interval both{std::max(left->first, right->first), std::min(left->last, right->last)};
    if (both.first <= both.last) result.push_back(both);
    if (left->last < right->last) {
      ++left;
    } else {
      ++right;
    }
  }
  return result;
}

bool covers(const Intervals& outer, const Intervals& inner) {
  auto around = outer.begin();
  for (const Interval& interval : inner) {
    while (around != outer.end() && around->last < interval.last)
      ++around;
    if (around == outer.end() || around->first > interval.first) return false;
  }
  return true;
}

bool overlap(const Intervals& a, const Intervals& b) {
  auto left = a.begin();
  auto right = b.begin();
  while (left != a.end() && right != b.end()) {
    if (left->last < right->first) {
      ++left;
    } else if (right->last < left->first) {
      ++right;
    } else {
      return true;
    }
  }
  return false;
}

bool is_under(std::string_view key, std::string_view uuid) {
  return key.substr(0, kUuidLength) == uuid;
}

Error unreadable(std::string_view part) {
  constexpr size_t kShown = 80;
  return invalid("'" + std::string(part.substr(0, kShown)) + "' is not a GTID set",
                 "write it like 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7");
}

}  // namespace

Result<GtidSet> GtidSet::parse(std::string_view text) {
  GtidSet set;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view part = trim(text.substr(begin, end - begin));
    begin = end + 1;
    if (part.empty()) continue;  // the server takes "" and stray commas too

    size_t colon = part.find(':');
    const std::string_view uuid = trim(part.substr(0, colon));
    if (!is_uuid(uuid) || colon == std::string_view::npos) return unreadable(part);
    std::string key = to_lower(uuid);
    Intervals* into = nullptr;  // none until the key has its first interval
    bool tagged = false;        // the last item was a tag: an interval must follow
    while (colon != std::string_view::npos) {
      const size_t next = part.find(':', colon + 1);
      const std::string_view item = trim(part.substr(colon + 1, next - colon - 1));
      colon = next;
      Interval interval;
      if (is_tag(item) && !std::exchange(tagged, true)) {
        key = to_lower(uuid) + ":" + to_lower(item);
        into = nullptr;
      } else if (parse_interval(item, interval)) {
        if (into == nullptr) into = &set.sources_[key];
        into->push_back(interval);
        tagged = false;
      } else {
        return unreadable(part);
      }
    }
    if (tagged) return unreadable(part);
  }
  for (auto& source : set.sources_)
    normalise(source.second);
  return set;
}

std::string GtidSet::str() const {
  std::string text;
  std::string_view uuid;
  for (const auto& [key, intervals] : sources_) {
    const std::string_view name(key);
    if (is_under(name, uuid)) {
      text += name.substr(kUuidLength);  // ":tag" goes on after the intervals of the same uuid
    } else {
      if (!text.empty()) text += ',';
      text += name;
      uuid = name.substr(0, kUuidLength);
    }
    for (const Interval& interval : intervals) {
      text += ':';
      text += std::to_string(interval.first);
      if (interval.last == interval.first) continue;
      text += '-';
      text += std::to_string(interval.last);
    }
  }
  return text;
}

uint64_t GtidSet::count() const {
  uint64_t total = 0;
  for (const auto& source : sources_) {
    for (const Interval& interval : source.second) {
      total += static_cast<uint64_t>(interval.last - interval.first) + 1;
    }
  }
  return total;
}

bool GtidSet::contains(const GtidSet& other) const {
  return std::all_of(other.sources_.begin(), other.sources_.end(), [this](const auto& theirs) {
    const auto ours = sources_.find(theirs.first);
    return ours != sources_.end() && covers(ours->second, theirs.second);
  });
}

bool GtidSet::intersects(const GtidSet& other) const {
  return std::any_of(other.sources_.begin(), other.sources_.end(), [this](const auto& theirs) {
    const auto ours = sources_.find(theirs.first);
    return ours != sources_.end() && overlap(ours->second, theirs.second);
  });
}

void GtidSet::add(const GtidSet& other) {
  for (const auto& [key, intervals] : other.sources_) {
    Intervals& ours = sources_[key];
    ours = ours.empty() ? intervals : united(ours, intervals);
  }
}

void GtidSet::subtract(const GtidSet& other) {
  if (this == &other) {
    sources_.clear();
    return;
  }
  for (const auto& [key, intervals] : other.sources_) {
    const auto ours = sources_.find(key);
    if (ours == sources_.end()) continue;
    ours->second = without(ours->second, intervals);
    if (ours->second.empty()) sources_.erase(ours);
  }
}

void GtidSet::intersect(const GtidSet& other) {
  for (auto ours = sources_.begin(); ours != sources_.end();) {
    const auto theirs = other.sources_.find(ours->first);
    Intervals both =
        theirs == other.sources_.end() ? Intervals{} : shared(ours->second, theirs->second);
    if (both.empty()) {
      ours = sources_.erase(ours);
    } else {
      ours->second = std::move(both);
      ++ours;
    }
  }
}

void GtidSet::add(std::string_view source, Interval interval) {
  CDB_INVARIANT(interval.first >= 1 && interval.first <= interval.last &&
                interval.last <= kMaxNumber);
  Intervals& ours = sources_[to_lower(source)];
  if (ours.empty() || ours.back().first <= interval.first) {
    append(ours, interval);
  } else {
    ours = united(ours, {interval});
  }
}

GtidSet GtidSet::of_source(std::string_view uuid) const {
  const std::string wanted = to_lower(uuid);
  GtidSet result;
  for (auto it = sources_.lower_bound(wanted); it != sources_.end() && is_under(it->first, wanted);
       ++it) {
    result.sources_.insert(result.sources_.end(), *it);
  }
  return result;
}

GtidSet GtidSet::without_source(std::string_view uuid) const {
  const std::string unwanted = to_lower(uuid);
  GtidSet result;
  for (const auto& source : sources_) {
    if (!is_under(source.first, unwanted)) result.sources_.insert(result.sources_.end(), source);
  }
  return result;
}

GtidSet operator+(GtidSet a, const GtidSet& b) {
  a.add(b);
  return a;
}

GtidSet operator-(GtidSet a, const GtidSet& b) {
  a.subtract(b);
  return a;
}

GtidSet operator&(GtidSet a, const GtidSet& b) {
  a.intersect(b);
  return a;
}

}  // namespace cdb::model
