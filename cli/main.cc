// The cdb command: the process around cli::run.

#include <cerrno>
#include <csignal>
#include <iostream>
#include <optional>

#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/run.h"

namespace {

std::map<std::string, std::string> environment_of(char** entries) {
  std::map<std::string, std::string> environment;
  for (; *entries != nullptr; ++entries) {
    const std::string entry = *entries;
    const size_t equals = entry.find('=');
    if (equals != std::string::npos)
      environment[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return environment;
}

std::string user_name() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry == nullptr ? std::to_string(::geteuid()) : std::string(entry->pw_name);
}

cdb::Status become(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const auto& part : command)
    arguments.push_back(const_cast<char*>(part.c_str()));
  arguments.push_back(nullptr);
  std::cout.flush();
  ::signal(SIGPIPE, SIG_DFL);
  ::execvp(arguments.front(), arguments.data());
  return cdb::from_errno(command.front(), errno);
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that went away ends the command as it ends any other: quietly.
  ::signal(SIGPIPE, SIG_DFL);
  const cdb::SystemClock clock;
  cdb::cli::World world{std::cin, std::cout, std::cerr, clock};
  world.in_terminal = ::isatty(STDIN_FILENO) == 1;
  world.out_terminal = ::isatty(STDOUT_FILENO) == 1;
  world.err_terminal = ::isatty(STDERR_FILENO) == 1;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    world.columns = size.ws_col;
    world.rows = size.ws_row;
  }
  world.environment = environment_of(environ);
  world.user = user_name();
  std::optional<cdb::cli::Interrupt> interrupt;
  world.interruptible = [&interrupt] {
    if (!interrupt) interrupt.emplace();
    return interrupt->token();
  };
  world.execute = become;
  return static_cast<int>(cdb::cli::run({argv + 1, argv + argc}, world));
}
