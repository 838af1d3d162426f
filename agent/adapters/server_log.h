#pragma once
// Reads what mysqld writes for people: its error log and its complaints at start. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cdb::agent {

// Whether a line of an error log reports an error, in the formats of 5.6 to 9.x.
bool is_error_line(std::string_view line);

// The message alone: without time, thread and label, and with secrets as ***.
std::string readable_line(std::string_view line);

// At most `count` lines as they stand (secrets as ***), the errors among them first to be kept, in
// their order, one per line. Empty lines and repetitions are left out.
std::string telling_lines(std::string_view log, size_t count);

// How many prepared transactions InnoDB rolled back in the last recovery that this log tells of;
// none where it does not say (8.0+, from log_error_verbosity 3 on).
std::optional<uint64_t> rolled_back_transactions(std::string_view log);

}  // namespace cdb::agent
