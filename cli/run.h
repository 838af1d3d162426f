#pragma once
// The whole command but for the process around it: arguments in, exit code out. Blocking; one
// thread.

#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/world.h"

namespace cdb::cli {

Exit run(const std::vector<std::string>& args, World& world);

}  // namespace cdb::cli
