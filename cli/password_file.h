#pragma once
// The option file that hands the password to a mysql client, so that it stands on no command line
// and in no environment. Blocking; any thread.

#include <filesystem>
#include <string>

#include "lib/base/result.h"
#include "lib/base/secret.h"

namespace cdb::cli {

// What the file says: the person's own options (`own`, where there is such a file), then the
// account's. Clients read it with --defaults-file, for their own ~/.my.cnf would come after
// --defaults-extra-file and win.
std::string option_text(const std::string& user, const Secret& password,
                        const std::filesystem::path& own);

// A file in memory, mode 0600, that lives as long as the descriptor; returns /proc/self/fd/N, which
// a program that this process turns into can still read.
Result<std::string> password_in_memory(const std::string& text);

// A file of mode 0600 under `folder`, which is made with mode 0700.
Result<std::filesystem::path> password_on_disk(const std::filesystem::path& folder,
                                               const std::string& name, const std::string& text);

}  // namespace cdb::cli
