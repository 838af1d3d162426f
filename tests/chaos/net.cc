#include "tests/chaos/net.h"

#include <fmt/format.h>

namespace cdb::chaos {
namespace {

// The switch's port for this address, "p17".
std::string port_of(const std::string& address) {
  return "p" + address.substr(address.rfind('.') + 1);
}

// The same for each life of a machine, so that nobody's neighbour table is wrong.
std::string hardware_address(const std::string& address) {
  return fmt::format("02:cd:b0:00:00:{:02x}", std::stoi(address.substr(address.rfind('.') + 1)));
}

}  // namespace

std::string address_of(int last) {
  return fmt::format("198.18.0.{}", last);
}

Network::Network(const std::filesystem::path& directory) : switch_(directory, "switch", {}) {
  switch_.start();
  switch_.must({"ip", "-batch", "-"},
               "link add br0 type bridge\nlink set br0 address 02:cd:b0:00:01:00 up\n");
  nft(R"(table bridge faults {
  set drops { type ifname . ifname; }
  set isolated { type ifname; }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname @isolated drop
    oifname @isolated drop
    iifname . oifname @drops drop
  }
})");
}

void Network::nft(const std::string& commands) const {
  switch_.must({"nft", "-f", "-"}, commands + "\n");
}

void Network::attach(const Space& host, const std::string& address) {
  const std::string port = port_of(address);
  // What a machine that was cut off left behind may still be on its way out.
  switch_.must({"sh", "-c",
                fmt::format("ip link delete {0} 2>/dev/null; ip link add {0} type veth peer name "
                            "eth0 address {2} netns {1}",
                            port, host.init(), hardware_address(address))});
  switch_.must({"ip", "-batch", "-"}, fmt::format("link set {} master br0 up\n", port));
  host.must({"ip", "-batch", "-"},
            fmt::format("addr add {}/24 dev eth0\nlink set eth0 up\n", address));
}

void Network::unplug(const std::string& address) {
  switch_.must({"ip", "link", "set", port_of(address), "down"});
}

void Network::plug(const std::string& address) {
  switch_.must({"ip", "link", "set", port_of(address), "up"});
}

void Network::drop(const std::string& from, const std::string& to) {
  nft(fmt::format("add element bridge faults drops {{ {} . {} }}", port_of(from), port_of(to)));
}

void Network::cut(const std::string& one, const std::string& other) {
  nft(fmt::format("add element bridge faults drops {{ {0} . {1}, {1} . {0} }}", port_of(one),
                  port_of(other)));
}

void Network::isolate(const std::string& address) {
  nft(fmt::format("add element bridge faults isolated {{ {} }}", port_of(address)));
}

void Network::heal() {
  nft("flush set bridge faults drops\nflush set bridge faults isolated");
}

}  // namespace cdb::chaos
