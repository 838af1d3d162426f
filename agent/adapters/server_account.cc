#include "agent/adapters/server_account.h"

#include <cerrno>
#include <optional>

#include <pwd.h>
#include <unistd.h>

namespace cdb::agent {
namespace {

Result<std::optional<ServerAccount>> look_up(const std::string& name) {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  const int error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found != nullptr) {
    return std::optional(ServerAccount{name, found->pw_uid, found->pw_gid});
  }
  if (error != 0 && error != ENOENT) return from_errno("look up account " + name, error);
  return std::optional<ServerAccount>();
}

Status change_owner(const std::filesystem::path& path, const ServerAccount& account) {
  if (::lchown(path.c_str(), account.uid, account.gid) == 0) return {};
  return from_errno("change the owner of " + path.string(), errno);
}

}  // namespace

std::vector<std::string> ServerAccount::options() const {
  if (name.empty()) return {};
  return {"--user=" + name};
}

Status ServerAccount::own(const std::filesystem::path& path) const {
  if (name.empty()) return {};
  CDB_TRY(change_owner(path, *this));
  std::error_code error;
  const auto status = std::filesystem::symlink_status(path, error);
  if (error || !std::filesystem::is_directory(status)) return {};
  for (std::filesystem::recursive_directory_iterator it(path, error), end; !error && it != end;
       it.increment(error)) {
    CDB_TRY(change_owner(it->path(), *this));
  }
  if (error) return from_errno("list " + path.string(), error.value());
  return {};
}

Result<ServerAccount> find_server_account(const std::string& wanted) {
  const uid_t ours = ::geteuid();
  if (wanted.empty() && ours != 0) return ServerAccount{{}, ours, ::getegid()};
  CDB_ASSIGN_OR_RETURN(const auto account, look_up(wanted.empty() ? "mysql" : wanted));
  if (account && ours != 0 && account->uid == ours) return ServerAccount{{}, ours, ::getegid()};
  if (account && ours != 0) {
    return precondition("only root can run mysqld as " + wanted, "run as " + wanted + " or root");
  }
  if (account) return *account;
  if (wanted.empty()) return ServerAccount{"root", 0, 0};
  return not_found("there is no account " + wanted + " for mysqld to run as",
                   "create it, or name another");
}

}  // namespace cdb::agent
