#pragma once
// The applications of one trial: writers and readers on the client host. One thread.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/chaos/journal.h"
#include "tests/chaos/site.h"

namespace cdb::chaos {

enum class Resolve { Fresh, HonoursTtl, Forever };

struct Writer {
  int number{0};
  Resolve resolve{Resolve::Fresh};
  Journal journal{};  // read when the load has stopped
};

class Load {
 public:
  // Returns once every client was answered. `trial` names its directory;
  // rows are numbered from first_row.
  Load(Site& site, const std::string& trial, int64_t first_row);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Every writer but the one that never resolves again had rows acknowledged after this call.
  [[nodiscard]] bool goes_on(int rows = 20, Duration time = std::chrono::seconds(60)) const;
  // Whether a row was acknowledged to anybody within this time.
  [[nodiscard]] bool anything_acked_within(Duration time) const;
  void stop();
  // Then:
  [[nodiscard]] const std::vector<Writer>& writers() const { return writers_; }
  [[nodiscard]] const std::vector<Journal>& readers() const { return readers_; }
  // The longest time without an acknowledgement for this kind of client that ended after `from`.
  [[nodiscard]] Duration longest_gap(Resolve resolve, Instant from) const;
  [[nodiscard]] size_t failures(Instant from) const;  // of writes

 private:
  void begin(const std::string& name, const std::string& resolve,
             const std::vector<std::string>& what);
  [[nodiscard]] std::filesystem::path journal_of(const std::string& client) const;
  [[nodiscard]] std::map<int, size_t> acked_counts() const;

  Site& site_;
  std::filesystem::path directory_;
  std::vector<Writer> writers_{};
  std::vector<std::string> reader_names_{};
  std::vector<Journal> readers_{};
  std::vector<pid_t> processes_{};
};

}  // namespace cdb::chaos
