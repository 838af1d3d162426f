#include "lib/process/exit_watch.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/process/pidfd.h"

namespace cdb::process {
namespace {

// pidfd_open() on a single thread, Linux 6.9; older kernels refuse it.
constexpr unsigned kPidfdThread = O_EXCL;
// A process whose threads come and go gives us no sentinels that last.
constexpr int kMaxRounds = 64;
constexpr int kPollMs = 200;  // only where no pidfd can be had

std::string task_dir(pid_t pid) {
  return "/proc/" + std::to_string(pid) + "/task/";
}

template <typename Number>
std::optional<Number> to_number(std::string_view text) {
  Number number{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// The fields of /proc/PID/task/TID/stat from the third on; empty when the thread is gone.
std::vector<std::string> stat_fields(pid_t pid, pid_t thread) {
  const auto stat = read_file(task_dir(pid) + std::to_string(thread) + "/stat");
  if (!stat) return {};
  const size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos) return {};
  return split(trim(std::string_view(*stat).substr(name_end + 1)), ' ');
}

// Pidfds of single threads. Two, because the thread that happens to leave last frees the memory
// before it is seen to end: of two one is not the last.
using Sentinels = std::array<UniqueFd, 2>;

UniqueFd open_thread(pid_t pid, pid_t thread) {
  UniqueFd fd(::pidfd_open(thread, kPidfdThread));
  // Looked at again: the number may have gone to a thread of another process before the open.
  if (fd && ::access((task_dir(pid) + std::to_string(thread)).c_str(), F_OK) != 0) return {};
  return fd;
}

// On the oldest threads but the main one: old threads tend to be those that last.
Sentinels open_sentinels(pid_t pid) {
  constexpr size_t kStart = 22 - 3;
  std::vector<std::pair<uint64_t, pid_t>> by_age;
  std::error_code error;
  for (std::filesystem::directory_iterator it(task_dir(pid), error), end; !error && it != end;
       it.increment(error)) {
    const auto thread = to_number<pid_t>(it->path().filename().string());
    if (!thread || *thread == pid) continue;
    const auto fields = stat_fields(pid, *thread);
    const auto start = fields.size() > kStart ? to_number<uint64_t>(fields[kStart]) : std::nullopt;
    if (start) by_age.emplace_back(*start, *thread);
  }
  std::sort(by_age.begin(), by_age.end());
  Sentinels sentinels;
  for (size_t i = 0; i < std::min(sentinels.size(), by_age.size()); ++i)
    sentinels[i] = open_thread(pid, by_age[i].second);
  return sentinels;
}

}  // namespace

ExitWatch::ExitWatch(Identity process, std::function<void()> callback)
    : process_(std::move(process)),
      callback_(std::move(callback)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CDB_INVARIANT(bool(wake_));
  thread_ = std::jthread([this](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "exit-watch");
    watch(stop);
    if (stop.stop_requested()) return;
    callback_();
    done_ = true;
  });
}

ExitWatch::~ExitWatch() {
  thread_.request_stop();
  ::eventfd_write(wake_.get(), 1);
}

void ExitWatch::watch(const std::stop_token& stop) {
  auto opened = open(process_);
  if (!opened && opened.error().code == Code::NotFound) return;
  if (!opened) {
    log::warn("process.watch_degraded", "pid={} every_ms={} error={}", process_.pid, kPollMs,
              opened.error().text());
  }
  const UniqueFd whole = opened ? std::move(opened).value() : UniqueFd();
  Sentinels sentinels = whole ? open_sentinels(process_.pid) : Sentinels();
  int rounds = 1;
  while (!stop.stop_requested()) {
    std::array<pollfd, 4> events{pollfd{wake_.get(), POLLIN, 0}, pollfd{whole.get(), POLLIN, 0},
                                 pollfd{sentinels[0].get(), POLLIN, 0},
                                 pollfd{sentinels[1].get(), POLLIN, 0}};
    // Interrupted, or no kernel memory just now; neither says anything of the process.
    if (::poll(events.data(), events.size(), whole ? -1 : kPollMs) < 0) continue;
    if (events[1].revents != 0 || (!whole && !alive(process_))) return;
    if (events[2].revents != 0 || events[3].revents != 0) {
      if (ending(process_)) return;
      sentinels = rounds++ < kMaxRounds ? open_sentinels(process_.pid) : Sentinels();
    }
  }
}

}  // namespace cdb::process
