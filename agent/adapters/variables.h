#pragma once
// Global variables of a running server: set with proof, and read. Blocking; one thread at a time.

#include <map>
#include <string>
#include <vector>

#include "agent/adapters/mysql_session.h"

namespace cdb::agent {

// SET GLOBAL and read back. A value that the server refuses, adjusts or reads back as another is
// Precondition with the server's words, and the old value is put back. Sizes may end in K, M, G, T.
Status set_global_variable(MysqlSession& session, const std::string& name, const std::string& value,
                           Deadline deadline);

// As SHOW GLOBAL VARIABLES prints them, by lower-case name; names that the server does not know are
// left out.
Result<std::map<std::string, std::string>> read_global_variables(
    MysqlSession& session, const std::vector<std::string>& names, Deadline deadline);

// Whether a value that was asked for and one that was read are the same to a server: 1 and ON, 2
// and 2.000, lists in any order and with more in them (modes that stand for several).
bool same_value(const std::string& asked, const std::string& read);

}  // namespace cdb::agent
