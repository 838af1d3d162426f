#pragma once
// The network of a chaos test: one switch (a bridge in a namespace of its own), to which every host
// has a cable. Faults are made in the switch, out of reach of what runs on the hosts: packets from
// one host to another are dropped there, ARP included, in one direction or both. One thread.

#include <filesystem>
#include <string>

#include "tests/chaos/space.h"

namespace cdb::chaos {

class Network {
 public:
  explicit Network(const std::filesystem::path& directory);

  // A cable from the switch to the host, up, with this address of 198.18.0.0/24 on the host's side.
  // It is gone when the host's namespaces are.
  void attach(const Space& host, const std::string& address);
  // No carrier, as if somebody pulled the cable.
  void unplug(const std::string& address);
  void plug(const std::string& address);

  // From one to the other nothing arrives any more. Hosts are named by their addresses.
  void drop(const std::string& from, const std::string& to);
  void cut(const std::string& one, const std::string& other);  // both directions
  // Nothing from it or to it, with carrier.
  void isolate(const std::string& address);
  // All that was dropped passes again; pulled cables stay pulled.
  void heal();

 private:
  void nft(const std::string& commands) const;
  Space switch_;
};

// "198.18.0.<last>"
std::string address_of(int last);

}  // namespace cdb::chaos
