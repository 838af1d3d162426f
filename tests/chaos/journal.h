#pragma once
// What a client was told, one line each. Times are CLOCK_BOOTTIME in nanoseconds, the same for all
// of a run; `host` is the machine that answered. Plain values.

#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

namespace cdb::chaos {

struct Acked {
  int64_t sent{0};
  int64_t done{0};
  std::string host{};
  int64_t n{0};
};
struct Failed {
  int64_t sent{0};
  int64_t done{0};
  int error{0};  // MySQL's number; -1: the name was not resolved
};
struct Seen {
  int64_t sent{0};
  int64_t done{0};
  std::string host{};
  int writer{0};
  int64_t n{0};
};
// A look that succeeded, whether or not it brought something new.
struct Looked {
  int64_t sent{0};
  int64_t done{0};
  std::string host{};
};

std::ostream& operator<<(std::ostream& out, const Acked& line);
std::ostream& operator<<(std::ostream& out, const Failed& line);
std::ostream& operator<<(std::ostream& out, const Seen& line);
std::ostream& operator<<(std::ostream& out, const Looked& line);

struct Journal {
  std::vector<Acked> acked{};
  std::vector<Failed> failed{};
  std::vector<Seen> seen{};
  std::vector<Looked> looked{};
};
// A last line that is cut short is left out. An empty journal where there is no file.
Journal read_journal(const std::filesystem::path& file);

}  // namespace cdb::chaos
