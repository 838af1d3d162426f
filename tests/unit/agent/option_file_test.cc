#include "agent/adapters/option_file.h"

#include <doctest/doctest.h>

namespace cdb::agent {

TEST_CASE("the server's groups of a my.cnf are read as the server reads them") {
  const auto options = mysqld_options(R"(
# a comment
; another
[client]
port = 1
[mysqld]
datadir=/var/lib/mysql/data
Log-Bin = "bin log"   # quoted
innodb_data_file_path = ibdata1:12M:autoextend  # outside of quotes
loose-semi_sync = 'ON'
skip-name-resolve
max_connections=10
!include /etc/other.cnf
[mysqldump]
quick
[mysqld-8.0]
max-connections = 20
color=#fff
[server]
x=y=z
)");
  const std::map<std::string, std::string> expected{
      {"datadir", "/var/lib/mysql/data"},
      {"log_bin", "bin log"},
      {"innodb_data_file_path", "ibdata1:12M:autoextend"},
      {"semi_sync", "ON"},
      {"skip_name_resolve", ""},
      {"max_connections", "20"},
      {"color", "#fff"},
      {"x", "y=z"}};
  CHECK(options == expected);
  CHECK(mysqld_options("").empty());
  CHECK(mysqld_options("port=1\n[mysqld").empty());
}

}  // namespace cdb::agent
