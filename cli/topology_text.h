#pragma once
// A cluster as a tree: the primary, its replicas under it, what is wrong below. Pure.

#include <string>

#include "lib/base/clock.h"

namespace cdb::v1 {
class Topology;
}

namespace cdb::cli {

std::string topology_text(const v1::Topology& topology, WallTime now);

}  // namespace cdb::cli
