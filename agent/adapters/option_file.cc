#include "agent/adapters/option_file.h"

#include <algorithm>

#include "lib/base/text.h"

namespace cdb::agent {
namespace {

std::string variable_name(std::string_view text) {
  std::string name = to_lower(trim(text));
  std::replace(name.begin(), name.end(), '-', '_');
  constexpr std::string_view kLoose = "loose_";
  return name.rfind(kLoose, 0) == 0 ? name.substr(kLoose.size()) : name;
}

// Without quotes, or without the comment that may follow a value outside of quotes.
std::string plain_value(std::string_view text) {
  const std::string_view value = trim(text);
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'')) {
    const size_t end = value.find(value.front(), 1);
    if (end != std::string_view::npos) return std::string(value.substr(1, end - 1));
  }
  const size_t comment = std::min(value.find(" #"), value.find("\t#"));
  return std::string(trim(value.substr(0, comment)));
}

}  // namespace

std::map<std::string, std::string> mysqld_options(std::string_view text) {
  std::map<std::string, std::string> options;
  bool ours = false;
  for (const std::string& raw : split(text, '\n')) {
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      const std::string_view group = trim(line.substr(1, line.find(']') - 1));
      ours = group == "mysqld" || group == "server" || group.rfind("mysqld-", 0) == 0;
      continue;
    }
    if (!ours || line.front() == '!') continue;
    const size_t equals = line.find('=');
    options[variable_name(line.substr(0, equals))] =
        equals == std::string_view::npos ? "" : plain_value(line.substr(equals + 1));
  }
  return options;
}

}  // namespace cdb::agent
