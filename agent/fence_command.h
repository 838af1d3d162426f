#pragma once
// `mysqllet fence show|remove`: the gates of this machine, for people and for the package's
// removal.

namespace cdb::agent {

// argv[0] is "fence"; returns the exit code.
int fence_command(int argc, char** argv);

}  // namespace cdb::agent
