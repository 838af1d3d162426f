#pragma once
// The process mysqld and its data directory. mysqld is never our child in the sense that matters:
// it outlives a dead, stopped or upgraded agent, and the next agent adopts it. One caller at a
// time.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/core/tail_trim.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/model/mysql_version.h"
#include "lib/process/identity.h"

namespace cdb::agent {

class MysqlProcess {
 public:
  virtual ~MysqlProcess() = default;

  // Asked of the binary once, then remembered.
  virtual Result<model::MysqlVersion> version() = 0;

  // Whether the data directory holds an initialised server. A half-made one does not count (and
  // initialise() removes it).
  virtual bool initialised() = 0;
  // Makes a data directory with an empty root password, in a sibling, renamed into place at the
  // end. Conflict when one is there.
  virtual Status initialise(Deadline deadline) = 0;
  // Moves the binary logs into archive/<label>/ and removes the rest of the data directory. Only
  // with mysqld down (Precondition). Returns where they were put.
  virtual Result<std::filesystem::path> archive_and_wipe(const std::string& label) = 0;

  // --- the end of a deposed primary's binary log; all three only with mysqld down (Precondition)
  // Compares the last binary log with what the cluster has, and says what can be cut off it. An
  // error where it cannot be read.
  virtual Result<TailPlan> find_tail(const ClusterTransactions& cluster) = 0;
  // Copies the file of the plan to archive/<label>/ and returns that folder, on disk; nothing is
  // there after an error.
  virtual Result<std::filesystem::path> keep_tail(const TailPlan& plan,
                                                  const std::string& label) = 0;
  // Takes the server's uuid away, then cuts the file. Repeating it does no harm; after an error
  // both, one or none is done, and a start is safe in each case.
  virtual Status cut_tail(const TailPlan& plan) = 0;
  // How many prepared transactions the last start rolled back, from the error log. None where the
  // log does not say; it does from log_error_verbosity 3 on.
  virtual std::optional<uint64_t> rolled_back() = 0;

  // Checks a candidate my.cnf with the real binary (a dry run: nothing is started or changed).
  // Invalid, with the server's own words, when it would not start with it or would adjust a value.
  virtual Status check_config(const std::filesystem::path& candidate, Deadline deadline) = 0;

  // The process that runs on our data directory, adopted from an earlier agent where there is one.
  // Not one that was killed or is exiting: it executes nothing any more and answers nobody, though
  // the kernel takes some 85 ms per GB to free its memory, files and locks.
  virtual std::optional<process::Identity> running() = 0;
  // Whether that process is stopped by a signal: it answers nobody until it is continued.
  virtual bool suspended() = 0;
  // Starts mysqld detached and returns at once; Conflict when one runs. This, initialise() and
  // archive_and_wipe() first wait until nothing is left of one that was killed.
  Result<process::Identity> start() { return start_with({}); }
  // The same; `options` ("--name=value") win over my.cnf for this run.
  virtual Result<process::Identity> start_with(const std::vector<std::string>& options) = 0;
  // SIGKILL, and waits until nothing is left of it. The only safe end of a primary that may have
  // waiting commits.
  virtual Status kill(Deadline deadline) = 0;
  // SIGTERM, SIGKILL at the deadline. Only where no commit can be waiting (replicas, closed nodes):
  // a clean shutdown would tell waiting clients OK.
  virtual Status stop(Deadline deadline) = 0;
  // Calls back once, from a thread of its own, as soon as the process that runs now is no longer
  // what running() names; at once where none runs. The callback may call nothing of this object.
  virtual void on_exit(std::function<void()> callback) = 0;

  // The last lines of mysqld's error log that speak of errors, for a person.
  virtual std::string last_log_lines(size_t count) = 0;
};

}  // namespace cdb::agent
