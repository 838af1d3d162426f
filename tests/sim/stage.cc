#include "tests/sim/stage.h"

namespace cdb::sim {

void Counters::add(const Counters& other) {
  for (uint64_t Counters::*const count :
       {&Counters::messages, &Counters::disk_writes, &Counters::timers, &Counters::faults,
        &Counters::stories, &Counters::promotions, &Counters::reopenings, &Counters::blocks,
        &Counters::stuck_truly, &Counters::rejoins, &Counters::trims, &Counters::seeds,
        &Counters::lost_coordinators, &Counters::lost_at_commit, &Counters::double_faults,
        &Counters::acknowledged, &Counters::reads, &Counters::lost_asynchronous}) {
    this->*count += other.*count;
  }
}

void Story::add(const std::string& who, std::string what) {
  const auto since = timeline_.now().time_since_epoch() - std::chrono::seconds(1000);
  lines_.push_back(
      fmt::format("{:9.4f} s  {:<12} {}", std::chrono::duration<double>(since).count(), who, what));
}

void Story::fail(std::string what) {
  if (failed()) return;
  if (told_) add("BROKEN", what);
  failure_ = std::move(what);
}

int Transactions::new_uuid() {
  const auto index = uuids.size() + 1;
  uuids.push_back(fmt::format("{:08x}-0000-4000-8000-000000000000", index));
  return static_cast<int>(index) - 1;
}

}  // namespace cdb::sim
