#include "coordinator/core/record.h"

#include <array>

#include "coordinator/core/enum_text.h"

namespace cdb::coordinator {

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::Forming: return "forming";
    case Phase::Steady: return "steady";
    case Phase::Revoking: return "revoking";
    case Phase::Demoting: return "demoting";
    case Phase::Promoting: return "promoting";
    case Phase::Publishing: return "publishing";
  }
  return "forming";
}

Result<Phase> parse_phase(std::string_view text) {
  return parse_one_of<Phase>(text,
                             std::array{Phase::Forming, Phase::Steady, Phase::Revoking,
                                        Phase::Demoting, Phase::Promoting, Phase::Publishing},
                             "phase");
}

}  // namespace cdb::coordinator
