// A server of agents' sessions in a process of its own, which a test can freeze. Prints its
// address.

#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdio>

#include <doctest/doctest.h>
#include <unistd.h>

#include "session_support.h"

int main() {
  cdb::testing::FakeSessions sessions;
  const auto server = cdb::testing::serve_agents(sessions);
  std::puts(server->addresses().front().c_str());
  std::fflush(stdout);
  for (;;)
    ::pause();
}
