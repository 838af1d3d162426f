#pragma once
// Columns aligned with spaces: no borders, no colours. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace cdb::cli {

// How many columns of a terminal the text takes, counting UTF-8 sequences once.
size_t display_width(std::string_view text);
// How many rows of a terminal a line takes.
size_t terminal_rows(std::string_view line, size_t columns);
// Cut to `width` columns, with "..." where something was cut.
std::string clipped(std::string_view text, size_t width);
// Control characters, which a server's text could use to play with the terminal, become '?'; line
// breaks and tabs become spaces.
std::string one_line(std::string_view text);

class Table {
 public:
  explicit Table(std::vector<std::string> header) : widths_(header.size()) {
    fit(header);
    header_ = std::move(header);
  }
  // As many cells as the header has; an empty cell is shown as "-".
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  // The header and the rows, each ended by a line break; no blanks at the ends of lines.
  [[nodiscard]] std::string text() const;
  // For streams: the lines of rows that were not taken yet, the header before the first. Later rows
  // keep the widths seen so far.
  std::string take_new_rows();

 private:
  void fit(const std::vector<std::string>& cells);
  [[nodiscard]] std::string line(const std::vector<std::string>& cells) const;

  std::vector<std::string> header_{};
  std::vector<std::vector<std::string>> rows_{};
  std::vector<size_t> widths_{};
  bool header_taken_{false};
};

}  // namespace cdb::cli
