#include "agent/core/tail_trim.h"

#include <fmt/format.h>

namespace cdb::agent {
namespace {

// InnoDB then knows the GTID of everything it committed. A transaction that was cut off and had
// been committed nevertheless is still in gtid_executed after the start, so the node is seen to
// diverge; without that it would do so unseen.
bool remembers_commits(const model::MysqlVersion& version) {
  return version.persists_gtids_in_innodb();
}

std::string obstacle_of(const model::MysqlVersion& server, const BinlogFile& last,
                        const ClusterTransactions& cluster) {
  if (last.encrypted) return "the binary log is encrypted";
  // Nothing waits for an acknowledgement while a new file is begun.
  if (!last.previous) return "the last binary log had only just been begun";
  if (const auto earlier = cluster.missing_of(*last.previous); !earlier.empty()) {
    return fmt::format(
        "{} transactions that the cluster has not are in an earlier binary log, "
        "so they were committed",
        earlier.count());
  }
  if (!last.tail) return {};
  if (!last.in_use) return "mysqld was shut down, which commits everything";
  if (!remembers_commits(server) || !remembers_commits(last.written_by)) {
    return fmt::format("MySQL {} does not tell what it had committed",
                       std::min(server, last.written_by).str());
  }
  return last.tail->obstacle;
}

}  // namespace

TailPlan plan_trim(const model::MysqlVersion& server, const std::string& file,
                   const BinlogFile& last, const ClusterTransactions& cluster) {
  TailPlan plan{.file = file};
  plan.why = obstacle_of(server, last, cluster);
  if (last.tail) {
    plan.offset = last.tail->offset;
    plan.transactions = last.tail->transactions;
    plan.gtids = last.tail->gtids;
  }
  if (!plan.why.empty()) {
    plan.kind = TailPlan::Kind::Leave;
  } else if (last.tail) {
    plan.kind = TailPlan::Kind::Cut;
  }
  return plan;
}

}  // namespace cdb::agent
