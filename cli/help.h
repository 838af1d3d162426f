#pragma once
// What --help teaches beyond the list of options. Pure.

#include <string_view>

namespace cdb::cli::help {

std::string_view overview();
std::string_view summary(std::string_view command);
std::string_view examples(std::string_view command);

}  // namespace cdb::cli::help
