#pragma once
// A MySQL GTID set as a value: source uuid (and tag, 8.3+) -> ordered disjoint intervals. Set
// operations are linear in the number of intervals. Pure.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace cdb::model {

class GtidSet {
 public:
  // [first, last], both included, first >= 1.
  struct Interval {
    int64_t first{0};
    int64_t last{0};
    friend bool operator==(const Interval&, const Interval&) = default;
  };
  using Intervals = std::vector<Interval>;  // ascending, disjoint, not adjacent

  GtidSet() = default;
  // "uuid:1-5:7,uuid2:1-3", also with tags ("uuid:tag:1-5"), blanks and newlines anywhere between.
  static Result<GtidSet> parse(std::string_view text);
  // Canonical: lower case, sorted, merged; what MySQL prints, without newlines.
  [[nodiscard]] std::string str() const;

  [[nodiscard]] bool empty() const { return sources_.empty(); }
  [[nodiscard]] uint64_t count() const;  // transactions
  [[nodiscard]] bool contains(const GtidSet& other) const;
  [[nodiscard]] bool intersects(const GtidSet& other) const;

  void add(const GtidSet& other);
  void subtract(const GtidSet& other);
  void intersect(const GtidSet& other);
  void add(std::string_view source, Interval interval);
  // Everything that was written under this server uuid (all tags).
  [[nodiscard]] GtidSet of_source(std::string_view uuid) const;
  // The same set without what was written under this server uuid.
  [[nodiscard]] GtidSet without_source(std::string_view uuid) const;

  friend bool operator==(const GtidSet&, const GtidSet&) = default;

 private:
  std::map<std::string, Intervals, std::less<>> sources_{};  // key: "uuid" or "uuid:tag"
};

GtidSet operator+(GtidSet a, const GtidSet& b);
GtidSet operator-(GtidSet a, const GtidSet& b);
// In both.
GtidSet operator&(GtidSet a, const GtidSet& b);

}  // namespace cdb::model
