#pragma once
// An application: inserts numbered rows, one transaction each, and notes which of them the server
// acknowledged. It finds the primary by its name, afresh for each connection, and goes on whatever
// happens. The constructor returns once the first row is acknowledged. One thread of its own.

#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <thread>

#include "tests/support/cloud.h"

namespace cdb::testing {

class Writer {
 public:
  Writer(const Cloud& cloud, std::string cluster);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  [[nodiscard]] int64_t acknowledged() const { return acknowledged_; }
  // True once more rows than at the time of the call are acknowledged.
  [[nodiscard]] bool goes_on(int64_t rows = 20, Duration time = std::chrono::seconds(60)) const;
  // Ends it. Then:
  void stop();
  [[nodiscard]] const std::set<int64_t>& rows() const { return rows_; }
  [[nodiscard]] int failures() const { return failures_; }
  // The longest time between two acknowledgements.
  [[nodiscard]] Duration longest_gap() const { return longest_gap_; }

 private:
  void run(const std::stop_token& stop, int64_t next);
  void note(int64_t row);

  const Cloud& cloud_;
  std::string cluster_;
  Account account_;
  std::set<int64_t> rows_{};
  int failures_{0};
  Instant last_{BootTime::now()};
  Duration longest_gap_{};
  std::atomic<int64_t> acknowledged_{0};
  std::jthread thread_{};
};

// Asks one node, past all names. Throws when it does not answer.
std::set<int64_t> rows_at(const std::string& address, const Account& account);
// One statement there; its first value. Throws on an error.
std::string ask(const std::string& address, const Account& account, const std::string& statement);
// Those of `rows` that are not there.
std::set<int64_t> missing(const std::set<int64_t>& rows, const std::set<int64_t>& there);

}  // namespace cdb::testing
