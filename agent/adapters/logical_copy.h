#pragma once
// A consistent copy of a whole server, row by row, for versions that cannot clone: schemas, tables,
// routines, views, triggers, events, accounts and privileges, and the GTID set that they amount to.
// Nothing of it is written to the binary log. Blocking.
//
// Not copied as they were at one moment: tables without transactions, once they are larger together
// than what can be read while the source's writes stand still (those are named in the log).
// Not copied: native functions (mysql.func), and the accounts that every node has of its own. Exact
// decimals inside of JSON arrive as doubles.

#include <functional>
#include <string>

#include "agent/adapters/mysql_connection.h"
#include "agent/ports/mysql_server.h"

namespace cdb::agent {

// `here`: an administrator of the server that is to become the copy; it has no replication. What
// MysqlServer::copy_from() says holds.
Status copy_everything(const ReplicationSource& donor, const MysqlLogin& here,
                       const std::function<bool(const std::string&)>& progress, Deadline deadline);

}  // namespace cdb::agent
