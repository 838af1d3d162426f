#pragma once
// What must never be: it sees everything, and fails the story as soon as it is.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/mysqld.h"

namespace cdb::sim {

class Oracle {
 public:
  Oracle(Stage& stage, bool lossless) : stage_(stage), lossless_(lossless) {}
  void watch(const std::vector<std::unique_ptr<Mysqld>>& servers) { servers_ = &servers; }

  // A new transaction, before it is anywhere.
  void generated(const Mysqld& server, TransactionId id);
  // A node becomes writable in this epoch, which its agent holds.
  void opened(const Mysqld& server, uint64_t epoch);
  // A node begins to replicate.
  void follows(const Mysqld& server);
  // A client got its OK.
  void acknowledged(const Mysqld& server, TransactionId id);
  // A client got rows of a node that it may write to.
  void read(const Mysqld& server, const model::GtidSet& rows);
  // Before a node's data are given up.
  void forgets(const Mysqld& server);
  void promised(const std::string& who, std::pair<uint64_t, uint64_t> before,
                std::pair<uint64_t, uint64_t> now);
  // What an agent says that it has promised; it never goes back, unless its disks are new.
  void reported(Host host, const model::RecordVersion& accepted);
  void forgives(Host host) { reported_.erase(host); }
  // After every event.
  void look();
  // At the end: nothing is missing on the primary.
  void all_there(const Mysqld& primary);

  [[nodiscard]] const model::GtidSet& acknowledged_set() const { return acknowledged_; }
  [[nodiscard]] bool lossless() const { return lossless_; }
  // Whether the data that are left somewhere hold everything that was acknowledged and read.
  [[nodiscard]] bool somewhere_complete() const;

 private:
  [[nodiscard]] std::string missing(const model::GtidSet& set) const;

  Stage& stage_;
  bool lossless_;
  const std::vector<std::unique_ptr<Mysqld>>* servers_{nullptr};
  model::GtidSet acknowledged_{};
  model::GtidSet seen_{};
  std::map<int, int64_t> highest_{};      // uuid -> number
  std::map<uint64_t, Host> opened_by_{};  // epoch -> node
  std::map<Host, uint64_t> open_epoch_{};
  std::map<Host, model::RecordVersion> reported_{};
  uint64_t last_epoch_{0};
  Instant last_opened_at_{};
  Host last_{-1};
};

}  // namespace cdb::sim
