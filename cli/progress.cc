#include "cli/progress.h"

#include <algorithm>

#include <fmt/format.h>

#include "cdb/v1/operations.pb.h"
#include "cli/table.h"

namespace cdb::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kRedraw = milliseconds(200);
constexpr Duration kPlainEvery = seconds(10);

WallTime wall_of(const google::protobuf::Timestamp& stamp) {
  return WallTime(seconds(stamp.seconds()) + std::chrono::microseconds(stamp.nanos() / 1000));
}

// The coordinator's clock may be ahead of ours.
Duration between(WallTime from, WallTime to) {
  return std::max(Duration(to - from), Duration{});
}

std::string step_time(const v1::OperationStep& step, WallTime now) {
  if (!step.has_started()) return {};
  return to_text(
      between(wall_of(step.started()), step.has_finished() ? wall_of(step.finished()) : now));
}

const v1::OperationStep* present_step(const v1::Operation& operation) {
  for (const auto& step : operation.steps()) {
    if (step.state() == "running" || step.state() == "failed") return &step;
  }
  return nullptr;
}

}  // namespace

std::string operation_title(const v1::Operation& operation) {
  return one_line(fmt::format("{} {}/{}", operation.kind(), operation.cluster().namespace_(),
                              operation.cluster().name()));
}

Duration operation_age(const v1::Operation& operation, WallTime now) {
  if (!operation.has_created()) return {};
  return between(wall_of(operation.created()),
                 operation.has_finished() ? wall_of(operation.finished()) : now);
}

std::vector<std::string> live_lines(const v1::Operation& operation, WallTime now) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("{}  {}  {}  ({})", operation_title(operation), operation.state(),
                              to_text(operation_age(operation, now)), operation.id()));
  size_t name_width = 0;
  size_t time_width = 0;
  for (const auto& step : operation.steps()) {
    name_width = std::max(name_width, display_width(step.name()));
    time_width = std::max(time_width, step_time(step, now).size());
  }
  for (const auto& step : operation.steps()) {
    const std::string name = one_line(step.name());
    std::string line = fmt::format("  {:<8}{}{}  {:>{}}", step.state(), name,
                                   std::string(name_width - display_width(name), ' '),
                                   step_time(step, now), time_width);
    if (!step.detail().empty()) line += "  " + one_line(step.detail());
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
  if (!operation.problem().empty()) lines.push_back("  problem: " + one_line(operation.problem()));
  if (!operation.hint().empty()) lines.push_back("  hint: " + one_line(operation.hint()));
  return lines;
}

std::string plain_line(const v1::Operation& operation) {
  std::string line = operation_title(operation) + ": ";
  if (const auto* step = present_step(operation)) {
    line += fmt::format("{} {}", step->name(), step->state());
    if (!step->detail().empty()) line += ": " + step->detail();
  } else {
    line += operation.state();
  }
  if (!operation.problem().empty()) line += "; problem: " + operation.problem();
  return one_line(line);
}

Duration ProgressView::tick() const {
  return screen_.terminal ? kRedraw : seconds(1);
}

void ProgressView::show(const std::vector<v1::Operation>& operations, Instant now, WallTime wall) {
  if (!screen_.terminal) {
    for (const auto& operation : operations)
      show_plain(operation, now, wall);
    return;
  }
  if (drawn_at_ && now - *drawn_at_ < kRedraw) return;
  drawn_at_ = now;
  draw(operations, wall, screen_.rows > 2 ? screen_.rows - 2 : 1);
}

void ProgressView::show_plain(const v1::Operation& operation, Instant now, WallTime wall) {
  const std::string line = plain_line(operation);
  auto& last = shown_[operation.id()];
  if (line == last.line && (operation.state() != "running" || now - last.at < kPlainEvery)) return;
  last = {line, now};
  err_ << fmt::format("[{}] {}\n", to_text(operation_age(operation, wall)), line) << std::flush;
}

void ProgressView::erase() {
  if (drawn_rows_ > 0) err_ << fmt::format("\x1b[{}A\r\x1b[J", drawn_rows_);
  drawn_rows_ = 0;
}

void ProgressView::draw(const std::vector<v1::Operation>& operations, WallTime wall, size_t limit) {
  std::string frame;
  size_t rows = 0;
  for (const auto& operation : operations) {
    const auto steps = static_cast<size_t>(operation.steps_size());
    const auto lines = live_lines(operation, wall);
    for (size_t i = 0; i < lines.size(); ++i) {
      // Steps keep to one row; what hinders them is worth several.
      const bool cut = i <= steps;
      const std::string line = cut ? clipped(lines[i], screen_.columns) : lines[i];
      if (rows + terminal_rows(line, screen_.columns) > limit) break;
      frame += line + "\n";
      rows += terminal_rows(line, screen_.columns);
    }
  }
  erase();
  err_ << frame << std::flush;
  drawn_rows_ = rows;
}

void ProgressView::note(const std::string& text) {
  if (screen_.terminal) {
    erase();
    drawn_at_.reset();
  }
  err_ << one_line(text) << "\n" << std::flush;
}

void ProgressView::finish(const std::vector<v1::Operation>& operations, Instant now,
                          WallTime wall) {
  if (screen_.terminal) {
    draw(operations, wall, operations.size() * 64);
    drawn_rows_ = 0;
  } else {
    for (const auto& operation : operations)
      show_plain(operation, now, wall);
  }
}

}  // namespace cdb::cli
