#include "lib/model/mysql_version.h"

#include <charconv>

#include "lib/base/text.h"

namespace cdb::model {

Result<MysqlVersion> MysqlVersion::parse(std::string_view text) {
  const std::string_view trimmed = trim(text);
  MysqlVersion version;
  int* const parts[] = {&version.major, &version.minor, &version.patch};
  const char* at = trimmed.data();
  const char* const end = at + trimmed.size();
  for (size_t i = 0; i < 3; ++i) {
    const auto [next, error] = std::from_chars(at, end, *parts[i]);
    if (error != std::errc() || *parts[i] < 0) {
      return invalid("'" + std::string(text) + "' is not a MySQL version", "write it like 8.0.36");
    }
    at = next;
    if (at == end || *at != '.') break;
    if (i < 2) ++at;
  }
  const bool ends_well = at == end || *at == '-' || *at == '+' || *at == ' ' || *at == '.';
  if (!ends_well || version.major == 0) {
    return invalid("'" + std::string(text) + "' is not a MySQL version", "write it like 8.0.36");
  }
  return version;
}

Result<MysqlVersion> MysqlVersion::parse_program_output(std::string_view line) {
  const size_t ver = line.find("Ver ");
  if (ver == std::string_view::npos) {
    return invalid("no version in '" + std::string(trim(line)) + "'", "is this a mysqld?");
  }
  return parse(line.substr(ver + 4, line.find(' ', ver + 4) - ver - 4));
}

std::string MysqlVersion::str() const {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace cdb::model
