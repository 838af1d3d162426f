#include "tuning/names.h"

#include <array>
#include <utility>

namespace cdb::tuning {
namespace {

using NumberOf = double (*)(const Facts&);
using TextOf = std::string (*)(const Facts&);

constexpr std::array<std::pair<std::string_view, NumberOf>, 7> kNumbers{{
    {"memory", [](const Facts& f) { return static_cast<double>(f.memory_bytes); }},
    {"vcpu", [](const Facts& f) { return static_cast<double>(f.vcpu); }},
    {"disk_size", [](const Facts& f) { return static_cast<double>(f.disk_bytes); }},
    {"nofile", [](const Facts& f) { return static_cast<double>(f.open_files_max); }},
    {"hdd", [](const Facts& f) { return f.disk_kind == "hdd" ? 1.0 : 0.0; }},
    {"ssd", [](const Facts& f) { return f.disk_kind == "ssd" ? 1.0 : 0.0; }},
    {"nvme", [](const Facts& f) { return f.disk_kind == "nvme" ? 1.0 : 0.0; }},
}};

constexpr std::array<std::pair<std::string_view, TextOf>, 10> kTexts{{
    {"server_id",
     [](const Facts& f) { return f.server_id == 0 ? std::string() : std::to_string(f.server_id); }},
    {"port", [](const Facts& f) { return f.port == 0 ? std::string() : std::to_string(f.port); }},
    {"bind_address", [](const Facts& f) { return f.bind_address; }},
    {"report_host", [](const Facts& f) { return f.report_host; }},
    {"data_dir", [](const Facts& f) { return f.data_dir; }},
    {"socket", [](const Facts& f) { return f.socket; }},
    {"pid_file", [](const Facts& f) { return f.pid_file; }},
    {"error_log", [](const Facts& f) { return f.error_log; }},
    {"log_dir", [](const Facts& f) { return f.log_dir; }},
    {"tmp_dir", [](const Facts& f) { return f.tmp_dir; }},
}};

template <typename Table>
std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const auto& entry : table)
    names.emplace_back(entry.first);
  return names;
}

}  // namespace

std::optional<double> number_fact(const Facts& facts, std::string_view name) {
  for (const auto& entry : kNumbers) {
    if (entry.first == name) return entry.second(facts);
  }
  return std::nullopt;
}

std::optional<std::string> text_fact(const Facts& facts, std::string_view name) {
  for (const auto& entry : kTexts) {
    if (entry.first == name) return entry.second(facts);
  }
  return std::nullopt;
}

std::vector<std::string> number_fact_names() {
  return names_of(kNumbers);
}
std::vector<std::string> text_fact_names() {
  return names_of(kTexts);
}

std::optional<std::vector<std::string>> names_in_text(std::string_view text) {
  std::vector<std::string> names;
  for (;;) {
    const size_t open = text.find_first_of("{}");
    if (open == std::string_view::npos) return names;
    const size_t close = text.find_first_of("{}", open + 1);
    if (text[open] == '}' || close == std::string_view::npos || text[close] == '{') {
      return std::nullopt;
    }
    names.emplace_back(text.substr(open + 1, close - open - 1));
    text.remove_prefix(close + 1);
  }
}

}  // namespace cdb::tuning
