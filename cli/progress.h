#pragma once
// How a running operation looks: a live view of several lines on a terminal, else a plain line at
// each change and every ten seconds. Time comes from the caller; one thread.

#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "lib/base/clock.h"

namespace cdb::v1 {
class Operation;
}

namespace cdb::cli {

// "create default/demo"
std::string operation_title(const v1::Operation& operation);
// Since it began, until it ended or until now.
Duration operation_age(const v1::Operation& operation, WallTime now);

// The live view: a title, a line per step with state, time and detail, and what hinders it.
std::vector<std::string> live_lines(const v1::Operation& operation, WallTime now);
// The plain line without its time: "create default/demo: initialise running: demo-1 starts mysqld".
std::string plain_line(const v1::Operation& operation);

struct Screen {
  bool terminal{false};
  size_t columns{80};
  size_t rows{24};
};

class ProgressView {
 public:
  ProgressView(std::ostream& err, Screen screen) : err_(err), screen_(screen) {}

  // How often show() is worth a call.
  [[nodiscard]] Duration tick() const;
  void show(const std::vector<v1::Operation>& operations, Instant now, WallTime wall);
  // A line of its own that stays.
  void note(const std::string& text);
  // Draws the last state whatever the time; nothing is redrawn after it.
  void finish(const std::vector<v1::Operation>& operations, Instant now, WallTime wall);

 private:
  struct Shown {
    std::string line{};
    Instant at{};
  };
  void show_plain(const v1::Operation& operation, Instant now, WallTime wall);
  void draw(const std::vector<v1::Operation>& operations, WallTime wall, size_t limit);
  void erase();

  std::ostream& err_;
  Screen screen_;
  std::map<std::string, Shown> shown_{};
  std::optional<Instant> drawn_at_{};
  size_t drawn_rows_{0};
};

}  // namespace cdb::cli
