#pragma once
// The system account that mysqld runs as and that owns its files. Any thread.

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "lib/base/result.h"

namespace cdb::agent {

struct ServerAccount {
  std::string name{};  // empty: our own, which is not root
  uid_t uid{0};
  gid_t gid{0};

  // What mysqld has to be told: root must name an account, nobody else can.
  [[nodiscard]] std::vector<std::string> options() const;
  // Makes the account the owner of a file, or of a directory and all that is in it.
  [[nodiscard]] Status own(const std::filesystem::path& path) const;
};

// `wanted`, or where that is empty mysql if there is such an account, or root. Our own account when
// we are not root: then `wanted` may name no other.
Result<ServerAccount> find_server_account(const std::string& wanted);

}  // namespace cdb::agent
