#pragma once
// The tables of the state store and how older ones become the present ones. One thread.

#include <cstdint>
#include <vector>

#include "coordinator/adapters/sqlite_db.h"

namespace cdb::coordinator {

inline constexpr int64_t kApplicationId = 0x43444253;  // "CDBS", in the file's header

// What makes schema n + 1 of schema n, where n is its place in the list. PRAGMA user_version holds
// the number of those applied.
using Migrations = std::vector<const char*>;
const Migrations& migrations();

// Marks a new file as ours.
Status initialise(Database& database);
// Precondition for a file that is not ours or was written by a newer coordinator.
Status check_schema(Database& database, const Migrations& known = migrations());
// Applies what is missing, all or nothing.
Status migrate(Database& database, const Migrations& known = migrations());

}  // namespace cdb::coordinator
