#include "agent/adapters/server_log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "lib/base/text.h"

namespace cdb::agent {
namespace {

// Each is followed by a secret, in one of the server's own messages or in a statement it quotes.
constexpr std::array<std::string_view, 5> kBeforeSecrets{"temporary password is generated for",
                                                         "identified by", "identified with",
                                                         "password=", "password ="};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string without_secrets(std::string_view line) {
  const std::string lower = to_lower(line);
  size_t cut = std::string::npos;
  for (const std::string_view mark : kBeforeSecrets) {
    const size_t found = lower.find(mark);
    if (found != std::string::npos) cut = std::min(cut, found + mark.size());
  }
  // To the end of the line: where a quoted secret ends is not ours to guess.
  return cut == std::string::npos ? std::string(line) : std::string(line.substr(0, cut)) + " ***";
}

}  // namespace

std::optional<uint64_t> rolled_back_transactions(std::string_view log) {
  constexpr std::string_view kFinished = "Crash recovery finished in InnoDB engine.";
  constexpr std::string_view kRolledBack = "olled back ";  // at the start of a sentence or within
  const size_t finished = log.rfind(kFinished);
  if (finished == std::string_view::npos) return std::nullopt;
  std::string_view line = log.substr(finished);
  line = line.substr(0, line.find('\n'));
  const size_t at = line.find(kRolledBack);
  if (at == std::string_view::npos) return 0;
  uint64_t count = 0;
  const std::string_view digits = line.substr(at + kRolledBack.size());
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (parsed.ec != std::errc()) return std::nullopt;
  return count;
}

bool is_error_line(std::string_view line) {
  return contains(line, "[ERROR]") || contains(line, "InnoDB: Error") ||
         contains(line, "InnoDB: Fatal") || contains(line, "mysqld got signal") ||
         contains(line, "error while loading shared libraries");
}

std::string readable_line(std::string_view line) {
  std::string_view rest = trim(line);
  for (const std::string_view label : {"[ERROR] ", "[Warning] ", "[Note] ", "[System] "}) {
    const size_t found = rest.find(label);
    if (found != std::string_view::npos) rest.remove_prefix(found + label.size());
  }
  // 8.0+: "[MY-000067] [Server] message".
  while (!rest.empty() && rest.front() == '[' && contains(rest, "] ")) {
    rest.remove_prefix(rest.find("] ") + 2);
  }
  // "/usr/sbin/mysqld: message".
  constexpr std::string_view kProgram = "mysqld: ";
  const size_t program = rest.find(kProgram);
  if (program != std::string_view::npos && rest.substr(0, program).find(' ') == std::string::npos) {
    rest.remove_prefix(program + kProgram.size());
  }
  constexpr std::string_view kBuffered = "Buffered warning: ";
  if (rest.rfind(kBuffered, 0) == 0) rest.remove_prefix(kBuffered.size());
  if (!rest.empty() && rest.back() == '.') rest.remove_suffix(1);
  return without_secrets(rest);
}

std::string telling_lines(std::string_view log, size_t count) {
  std::vector<std::string> lines;
  std::set<std::string> seen;
  const auto all = split(log, '\n');
  for (auto line = all.rbegin(); line != all.rend(); ++line) {  // of a repetition the last counts
    if (!trim(*line).empty() && seen.insert(readable_line(*line)).second) lines.push_back(*line);
  }
  std::vector<size_t> kept;  // positions in `lines`, which begins with the newest
  for (const bool errors : {true, false}) {
    for (size_t i = 0; i < lines.size() && kept.size() < count; ++i) {
      if (is_error_line(lines[i]) == errors) kept.push_back(i);
    }
  }
  std::sort(kept.rbegin(), kept.rend());
  std::string text;
  for (const size_t i : kept)
    text += without_secrets(trim(lines[i])) + "\n";
  return text;
}

}  // namespace cdb::agent
