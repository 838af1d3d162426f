#pragma once
// Reads what mysqld writes for people: its error log and its complaints at start. Pure.

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

}  // namespace cdb::agent
