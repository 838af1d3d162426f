#pragma once
// A guarded directory for the roots of local provisioners, with stand-ins for servers and agents.

#include <string>

#include "coordinator/adapters/local_provisioner.h"
#include "tests/support/eventually.h"
#include "tests/support/guarded_directory.h"

namespace cdb::coordinator {

using testing::eventually;
using testing::processes_with_argument;

class Playground : public testing::GuardedDirectory {
 public:
  Playground();

  // Roots of several provisioners may stand side by side; "r" is the usual one.
  [[nodiscard]] std::filesystem::path root(const std::string& name = "r") const {
    return path() / name;
  }
  [[nodiscard]] LocalProvisionerConfig config(const std::string& root_name = "r") const;
  // What the agents of a root do when they start next.
  void behave(const std::string& how, const std::string& root_name = "r") const;
};

}  // namespace cdb::coordinator
