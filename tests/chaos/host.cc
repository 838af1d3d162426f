#include "tests/chaos/host.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/process/program.h"
#include "tests/support/eventually.h"

namespace cdb::chaos {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> service_of(const HostPlan& plan, const fs::path& directory) {
  std::vector<std::string> service = plan.service;
  constexpr std::string_view kPlace = "{dir}";
  for (std::string& word : service) {
    if (const size_t at = word.find(kPlace); at != std::string::npos)
      word.replace(at, kPlace.size(), directory.string());
  }
  return service;
}

// In the runner's mounts, so that the disk outlives the machine.
void must(const std::vector<std::string>& command) {
  process::Program tool{command.front(), {command.begin() + 1, command.end()}, {}, {}};
  const auto result = process::run(tool, Deadline::after(std::chrono::seconds(30)));
  if (!result) give_up(command.front() + ": " + result.error().text());
  if (result->exit_code != 0) give_up(command.front() + ": " + result->err);
}

void set_frozen(const fs::path& disk, bool frozen) {
  const UniqueFd fd(::open(disk.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::ioctl(fd.get(), frozen ? FIFREEZE : FITHAW, 0) != 0)
    give_up(disk.string() + ": " + std::strerror(errno));
}

}  // namespace

Host::Host(Network& network, const fs::path& root, HostPlan plan)
    : plan_(std::move(plan)),
      network_(network),
      space_(root / plan_.name, plan_.name, service_of(plan_, root / plan_.name)) {
  if (plan_.disk_mib > 0) mount_disk();
  if (!plan_.name_server.empty()) {
    std::ofstream(directory() / "resolv.conf")
        << "nameserver " << plan_.name_server << "\noptions timeout:1 attempts:2\n";
  }
}

Host::~Host() {
  // What waits for a frozen disk cannot even be killed.
  if (frozen_) thaw_disk();
  space_.end();
  if (plan_.disk_mib > 0) ::umount2(disk().c_str(), MNT_DETACH);
}

void Host::mount_disk() const {
  fs::create_directories(disk());
  if (!plan_.freezable) {
    const std::string size = fmt::format("size={}m,mode=0755", plan_.disk_mib);
    if (::mount("chaos", disk().c_str(), "tmpfs", 0, size.c_str()) != 0)
      give_up("mount " + disk().string() + ": " + std::strerror(errno));
    return;
  }
  const std::string image = directory() / "disk.img";
  std::ofstream(image).close();
  fs::resize_file(image, uintmax_t(plan_.disk_mib) << 20U);
  must({"mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", image});
  must({"mount", "-o", "loop", image, disk()});
}

void Host::power_on() {
  if (is_on()) return;
  space_.start();
  network_.attach(space_, plan_.address);
  space_.service_on();
}

void Host::power_off() {
  network_.unplug(plan_.address);
  space_.end();
  paused_ = false;
}

void Host::pause() {
  if (std::exchange(paused_, true)) return;
  network_.unplug(plan_.address);
  for (const auto& process : space_.processes())
    static_cast<void>(process::send_signal(process, SIGSTOP));
}

void Host::resume() {
  if (!std::exchange(paused_, false)) return;
  for (const auto& process : space_.processes())
    static_cast<void>(process::send_signal(process, SIGCONT));
  network_.plug(plan_.address);
}

int Host::send(const std::string& process, int signal) const {
  int sent = 0;
  for (const auto& each : space_.processes(process))
    sent += process::send_signal(each, signal) ? 1 : 0;
  return sent;
}

void Host::kill(const std::string& process) const {
  if (send(process, SIGKILL) == 0) give_up("no " + process + " runs on " + name());
}

bool Host::runs(const std::string& process) const {
  return !space_.processes(process).empty();
}

void Host::step_clock(std::chrono::seconds offset) const {
  const fs::path next = directory() / "clock.new";
  std::ofstream(next) << fmt::format("{:+d}\n", offset.count());
  fs::rename(next, directory() / "clock");
}

std::vector<std::string> with_own_clock(std::vector<std::string> service) {
  std::string library;
  for (const auto& entry : fs::directory_iterator("/usr/lib")) {
    const fs::path found = entry.path() / "faketime/libfaketimeMT.so.1";
    if (fs::exists(found)) library = found;
  }
  if (library.empty()) give_up("there is no libfaketime: tools/install-deps test");
  std::vector<std::string> whole{"/usr/bin/env", "LD_PRELOAD=" + library,
                                 "FAKETIME_TIMESTAMP_FILE={dir}/clock", "FAKETIME_CACHE_DURATION=1",
                                 "FAKETIME_DONT_FAKE_MONOTONIC=1"};
  whole.insert(whole.end(), service.begin(), service.end());
  return whole;
}

void Host::fill_disk() const {
  const UniqueFd fd(::open((disk() / "ballast").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) give_up("ballast: " + std::string(std::strerror(errno)));
  const std::vector<char> block(1U << 16U, 'x');
  for (size_t size = block.size(); size > 0; size /= 2) {
    while (::write(fd.get(), block.data(), size) > 0) {
    }
  }
}

void Host::empty_disk() const {
  fs::remove(disk() / "ballast");
}

void Host::freeze_disk() {
  set_frozen(disk(), true);
  frozen_ = true;
}

void Host::thaw_disk() {
  if (std::exchange(frozen_, false)) set_frozen(disk(), false);
}

}  // namespace cdb::chaos
