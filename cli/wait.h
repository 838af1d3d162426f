#pragma once
// Stays with operations until they end, showing how they go. Blocking; one thread, with one more
// per operation inside.

#include <vector>

#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/world.h"

namespace cdb::v1 {
class Operation;
}

namespace cdb::cli {

inline constexpr Duration kDefaultWait = std::chrono::minutes(10);

// Ok: all succeeded. Error: one failed. Timeout and Interrupted: they go on, and it was said how to
// follow them.
Exit wait_for(Client& client, World& world, const std::vector<v1::Operation>& operations,
              Duration timeout);

// For --no-wait: how to follow them.
void say_how_to_follow(World& world, const std::vector<v1::Operation>& operations);

}  // namespace cdb::cli
