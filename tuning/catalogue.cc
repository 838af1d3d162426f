#include "tuning/catalogue.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include <fmt/format.h>

#include "lib/base/text.h"

namespace cdb::tuning {
namespace {

// Calls `take` with the fields of each line that is neither empty nor a comment.
Status each_row(std::string_view content, const std::string& file, size_t min_fields,
                const std::function<Status(const std::vector<std::string>&)>& take) {
  size_t number = 0;
  for (const std::string& line : split(content, '\n')) {
    ++number;
    if (trim(line).empty() || line[0] == '#') continue;
    const std::vector<std::string> fields = split(line, '\t');
    const std::string place = fmt::format("{}:{}", file, number);
    if (fields.size() < min_fields || fields[0].empty()) {
      return invalid(fmt::format("{}: {} columns with tabs between them are needed, {} are there",
                                 place, min_fields, fields.size()));
    }
    if (auto taken = take(fields); !taken) return taken.error().in(place);
  }
  return {};
}

Status read_type(const std::string& text, Variable& variable) {
  variable.negative = text == "signed";
  if (text == "integer" || text == "signed") {
    variable.type = ValueType::Integer;
  } else if (text == "decimal") {
    variable.type = ValueType::Decimal;
  } else if (text == "switch") {
    variable.type = ValueType::Switch;
  } else if (text != "text") {
    return invalid("'" + text + "' is none of integer, signed, decimal, switch and text");
  }
  return {};
}

Status read_end(std::string_view text, std::optional<double>& end) {
  if (text.empty()) return {};
  double value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || at != text.data() + text.size()) {
    return invalid("'" + std::string(text) + "' is no end of a range");
  }
  end = value;
  return {};
}

// "1..65535", "1..", "OFF|ON|DISABLED"
Status read_limit(const std::string& text, Limit& limit) {
  const size_t dots = text.find("..");
  if (dots == std::string::npos) {
    limit.words = split(text, '|');
    if (limit.words.size() < 2) return invalid("'" + text + "' is neither a range nor words");
    return {};
  }
  CDB_TRY(read_end(std::string_view(text).substr(0, dots), limit.min));
  CDB_TRY(read_end(std::string_view(text).substr(dots + 2), limit.max));
  if (!limit.min && !limit.max) return invalid("'" + text + "' limits nothing");
  if (limit.min && limit.max && *limit.min > *limit.max) {
    return invalid("'" + text + "' has its ends crossed");
  }
  return {};
}

bool matches(const std::string& pattern, const std::string& name) {
  if (pattern.empty() || pattern.back() != '*') return pattern == name;
  return name.compare(0, pattern.size() - 1, pattern, 0, pattern.size() - 1) == 0;
}

}  // namespace

std::string Catalogue::canonical(std::string_view name) {
  std::string canonical = to_lower(trim(name));
  std::replace(canonical.begin(), canonical.end(), '-', '_');
  return canonical;
}

Status Catalogue::add_line(const model::MysqlVersion& line, std::string_view content,
                           const std::string& file) {
  Line& known = lines_[line];
  return each_row(content, file, 2, [&](const std::vector<std::string>& fields) -> Status {
    if (fields[1] != "D" && fields[1] != "S") {
      return invalid("'" + fields[1] + "' is neither D (dynamic) nor S (static)");
    }
    if (fields.size() < 4) return invalid("a fourth column with the type is needed");
    Variable variable;
    variable.name = fields[0];
    variable.dynamic = fields[1] == "D";
    CDB_ASSIGN_OR_RETURN(variable.versions, VersionGuard::parse(fields[2]));
    CDB_TRY(read_type(fields[3], variable));
    known[variable.name].push_back(variable);
    return {};
  });
}

Status Catalogue::add_aliases(std::string_view content, const std::string& file) {
  return each_row(content, file, 4, [&](const std::vector<std::string>& fields) -> Status {
    Alias alias{fields[0], {}, fields[2], 1};
    CDB_ASSIGN_OR_RETURN(alias.versions, VersionGuard::parse(fields[1]));
    const auto [end, error] =
        std::from_chars(fields[3].data(), fields[3].data() + fields[3].size(), alias.scale);
    if (error != std::errc() || end != fields[3].data() + fields[3].size() || alias.scale <= 0) {
      return invalid("'" + fields[3] + "' is no scale");
    }
    aliases_.push_back(alias);
    return {};
  });
}

Status Catalogue::add_limits(std::string_view content, const std::string& file) {
  return each_row(content, file, 3, [&](const std::vector<std::string>& fields) -> Status {
    Limit limit;
    limit.name = fields[0];
    CDB_ASSIGN_OR_RETURN(limit.versions, VersionGuard::parse(fields[1]));
    CDB_TRY(read_limit(fields[2], limit));
    limits_.push_back(limit);
    return {};
  });
}

Status Catalogue::add_owned(std::string_view content, const std::string& file) {
  return each_row(content, file, 2, [&](const std::vector<std::string>& fields) -> Status {
    owned_.push_back({fields[0], fields[1]});
    return {};
  });
}

std::vector<const Catalogue::Line*> Catalogue::lines_of(const model::MysqlVersion& version) const {
  const auto after = lines_.upper_bound({version.major, version.minor, version.patch});
  if (after == lines_.begin()) return {};  // older than all that is known
  const auto own = std::prev(after);
  const bool is_own = own->first.major == version.major && own->first.minor == version.minor;
  if (is_own || after == lines_.end()) return {&own->second};
  return {&own->second, &after->second};
}

const Variable* Catalogue::known(const Line& line, const model::MysqlVersion& version,
                                 const std::string& name) {
  const auto at = line.find(name);
  if (at == line.end()) return nullptr;
  for (const Variable& variable : at->second) {
    if (variable.versions.holds(version)) return &variable;
  }
  return nullptr;
}

std::optional<Variable> Catalogue::find(const model::MysqlVersion& version,
                                        const std::string& name) const {
  std::optional<Variable> found;
  for (const Line* line : lines_of(version)) {
    const Variable* const variable = known(*line, version, name);
    if (variable == nullptr) return std::nullopt;
    if (!found) {
      found = *variable;
    } else {
      found->dynamic = found->dynamic && variable->dynamic;
    }
  }
  return found;
}

std::string Catalogue::lines_with(const std::string& name) const {
  std::vector<std::string> lines;
  for (const auto& line : lines_) {
    if (line.second.count(name) > 0) {
      lines.push_back(fmt::format("{}.{}", line.first.major, line.first.minor));
    }
  }
  return join(lines, ", ");
}

std::vector<std::string> Catalogue::names(const model::MysqlVersion& version) const {
  std::vector<std::string> names;
  for (const Line* line : lines_of(version)) {
    for (const auto& entry : *line) {
      if (find(version, entry.first)) names.push_back(entry.first);
    }
    break;
  }
  return names;
}

const Alias* Catalogue::alias(const model::MysqlVersion& version, const std::string& name) const {
  for (const Alias& alias : aliases_) {
    if (alias.name == name && alias.versions.holds(version)) return &alias;
  }
  return nullptr;
}

bool Catalogue::is_alias(const std::string& name) const {
  return std::any_of(aliases_.begin(), aliases_.end(),
                     [&](const Alias& alias) { return alias.name == name; });
}

const Limit* Catalogue::limit(const model::MysqlVersion& version, const std::string& name) const {
  for (const Limit& limit : limits_) {
    if (limit.name == name && limit.versions.holds(version)) return &limit;
  }
  return nullptr;
}

const Owned* Catalogue::owned(const std::string& name) const {
  for (const Owned& owned : owned_) {
    if (matches(owned.name, name)) return &owned;
  }
  return nullptr;
}

}  // namespace cdb::tuning
