#pragma once
// Asks one DNS server, past the system's resolver: the cluster's names need not be delegated to be
// used. Blocking; any thread. ldns is known to dns_lookup.cc alone.

#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace cdb::cli {

// The addresses (A, then AAAA) of `name` at `server` (host:port). NotFound: the server knows no
// such name; Unavailable: it did not answer.
Result<std::vector<std::string>> lookup(const std::string& server, const std::string& name,
                                        Duration timeout);

}  // namespace cdb::cli
