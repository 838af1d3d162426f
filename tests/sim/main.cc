// tests/sim/run: many stories, or one of them told.
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "lib/base/log.h"
#include "tests/sim/bugs.h"

namespace {

using cdb::sim::Counters;
using cdb::sim::Ending;
using cdb::sim::Variant;

constexpr const char* kHelp =
    "usage: tests/sim/run [OPTIONS]\n"
    "\n"
    "Runs the real engine and the real agents of a cluster in a simulated world, with random\n"
    "faults, and checks at every event that nothing acknowledged is lost and nobody else\n"
    "acknowledges. Each seed is a story of its own, and always the same one.\n"
    "\n"
    "  --seed N       tells the story of this seed in readable lines\n"
    "  --from N       the first seed (1)\n"
    "  --steps N      ends once so many steps were taken (1000000); a step is a message that is\n"
    "                 delivered, a timer that did something, a fault, or a write to a disk\n"
    "  --stories N    ends after so many stories instead\n"
    "  --seconds N    ends after so many seconds in any case\n"
    "  --jobs N       stories at a time (1)\n"
    "  --keep-going   also after a story that went wrong\n"
    "  --members N    clusters of this size, instead of 1 to 5\n"
    "  --lossless 0|1 clusters that are, or are not\n"
    "  --bug N        the product with this bug of tests/sim/bugs.cc put into it, from 1\n"
    "  --well N       with the faults that this bug is looked for with, but without it\n"
    "\n"
    "Exit: 0 all was well, 1 a story went wrong, 64 wrong usage.\n";

struct Arguments {
  std::optional<uint64_t> seed{};
  uint64_t from{1};
  uint64_t steps{1'000'000};
  std::optional<uint64_t> stories{};
  uint64_t seconds{0};
  uint64_t jobs{1};
  bool keep_going{false};
  Variant variant{};
};

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--keep-going") {
      arguments.keep_going = true;
      continue;
    }
    uint64_t value = 0;
    const char* text = i + 1 < argc ? argv[++i] : "";
    const auto parsed = std::from_chars(text, text + std::strlen(text), value);
    if (parsed.ec != std::errc() || *parsed.ptr != '\0') return std::nullopt;
    if (name == "--seed") {
      arguments.seed = value;
    } else if (name == "--from") {
      arguments.from = value;
    } else if (name == "--steps") {
      arguments.steps = value;
    } else if (name == "--stories") {
      arguments.stories = value;
    } else if (name == "--seconds") {
      arguments.seconds = value;
    } else if (name == "--members" && value >= 1 && value <= 5) {
      arguments.variant.members = static_cast<int>(value);
    } else if (name == "--lossless" && value <= 1) {
      arguments.variant.lossless = value == 1;
    } else if ((name == "--bug" || name == "--well") && value >= 1 &&
               value <= cdb::sim::bugs().size()) {
      const cdb::sim::Bug bug = cdb::sim::bugs()[value - 1];
      fmt::print("{}: {}\n", name == "--bug" ? "with the bug" : "as if for the bug", bug.name);
      arguments.variant = name == "--bug" ? bug.variant : cdb::sim::without_bug(bug.variant);
    } else if (name == "--jobs" && value > 0) {
      arguments.jobs = value;
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

int tell(uint64_t seed, const Variant& variant) {
  const Ending ending = cdb::sim::tell_story(seed, variant, true);
  fmt::print("seed {}: {}\n", seed, ending.title);
  for (const std::string& line : ending.lines)
    fmt::print("{}\n", line);
  fmt::print("{} steps; {}\n", ending.counts.steps(),
             ending.failure.empty() ? "all was well" : ending.failure);
  return ending.failure.empty() ? 0 : 1;
}

void print_end(const Ending& failed, const Variant& variant) {
  constexpr size_t kLines = 60;
  const Ending again = cdb::sim::tell_story(failed.seed, variant, true);
  fmt::print("\nseed {} ({}) went wrong: {}\n", failed.seed, failed.title, failed.failure);
  const size_t first = again.lines.size() > kLines ? again.lines.size() - kLines : 0;
  for (size_t i = first; i < again.lines.size(); ++i)
    fmt::print("{}\n", again.lines[i]);
  fmt::print("the whole story: tests/sim/run --seed {}\n", failed.seed);
}

void print(const Counters& c, double seconds) {
  fmt::print(
      "{} steps in {:.1f} s: {} messages, {} disk writes, {} timers, {} faults ({} upon another)\n"
      "{} stories: {} promotions, {} reopenings, {} blocks, {} rejoins, {} tails cut, {} seeds,\n"
      "{} lost coordinators ({} at a commit), {} acknowledged writes, {} reads;\n"
      "{} writes lost by asynchronous clusters, {} ended blocked for a true reason\n",
      c.steps(), seconds, c.messages, c.disk_writes, c.timers, c.faults, c.double_faults, c.stories,
      c.promotions, c.reopenings, c.blocks, c.rejoins, c.trims, c.seeds, c.lost_coordinators,
      c.lost_at_commit, c.acknowledged, c.reads, c.lost_asynchronous, c.stuck_truly);
}

int run_many(const Arguments& arguments) {
  std::atomic<uint64_t> next{arguments.from};
  std::atomic<bool> over{false};
  std::mutex mutex;
  Counters total;
  std::vector<Ending> failed;
  const cdb::Instant began = cdb::BootTime::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(cdb::BootTime::now() - began).count();
  };
  const auto work = [&] {
    while (!over) {
      const uint64_t seed = next++;
      if (arguments.stories && seed >= arguments.from + *arguments.stories) return;
      Ending ending = cdb::sim::tell_story(seed, arguments.variant, false);
      const std::lock_guard lock(mutex);
      total.add(ending.counts);
      if (!ending.failure.empty()) {
        failed.push_back(std::move(ending));
        over = over || !arguments.keep_going;
      }
      const bool late = arguments.seconds > 0 && elapsed() > static_cast<double>(arguments.seconds);
      if (late || (!arguments.stories && total.steps() >= arguments.steps)) over = true;
    }
  };
  {
    std::vector<std::jthread> jobs;
    for (uint64_t i = 1; i < arguments.jobs; ++i)
      jobs.emplace_back(work);
    work();
  }
  print(total, elapsed());
  for (const Ending& ending : failed)
    fmt::print("seed {} ({}): {}\n", ending.seed, ending.title, ending.failure);
  if (!failed.empty()) print_end(failed.front(), arguments.variant);
  return failed.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0)) {
    fmt::print("{}", kHelp);
    return 0;
  }
  const auto arguments = parse(argc, argv);
  if (!arguments) {
    fmt::print(stderr, "{}", kHelp);
    return 64;
  }
  // The product's own log would drown the story.
  cdb::log::configure(cdb::log::Level::Error, "/dev/null");
  return arguments->seed ? tell(*arguments->seed, arguments->variant) : run_many(*arguments);
}
