#include "cli/table.h"

#include <algorithm>

#include "lib/base/result.h"

namespace cdb::cli {
namespace {

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

}  // namespace

size_t display_width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

size_t terminal_rows(std::string_view line, size_t columns) {
  return columns == 0 ? 1 : std::max<size_t>(1, (display_width(line) + columns - 1) / columns);
}

std::string clipped(std::string_view text, size_t width) {
  if (display_width(text) <= width) return std::string(text);
  constexpr std::string_view kMark = "...";
  if (width <= kMark.size()) return std::string(kMark.substr(0, width));
  size_t kept = 0;
  size_t end = 0;
  while (end < text.size() && (continues(text[end]) || kept < width - kMark.size())) {
    if (!continues(text[end])) ++kept;
    ++end;
  }
  return std::string(text.substr(0, end)) + std::string(kMark);
}

std::string one_line(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = '?';
  }
  return clean;
}

void Table::add(std::vector<std::string> cells) {
  CDB_INVARIANT(cells.size() == widths_.size());
  for (auto& cell : cells)
    cell = cell.empty() ? "-" : one_line(cell);
  fit(cells);
  rows_.push_back(std::move(cells));
}

void Table::fit(const std::vector<std::string>& cells) {
  for (size_t i = 0; i < cells.size(); ++i) {
    widths_[i] = std::max(widths_[i], display_width(cells[i]));
  }
}

std::string Table::line(const std::vector<std::string>& cells) const {
  std::string shown;
  for (size_t i = 0; i < cells.size(); ++i) {
    shown += cells[i];
    if (i + 1 < cells.size()) shown.append(widths_[i] - display_width(cells[i]) + 3, ' ');
  }
  return shown + "\n";
}

std::string Table::text() const {
  std::string shown = line(header_);
  for (const auto& row : rows_)
    shown += line(row);
  return shown;
}

std::string Table::take_new_rows() {
  std::string shown;
  if (!rows_.empty() && !header_taken_) {
    shown = line(header_);
    header_taken_ = true;
  }
  for (const auto& row : rows_)
    shown += line(row);
  rows_.clear();
  return shown;
}

}  // namespace cdb::cli
