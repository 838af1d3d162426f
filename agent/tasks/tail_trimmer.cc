#include "agent/tasks/tail_trimmer.h"

#include <fmt/format.h>

#include "lib/base/log.h"

namespace cdb::agent {
namespace {

using model::NodeState;

constexpr Duration kStatement = std::chrono::seconds(2);
constexpr const char* kVerbosity = "log_error_verbosity";
// What the tuning gives it where the user says nothing.
constexpr const char* kUsualVerbosity = "2";

// It replicates what the cluster has and holds nothing else.
bool found_in_cluster(const Situation& s) {
  const bool replicates = s.goal.state == NodeState::Replica || s.goal.state == NodeState::Acker;
  const bool opened = s.goal.base && !s.goal.source_uuid.empty();
  return replicates && opened && !s.trim_failed && s.server->read_only &&
         !s.server->semisync.source_enabled && s.server->replication.source == s.goal.source &&
         s.server->replication.receiver != model::ThreadState::Off && errant_of(s).empty();
}

}  // namespace

Status TailTrimmer::save(const NodeMemory& next) {
  CDB_TRY(store_.save(next));
  memory_ = next;
  return {};
}

Status TailTrimmer::cut(const Situation& s) {
  const ClusterTransactions cluster{*s.goal.base, s.goal.source_uuid};
  const auto plan = process_.find_tail(cluster);
  if (!plan) {
    log::warn("tail.unreadable", "error=\"{}\"", plan.error().text());
    return {};
  }
  if (plan->kind == TailPlan::Kind::Leave) log::warn("tail.left", "why=\"{}\"", plan->why);
  if (plan->kind != TailPlan::Kind::Cut) return {};

  const std::string label =
      fmt::format("tail-epoch{}-{}", memory_.written_epoch, memory_.incarnation);
  const auto kept = process_.keep_tail(*plan, label);
  if (!kept) {
    // Seeding anew needs no room for a copy: it moves the logs.
    log::warn("tail.not_kept", "error=\"{}\"", kept.error().text());
    return {};
  }
  NodeMemory next = memory_;
  next.discarded = model::Discarded{plan->gtids, kept->string(), true};
  next.trim_unproved = true;
  CDB_TRY(save(next));
  log::warn("tail.cut", "transactions={} gtids={} file={} position={} kept={}", plan->transactions,
            plan->gtids.str(), plan->file, plan->offset, kept->string());
  return process_.cut_tail(*plan);
}

std::vector<std::string> TailTrimmer::start_options() const {
  if (!memory_.trim_unproved) return {};
  return {fmt::format("--{}=3", kVerbosity)};
}

// What was committed nevertheless is in gtid_executed still, and shows as errant without our doing.
// The count is a second witness, where there is one.
Status TailTrimmer::prove(const Situation& s) {
  const uint64_t cut = memory_.discarded ? memory_.discarded->gtids.count() : 0;
  const auto rolled_back = process_.rolled_back();
  // More is right: transactions that had not reached the binary log are rolled back as ever.
  const bool failed = rolled_back && *rolled_back < cut;
  const std::string says = rolled_back ? std::to_string(*rolled_back) : "unknown";
  log::info(failed ? "tail.trim_failed" : "tail.trimmed", "cut={} rolled_back={}", cut, says);
  NodeMemory next = memory_;
  next.trim_unproved = false;
  next.trim_failed = failed;
  CDB_TRY(save(next));
  const auto wanted = s.goal.settings.find(kVerbosity);
  return server_.set_variable(kVerbosity,
                              wanted == s.goal.settings.end() ? kUsualVerbosity : wanted->second,
                              Deadline::after(kStatement));
}

Status TailTrimmer::settle(Situation& s) {
  if (!s.server) return {};
  if (memory_.trim_unproved) CDB_TRY(prove(s));
  s.trim_failed = memory_.trim_failed;
  if (memory_.written_epoch == 0 || !found_in_cluster(s)) return {};
  NodeMemory next = memory_;
  next.written_epoch = 0;
  return save(next);
}

}  // namespace cdb::agent
