#pragma once
// The facts under the names by which rule files call them. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuning/facts.h"

namespace cdb::tuning {

// memory, vcpu, disk_size, nofile, hdd, ssd, nvme; none: not a fact's name.
std::optional<double> number_fact(const Facts& facts, std::string_view name);
// data_dir, socket, server_id, ...; none: not a fact's name.
std::optional<std::string> text_fact(const Facts& facts, std::string_view name);
std::vector<std::string> number_fact_names();
std::vector<std::string> text_fact_names();

// The variable's value before it is aligned: "wanted_innodb_buffer_pool_size".
inline constexpr std::string_view kWanted = "wanted_";
// What the budget's limit leaves when all terms but the solved ones are taken off.
inline constexpr std::string_view kBudgetRoom = "budget_room";

// The names between the braces of "ibtmp1:max:{disk_mib}M"; none where braces do not match.
std::optional<std::vector<std::string>> names_in_text(std::string_view text);

}  // namespace cdb::tuning
