#include "lib/process/service.h"

#include <cstdio>

#include <malloc.h>

#include "lib/base/log.h"

namespace cdb::process {
namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

int wait_for_stop() {
  const sigset_t signals = stop_signals();
  int signal = 0;
  sigwait(&signals, &signal);
  return signal;
}

int service_main(int argc, char** argv, const Service& service) {
  std::string_view config;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h")
      return std::fputs(service.help, stdout) < 0 ? 1 : 0;
    if (argument == "--version") {
      return std::printf("%s %s\n", service.name, service.version) < 0 ? 1 : 0;
    }
    if (argument != "--config" || i + 1 == argc) {
      std::fprintf(stderr, "%s: unknown argument '%s'\n%s", service.name, argv[i], service.help);
      return kExitUsage;
    }
    config = argv[++i];
  }
  if (config.empty()) {
    std::fputs(service.help, stderr);
    return kExitUsage;
  }
  // A handful of threads share two arenas: resident memory counts on a small machine.
  ::mallopt(M_ARENA_MAX, 2);
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  const Status done = service.run(config);
  if (done) return 0;
  log::error("service.failed", "{}: {}", service.name, done.error().text());
  return done.error().code == Code::Conflict ? kExitLocked : 1;
}

}  // namespace cdb::process
