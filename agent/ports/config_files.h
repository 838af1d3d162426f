#pragma once
// my.cnf of this node, made from the flavor and the user's settings. Blocking; one thread.

#include <map>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/model/report.h"

namespace cdb::agent {

// A setting whose value in my.cnf is not the one that the running server was started with.
struct ConfigChange {
  std::string name{};
  std::string value{};
  bool dynamic{false};  // SET GLOBAL is enough
  friend bool operator==(const ConfigChange&, const ConfigChange&) = default;
};

class ConfigFiles {
 public:
  virtual ~ConfigFiles() = default;
  // Makes my.cnf what this goal asks for: rendered, tried with the real binary, then put in place;
  // the old file is kept as my.cnf.last_good. On error the old file stands. Cheap when nothing
  // changed. Returns what the server that was started last still lacks.
  virtual Result<std::vector<ConfigChange>> ensure(const model::NodeGoal& goal,
                                                   Deadline deadline) = 0;
  // mysqld is about to be started with the file as it is now.
  virtual Status starting() = 0;
  // The account files for people: <state>/root.cnf, mode 0600.
  virtual Status write_client_files(const model::Credentials& credentials) = 0;
};

}  // namespace cdb::agent
