#include <array>
#include <cmath>

#include <fmt/format.h>

#include "lib/base/text.h"
#include "tuning/overrides.h"
#include "tuning/tune.h"

namespace cdb::tuning {
namespace {

// Quotes what an option file would read otherwise: '#' begins a comment, blanks at the ends are
// dropped, a backslash begins an escape. Double quotes never get here (overrides.cc).
std::string option_value(const std::string& value) {
  const bool plain = !value.empty() && value.find_first_of(" #;'\\") == std::string::npos;
  if (plain) return value;
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// The inverse.
std::string plain_value(std::string_view text) {
  if (text.size() < 2 || text.front() != '"') return std::string(text);
  std::string plain;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    plain += text[i];
  }
  return plain;
}

std::string reason(const Setting& setting) {
  std::string reason;
  if (setting.type == ValueType::Bytes) {
    if (const auto bytes = parse_number(setting.value); bytes && *bytes >= 1024) {
      reason += bytes_text(*bytes) + ": ";
    }
  }
  if (setting.rule_id.empty()) return reason + setting.why;
  reason += setting.user ? "set by the user, in place of the rule" : setting.why;
  return reason + " [" + setting.rule_id + "]";
}

double as_double(uint64_t bytes) {
  return static_cast<double>(bytes);
}

std::string head(const Plan& plan) {
  const Facts& facts = plan.facts;
  std::string text = fmt::format(
      "# my.cnf of MySQL {} on {} vCPU, {} of memory, {} of {}\n"
      "# Written by mysqllet and overwritten by it: change settings through a MysqlConfig.\n"
      "#\n"
      "# Memory, planned ({} of {} at most; {} with every connection active):\n",
      facts.version.str(), facts.vcpu, bytes_text(as_double(facts.memory_bytes)),
      bytes_text(as_double(facts.disk_bytes)), facts.disk_kind,
      bytes_text(as_double(plan.planned_bytes)), bytes_text(as_double(plan.limit_bytes)),
      bytes_text(as_double(plan.peak_bytes)));
  for (const BudgetTerm& term : plan.budget) {
    text +=
        fmt::format("#   {:<24}{:>10}  {}\n", term.id, bytes_text(as_double(term.bytes)), term.why);
  }
  for (const std::string& warning : plan.warnings)
    text += "# warning: " + warning + "\n";
  return text;
}

}  // namespace

std::string bytes_text(double bytes) {
  static constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  const double digits = bytes < 10 ? 100 : 10;
  return fmt::format("{} {}", std::round(bytes * digits) / digits, kUnits[unit]);
}

std::string render_mycnf(const Plan& plan) {
  std::string text = head(plan) + "\n[mysqld]\n";
  std::string section;
  for (const Setting& setting : plan.settings) {
    if (setting.section != section) {
      section = setting.section;
      text += fmt::format("\n# ---- {} ----\n", section);
    }
    text += fmt::format("\n# {}\n{} = {}\n", reason(setting), setting.name,
                        option_value(setting.value));
  }
  return text;
}

Values parse_mycnf(std::string_view text) {
  Values values;
  for (const std::string& line : split(text, '\n')) {
    const std::string_view trimmed = trim(line);
    const size_t equals = trimmed.find('=');
    if (trimmed.empty() || trimmed.front() == '#' || trimmed.front() == '[') continue;
    if (equals == std::string_view::npos) continue;
    values.emplace_back(trim(trimmed.substr(0, equals)),
                        plain_value(trim(trimmed.substr(equals + 1))));
  }
  return values;
}

}  // namespace cdb::tuning
