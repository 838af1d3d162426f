#pragma once
// The flavors file: which sizes of machines can be asked for. Blocking; any thread.

#include <filesystem>
#include <string_view>
#include <vector>

#include "coordinator/core/flavors.h"
#include "lib/base/result.h"

namespace cdb::coordinator {

// In the order of the file. Invalid, with file, line and column, for anything that is not
// understood: a misspelt key, a name given twice, a size that makes no sense.
Result<std::vector<Flavor>> load_flavors(const std::filesystem::path& file);
// The same from a text; `name` stands in the messages.
Result<std::vector<Flavor>> parse_flavors(std::string_view text, std::string_view name);

}  // namespace cdb::coordinator
