#pragma once
// A folder with a my.cnf for a real mysqld, and the MysqldProcess that looks after it. A server
// that still runs when the node goes is killed.

#include <array>
#include <filesystem>
#include <memory>
#include <string>

#include "agent/adapters/mysqld_process.h"
#include "tests/support/temp_dir.h"

namespace cdb::agent::testing {

// The servers to test with; a test that needs them fails where they are missing.
enum class Series { V97, V56 };
inline constexpr std::array kBothSeries{Series::V97, Series::V56};
std::string to_string(Series series);
std::filesystem::path mysqld_of(Series series);

class MysqldNode {
 public:
  explicit MysqldNode(Series series);
  MysqldNode(const MysqldNode&) = delete;
  MysqldNode& operator=(const MysqldNode&) = delete;
  ~MysqldNode();

  // Another agent that looks after the same server.
  [[nodiscard]] std::unique_ptr<MysqldProcess> agent() const;
  [[nodiscard]] const MysqldConfig& config() const { return config_; }
  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return dir_ / name; }

  // The my.cnf with these lines added; the same as a file beside it, for a dry run.
  void configure(const std::string& lines) const;
  [[nodiscard]] std::filesystem::path candidate(const std::string& lines) const;
  // Gives it a data directory, copied from one that is initialised once for all tests.
  void give_data() const;
  // Whether the server greets a client on its socket before the deadline.
  [[nodiscard]] bool answers(Deadline deadline) const;

 private:
  [[nodiscard]] std::string config_text(const std::string& lines) const;

  Series series_;
  cdb::testing::TempDir dir_{};
  MysqldConfig config_;
};

}  // namespace cdb::agent::testing
