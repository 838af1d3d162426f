#pragma once
// The list of machines that exist already: which node each is for, and how its power is seen to.
// Blocking; any thread.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/model/ids.h"
#include "lib/model/mysql_version.h"

namespace cdb::coordinator {

struct ListedMachine {
  model::NodeId node{};  // which its agent says it is
  std::string address{};
  model::MysqlVersion version{};  // exact, of the server that is installed there
  int vcpu{0};                    // 0: not said
  uint64_t memory_bytes{0};       // 0: not said
  // Programs with their arguments; empty: there is none. The first prints "on" or "off".
  std::vector<std::string> power_state{};
  std::vector<std::string> power_on{};
};

// In the order of the file. Invalid, with file and line, for anything that is not understood, a
// node or an address given twice.
Result<std::vector<ListedMachine>> load_machine_list(const std::filesystem::path& file);

}  // namespace cdb::coordinator
