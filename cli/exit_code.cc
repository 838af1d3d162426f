#include "cli/exit_code.h"

namespace cdb::cli {

Exit exit_for(Code code) {
  switch (code) {
    case Code::Invalid: return Exit::Error;
    case Code::NotFound: return Exit::NotFound;
    case Code::Conflict:
    case Code::Precondition: return Exit::Refused;
    case Code::Denied: return Exit::NotAllowed;
    case Code::Unavailable: return Exit::Unreachable;
    case Code::Deadline: return Exit::Timeout;
    case Code::OutcomeUnknown: return Exit::Error;
    case Code::Cancelled: return Exit::Interrupted;
    case Code::Internal: return Exit::Error;
  }
  return Exit::Error;
}

}  // namespace cdb::cli
