#include "tests/chaos/load.h"

#include <algorithm>
#include <csignal>
#include <fstream>

#include <fmt/format.h>
#include <sys/wait.h>

#include "tests/support/eventually.h"

namespace cdb::chaos {
namespace {

using testing::eventually;

constexpr int kWriters = 3;

std::string word_for(Resolve resolve) {
  switch (resolve) {
    case Resolve::Fresh: return "fresh";
    case Resolve::HonoursTtl: return std::to_string(kTtlSeconds);
    case Resolve::Forever: return "forever";
  }
  return "fresh";
}

std::string name_of(int writer) {
  return fmt::format("w{}", writer);
}

size_t acked_lines(const std::filesystem::path& journal) {
  std::ifstream in(journal);
  std::string line;
  size_t count = 0;
  while (std::getline(in, line))
    count += line.rfind("acked", 0) == 0 ? 1 : 0;
  return count;
}

bool has_looked(const std::filesystem::path& journal) {
  std::ifstream in(journal);
  std::string line;
  while (std::getline(in, line)) {
    if (line.rfind("looked", 0) == 0) return true;
  }
  return false;
}

}  // namespace

Load::Load(Site& site, const std::string& trial, int64_t first_row)
    : site_(site), directory_(site.clients().directory() / trial) {
  for (const Resolve resolve : {Resolve::Fresh, Resolve::HonoursTtl, Resolve::Forever}) {
    const int number = static_cast<int>(writers_.size()) + 1;
    writers_.push_back({number, resolve, {}});
    begin(name_of(number), word_for(resolve),
          {"write", std::to_string(number), std::to_string(first_row)});
  }
  // One that follows the name, and one that goes on asking whom it knows.
  for (const auto& [name, resolve] :
       {std::pair("r1", Resolve::Fresh), std::pair("r2", Resolve::Forever)}) {
    reader_names_.emplace_back(name);
    begin(name, word_for(resolve), {"read", "0", std::to_string(kWriters)});
  }
  const bool all = eventually([&] {
    const auto counts = acked_counts();
    const bool written = std::all_of(counts.begin(), counts.end(),
                                     [](const auto& each) { return each.second >= 10; });
    return written && std::all_of(reader_names_.begin(), reader_names_.end(),
                                  [&](const auto& name) { return has_looked(journal_of(name)); });
  });
  if (!all) give_up("not every client is answered before the fault\n" + site_.logs());
}

Load::~Load() {
  stop();
}

void Load::begin(const std::string& name, const std::string& resolve,
                 const std::vector<std::string>& what) {
  const auto place = directory_ / name;
  std::filesystem::create_directories(place);
  const Account& account = site_.account();
  std::ofstream(place / "login") << fmt::format("{}\n3306\n{}\n{}\n{}\n", site_.rw_name(),
                                                account.user, account.password, resolve);
  std::vector<std::string> command{program("CDB_TEST_CHAOS_CLIENT"), place.string()};
  command.insert(command.end(), what.begin(), what.end());
  processes_.push_back(site_.clients().space().spawn(command, place / "log"));
}

std::filesystem::path Load::journal_of(const std::string& client) const {
  return directory_ / client / "journal";
}

std::map<int, size_t> Load::acked_counts() const {
  std::map<int, size_t> counts;
  for (const Writer& writer : writers_)
    counts[writer.number] = acked_lines(journal_of(name_of(writer.number)));
  return counts;
}

bool Load::goes_on(int rows, Duration time) const {
  const auto before = acked_counts();
  return eventually(
      [&] {
        const auto now = acked_counts();
        return std::all_of(writers_.begin(), writers_.end(), [&](const Writer& writer) {
          return writer.resolve == Resolve::Forever ||
                 now.at(writer.number) >= before.at(writer.number) + static_cast<size_t>(rows);
        });
      },
      time);
}

bool Load::anything_acked_within(Duration time) const {
  const auto before = acked_counts();
  return eventually([&] { return acked_counts() != before; }, time);
}

void Load::stop() {
  for (const pid_t pid : processes_)
    ::kill(pid, SIGTERM);
  for (const pid_t pid : processes_)
    ::waitpid(pid, nullptr, 0);
  if (processes_.empty()) return;
  processes_.clear();
  for (Writer& writer : writers_)
    writer.journal = read_journal(journal_of(name_of(writer.number)));
  for (const std::string& name : reader_names_)
    readers_.push_back(read_journal(journal_of(name)));
}

Duration Load::longest_gap(Resolve resolve, Instant from) const {
  const int64_t start = from.time_since_epoch().count();
  int64_t longest = 0;
  for (const Writer& writer : writers_) {
    if (writer.resolve != resolve) continue;
    const auto& acked = writer.journal.acked;
    for (size_t i = 1; i < acked.size(); ++i) {
      if (acked[i].done >= start) longest = std::max(longest, acked[i].done - acked[i - 1].done);
    }
  }
  return Duration(longest);
}

size_t Load::failures(Instant from) const {
  const int64_t start = from.time_since_epoch().count();
  size_t count = 0;
  for (const Writer& writer : writers_) {
    const auto& failed = writer.journal.failed;
    count += static_cast<size_t>(std::count_if(failed.begin(), failed.end(),
                                               [&](const Failed& f) { return f.done >= start; }));
  }
  return count;
}

}  // namespace cdb::chaos
