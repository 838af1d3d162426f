#include "tests/support/random_model.h"

#include <array>

#include <fmt/format.h>

namespace cdb::testing {

using model::MysqldState;
using model::ThreadState;

std::string RandomModel::text() {
  static const std::array<std::string, 12> pieces{
      "a", "Z",  "7",    " ",        "\n",           "\"",
      "'", "\\", "\x01", "\xC3\xBC", "\xE2\x82\xAC", "\xF0\x9F\x90\xAC"};
  std::string made;
  for (uint64_t left = 1 + below(20); left > 0; --left)
    made += one_of(pieces);
  return made;
}

std::string RandomModel::uuid() {
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", below(uint64_t{1} << 32), below(65536),
                     below(65536), below(65536), below(uint64_t{1} << 48));
}

WallTime RandomModel::time() {
  return WallTime(std::chrono::microseconds(1 + below(4'000'000'000'000'000)));
}

model::GtidSet RandomModel::gtid_set() {
  model::GtidSet set;
  for (uint64_t left = 1 + below(3); left > 0; --left) {
    const std::string source = uuid();
    for (uint64_t more = 1 + below(3); more > 0; --more) {
      const auto first = static_cast<int64_t>(1 + below(100'000));
      set.add(source, {first, first + static_cast<int64_t>(below(1000))});
    }
  }
  return set;
}

std::map<std::string, std::string> RandomModel::words() {
  std::map<std::string, std::string> made;
  for (uint64_t left = below(4); left > 0; --left)
    made[label()] = text();
  return made;
}

model::ReplicationStatus RandomModel::replication() {
  const std::array threads{ThreadState::Off, ThreadState::Connecting, ThreadState::On};
  return {.source = maybe([&] { return endpoint(); }),
          .source_uuid = uuid(),
          .receiver = one_of(threads),
          .applier = one_of(threads),
          .retrieved = gtid_set(),
          .lag_s = maybe([&] { return static_cast<int64_t>(number()); }),
          .receiver_error = text(),
          .applier_error = text()};
}

model::SemisyncStatus RandomModel::semisync() {
  return {.available = coin(),
          .source_enabled = coin(),
          .replica_enabled = coin(),
          .replica_acking = coin(),
          .acks_required = count(),
          .connected_ackers = count(),
          .waiting_sessions = count()};
}

model::ServerStatus RandomModel::server() {
  return {.version = mysql_version(),
          .server_uuid = uuid(),
          .executed = gtid_set(),
          .purged = gtid_set(),
          .read_only = coin(),
          .super_read_only = coin(),
          .replication = replication(),
          .semisync = semisync()};
}

model::NodeReport RandomModel::report() {
  return {.accepted = version(),
          .state = one_of(model::kAllNodeStates),
          .mysqld =
              one_of(std::array{MysqldState::NotInitialised, MysqldState::Stopped,
                                MysqldState::Starting, MysqldState::Running, MysqldState::Stalled}),
          .mysqld_boot = number(),
          .incarnation = text(),
          .server = maybe([&] { return server(); }),
          .errant = gtid_set(),
          .final_set = maybe([&] { return gtid_set(); }),
          .marker = maybe([&] { return gtid_set(); }),
          .doing = text(),
          .problem = text(),
          .credentials = maybe([&] { return credentials(); }),
          .pending_restart = several([&] { return text(); }),
          .disk_free_bytes = number(),
          .disk_full = coin(),
          .lease = {.epoch = number(),
                    .left_ms = count(),
                    .source =
                        one_of(std::array{model::LeaseSource::None, model::LeaseSource::Coordinator,
                                          model::LeaseSource::Holds}),
                    .fence = text(),
                    .wanted_ms = count()},
          .holding_epoch = number(),
          .gate = maybe([&] { return version(); }),
          .discarded = maybe([&] {
            return model::Discarded{.gtids = gtid_set(), .archive = text(), .trimmed = coin()};
          })};
}

model::NodeGoal RandomModel::goal() {
  return {.record = version(),
          .state = one_of(model::kAllNodeStates),
          .source = maybe([&] { return endpoint(); }),
          .source_uuid = uuid(),
          .base = maybe([&] { return gtid_set(); }),
          .acks_required = count(),
          .open_boot = number(),
          .sole = coin(),
          .drain_to = maybe([&] { return gtid_set(); }),
          .planned = coin(),
          .may_reseed = coin(),
          .may_trim = coin(),
          .reseed = text(),
          .rejoin = text(),
          .may_initialise = coin(),
          .credentials = maybe([&] { return credentials(); }),
          .peers = several([&] {
            return model::Peer{model::NodeName(label()), label(), coin(), coin()};
          }),
          .holds_required = count(),
          .heartbeat = std::chrono::milliseconds(1 + count()),
          .ttl = std::chrono::milliseconds(1 + count()),
          .server_id = static_cast<uint32_t>(number()),
          .memory_bytes = number(),
          .vcpu = 1 + count(),
          .disk_kind = text(),
          .disk_bytes = number(),
          .settings = words()};
}

}  // namespace cdb::testing
