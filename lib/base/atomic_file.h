#pragma once
// Files that are either the old or the new content, never a mixture, across a crash at any moment.
// Blocking; any thread, one writer per path.

#include <filesystem>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "lib/base/result.h"

namespace cdb {

// Writes a temporary file beside `path`, fsyncs it, renames it over `path`, fsyncs the directory.
// After an error the old content stands.
Status write_file_atomically(const std::filesystem::path& path, std::string_view content,
                             mode_t mode = 0644);

// not_found where there is no such file.
Result<std::string> read_file(const std::filesystem::path& path);

// The last `max_bytes` of the file, cut at a line start where it was cut.
Result<std::string> read_file_tail(const std::filesystem::path& path, size_t max_bytes);

}  // namespace cdb
