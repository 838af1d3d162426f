#include "agent/fence_command.h"

#include <cstdio>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "agent/adapters/machine_gates.h"
#include "lib/base/clock.h"
#include "lib/base/text.h"
#include "lib/process/service.h"

namespace cdb::agent {
namespace {

constexpr const char* kHelp =
    "Usage: mysqllet fence show|remove\n"
    "\n"
    "  show     the gates before the MySQL ports of this machine, and for how long they are open\n"
    "  remove   takes all of them away, for when no agent runs here any more\n"
    "\n"
    "Needs root (CAP_NET_ADMIN).\n";

std::string names(const std::set<std::string>& addresses) {
  return addresses.empty() ? "-" : join({addresses.begin(), addresses.end()}, ",");
}

std::string table_of(const std::vector<MachineGate>& gates) {
  if (gates.empty()) return "no gate on this machine\n";
  constexpr const char* kRow = "{:<22}{:<12}{:<33}{}\n";
  std::string text = fmt::format(fmt::runtime(kRow), "NODE", "OPEN FOR", "ADMITTED", "BARRED");
  for (const MachineGate& gate : gates) {
    text +=
        fmt::format(fmt::runtime(kRow), gate.node.str(), gate.left ? to_text(*gate.left) : "shut",
                    names(gate.admission.admitted), names(gate.admission.barred));
  }
  return text;
}

}  // namespace

int fence_command(int argc, char** argv) {
  const std::string_view verb = argc == 2 ? argv[1] : "";
  if (verb == "--help" || verb == "-h") return std::fputs(kHelp, stdout) < 0 ? 1 : 0;
  if (verb != "show" && verb != "remove") {
    std::fputs(kHelp, stderr);
    return process::kExitUsage;
  }
  const auto gates = verb == "show" ? machine_gates() : remove_machine_gates();
  if (!gates) {
    std::fprintf(stderr, "mysqllet: %s\n", gates.error().text().c_str());
    return 1;
  }
  if (verb == "show") return std::fputs(table_of(*gates).c_str(), stdout) < 0 ? 1 : 0;
  for (const MachineGate& gate : *gates)
    std::printf("removed the gate of %s\n", gate.node.str().c_str());
  return 0;
}

}  // namespace cdb::agent
