#include "lib/model/report.h"

#include <array>

namespace cdb::model {
namespace {

template <typename Enum, size_t N>
Result<Enum> parse_one_of(std::string_view text, const std::array<Enum, N>& all,
                          std::string_view what) {
  for (const Enum value : all) {
    if (to_string(value) == text) return value;
  }
  return invalid("unknown " + std::string(what) + " '" + std::string(text) + "'");
}

}  // namespace

std::string_view to_string(MysqldState state) {
  switch (state) {
    case MysqldState::NotInitialised: return "not_initialised";
    case MysqldState::Stopped: return "stopped";
    case MysqldState::Starting: return "starting";
    case MysqldState::Running: return "running";
    case MysqldState::Stalled: return "stalled";
  }
  return "stopped";
}

Result<MysqldState> parse_mysqld_state(std::string_view text) {
  return parse_one_of(text,
                      std::array{MysqldState::NotInitialised, MysqldState::Stopped,
                                 MysqldState::Starting, MysqldState::Running, MysqldState::Stalled},
                      "mysqld state");
}

std::string_view to_string(ThreadState state) {
  switch (state) {
    case ThreadState::Off: return "off";
    case ThreadState::Connecting: return "connecting";
    case ThreadState::On: return "on";
  }
  return "off";
}

Result<ThreadState> parse_thread_state(std::string_view text) {
  return parse_one_of(text, std::array{ThreadState::Off, ThreadState::Connecting, ThreadState::On},
                      "thread state");
}

std::string_view to_string(LeaseSource source) {
  switch (source) {
    case LeaseSource::None: return "none";
    case LeaseSource::Coordinator: return "coordinator";
    case LeaseSource::Holds: return "holds";
    case LeaseSource::Stream: return "stream";
    case LeaseSource::Own: return "own";
  }
  return "none";
}

Result<LeaseSource> parse_lease_source(std::string_view text) {
  return parse_one_of(text,
                      std::array{LeaseSource::None, LeaseSource::Coordinator, LeaseSource::Holds,
                                 LeaseSource::Stream, LeaseSource::Own},
                      "lease source");
}

}  // namespace cdb::model
