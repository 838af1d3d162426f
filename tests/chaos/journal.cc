#include "tests/chaos/journal.h"

#include <fstream>
#include <sstream>

namespace cdb::chaos {

std::ostream& operator<<(std::ostream& out, const Acked& line) {
  return out << "acked " << line.sent << ' ' << line.done << ' ' << line.host << ' ' << line.n
             << '\n';
}

std::ostream& operator<<(std::ostream& out, const Failed& line) {
  return out << "failed " << line.sent << ' ' << line.done << ' ' << line.error << '\n';
}

std::ostream& operator<<(std::ostream& out, const Seen& line) {
  return out << "seen " << line.sent << ' ' << line.done << ' ' << line.host << ' ' << line.writer
             << ' ' << line.n << '\n';
}

std::ostream& operator<<(std::ostream& out, const Looked& line) {
  return out << "looked " << line.sent << ' ' << line.done << ' ' << line.host << '\n';
}

Journal read_journal(const std::filesystem::path& file) {
  Journal journal;
  std::ifstream in(file);
  std::string text;
  while (std::getline(in, text)) {
    if (in.eof()) break;  // without its end of line
    std::istringstream line(text);
    std::string kind;
    line >> kind;
    if (kind == "acked") {
      Acked one;
      line >> one.sent >> one.done >> one.host >> one.n;
      journal.acked.push_back(one);
    } else if (kind == "failed") {
      Failed one;
      line >> one.sent >> one.done >> one.error;
      journal.failed.push_back(one);
    } else if (kind == "seen") {
      Seen one;
      line >> one.sent >> one.done >> one.host >> one.writer >> one.n;
      journal.seen.push_back(one);
    } else if (kind == "looked") {
      Looked one;
      line >> one.sent >> one.done >> one.host;
      journal.looked.push_back(one);
    }
  }
  return journal;
}

}  // namespace cdb::chaos
