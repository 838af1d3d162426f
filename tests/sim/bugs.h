#pragma once
// Bugs that the product could have, and that the simulator has to find: most of them are wordings
// of the protocol that lost data when they were tried.

#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace cdb::sim {

struct Bug {
  std::string name{};  // a sentence that is wrong
  Variant variant{};
};
std::vector<Bug> bugs();
// The same world and faults for the product as it is.
Variant without_bug(const Variant& variant);

}  // namespace cdb::sim
