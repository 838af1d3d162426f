// The init of one machine of the chaos tests: process 1 of its namespaces. Makes itself at home
// (own /proc, resolv.conf, boot id, host name), then keeps one service running while the file
// service.on is there, as systemd would, and buries the dead. SIGUSR1: look at the file again.
//
// usage: chaos_machine DIRECTORY NAME READY-FD [PROGRAM ARGUMENT...]

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr long kRestartPauseNs = 100'000'000;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "chaos_machine: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

void bind_over(const std::string& file, const char* target) {
  if (::access(file.c_str(), F_OK) != 0) return;
  if (::mount(file.c_str(), target, nullptr, MS_BIND, nullptr) != 0) fail(target);
}

void write_to(const char* path, const char* text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;  // a kernel without IPv6
  if (::write(fd, text, std::strlen(text)) < 0) fail(path);
  ::close(fd);
}

void settle_in(const std::string& directory, const char* name) {
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail("mount /");
  if (::mount("proc", "/proc", "proc", 0, nullptr) != 0) fail("mount /proc");
  bind_over(directory + "/resolv.conf", "/etc/resolv.conf");
  // A machine that was off has booted anew.
  bind_over(directory + "/boot_id", "/proc/sys/kernel/random/boot_id");
  if (::sethostname(name, std::strlen(name)) != 0) fail("sethostname");
  // No neighbour discovery: less noise on the wire.
  write_to("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
  write_to("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  if (fd < 0 || ::ioctl(fd, SIOCSIFFLAGS, &request) != 0) fail("set lo up");
  ::close(fd);
}

pid_t start(char** service, const sigset_t& before) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::setsid();
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  ::execv(service[0], service);
  std::fprintf(stderr, "chaos_machine: %s: %s\n", service[0], std::strerror(errno));
  ::_exit(127);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 64;
  const std::string directory = argv[1];
  char** const service = argc > 4 ? argv + 4 : nullptr;
  sigset_t watched;
  sigset_t before;
  ::sigemptyset(&watched);
  ::sigaddset(&watched, SIGCHLD);
  ::sigaddset(&watched, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &watched, &before);
  settle_in(directory, argv[2]);
  const int ready = std::atoi(argv[3]);
  if (::write(ready, "r", 1) != 1) fail("say that it is ready");
  ::close(ready);

  pid_t running = 0;
  for (;;) {
    const bool wanted =
        service != nullptr && ::access((directory + "/service.on").c_str(), F_OK) == 0;
    if (wanted && running == 0) running = start(service, before);
    siginfo_t info;
    ::sigwaitinfo(&watched, &info);
    int status = 0;
    for (pid_t dead = ::waitpid(-1, &status, WNOHANG); dead > 0;
         dead = ::waitpid(-1, &status, WNOHANG)) {
      if (dead != running) continue;
      running = 0;
      const timespec pause{0, kRestartPauseNs};
      ::nanosleep(&pause, nullptr);
    }
  }
}
