#pragma once
// How every command ends that begins one operation. One thread.

#include "cli/session.h"

namespace cdb::v1 {
class Operation;
}

namespace cdb::cli {

// Shows what a dry run would begin, or says what was begun and stays with it as asked for. As YAML
// or JSON the operation is printed once: as it ended, or as it began where nobody waits.
Result<Exit> follow_begun(Session& session, const v1::Operation& operation, const BeginArgs& how);

}  // namespace cdb::cli
