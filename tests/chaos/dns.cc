#include "tests/chaos/dns.h"

#include <array>
#include <fstream>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/secret.h"
#include "tests/support/eventually.h"

namespace cdb::chaos {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNamed = "/usr/sbin/named";

bool accepts_tcp(const std::string& address, uint16_t port) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &where.sin_addr);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
}

}  // namespace

// A copy of named: where AppArmor confines the system's to its own directories, it does so by path.
Dns::Dns(Network& network, const fs::path& root, const std::string& address)
    : host_(network, root,
            {"dns",
             address,
             {"{dir}/named", "-g", "-n", "1", "-c", "{dir}/named.conf"},
             {},
             0,
             false}) {
  if (!fs::exists(kNamed)) give_up("there is no named: tools/install-deps test");
  fs::copy_file(kNamed, host_.directory() / "named", fs::copy_options::overwrite_existing);
  write_files();
  host_.power_on();
  start();
}

void Dns::write_files() const {
  const std::string dir = host_.directory();
  std::ofstream(key_file()) << fmt::format(
      "key \"cdb\" {{ algorithm hmac-sha256; secret \"{}\"; }};\n", Secret::random().reveal());
  std::ofstream(dir + "/named.conf") << fmt::format(
      R"(options {{
  directory "{dir}";
  pid-file "named.pid";
  lock-file none;
  session-keyfile none;
  managed-keys-directory "{dir}";
  listen-on port 53 {{ {address}; }};
  listen-on-v6 {{ none; }};
  recursion no;
  dnssec-validation no;
  notify no;
  empty-zones-enable no;
}};
controls {{ }};
include "{key}";
zone "{zone}" {{ type primary; file "zone"; allow-update {{ key "cdb"; }}; }};
)",
      fmt::arg("dir", dir), fmt::arg("address", host_.address()),
      fmt::arg("key", key_file().string()), fmt::arg("zone", zone()));
  std::ofstream(dir + "/zone") << "$TTL 5\n@ SOA ns admin 1 3600 600 86400 5\n@ NS ns\nns A "
                               << host_.address() << "\n";
}

void Dns::stop() {
  host_.space().service_off();
  host_.kill("named");
}

void Dns::start() {
  host_.space().service_on();
  host_.space().inside([this] {
    if (!testing::eventually([this] { return accepts_tcp(host_.address(), 53); }))
      give_up("named does not answer, see " + (host_.directory() / "machine.log").string());
  });
}

}  // namespace cdb::chaos
