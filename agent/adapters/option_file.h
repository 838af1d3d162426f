#pragma once
// Reads what a my.cnf says to mysqld. Pure.

#include <map>
#include <string>
#include <string_view>

namespace cdb::agent {

// The settings of [mysqld], [server] and [mysqld-<series>] by name, the last one winning as in the
// server. Names are as variables are written: lower case, underscores, without "loose_". Quotes are
// taken off. !include is not followed: the agent writes one whole file.
std::map<std::string, std::string> mysqld_options(std::string_view text);

}  // namespace cdb::agent
