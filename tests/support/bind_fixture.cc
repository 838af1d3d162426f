#include "tests/support/bind_fixture.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <ldns/ldns.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/clock.h"
#include "lib/base/unique_fd.h"

namespace cdb::testing {
namespace {

namespace fs = std::filesystem;

constexpr Duration kPatience = std::chrono::seconds(20);

std::string key_statement(const std::string& name, const Secret& secret) {
  return fmt::format("key \"{}\" {{\n  algorithm hmac-sha256;\n  secret \"{}\";\n}};\n", name,
                     secret.reveal());
}

// A socket on `address`, whose port is given back as one that is free.
Result<UniqueFd> bound(int type, sockaddr_in& address) {
  UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  if (!fd) return from_errno("socket", errno);
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd.get(), generic, length) != 0 || ::getsockname(fd.get(), generic, &length) != 0) {
    return from_errno("bind", errno);
  }
  return fd;
}

Result<fs::path> find_named() {
  for (const char* const path : {"/usr/sbin/named", "/usr/local/sbin/named", "/usr/bin/named"}) {
    if (fs::exists(path)) return fs::path(path);
  }
  return not_found("no named on this machine", "run ./test, which installs bind9");
}

struct Free {
  void operator()(ldns_resolver* resolver) const { ldns_resolver_deep_free(resolver); }
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
  void operator()(char* text) const { std::free(text); }
};

}  // namespace

Result<std::unique_ptr<BindFixture>> BindFixture::start(const Options& options) {
  Status started;
  // The port was free a moment ago; another process may be quicker.
  for (int tries = 0; tries < 3; ++tries) {
    std::unique_ptr<BindFixture> bind(new BindFixture(options));
    CDB_TRY(bind->take_port());
    CDB_TRY(bind->write_files());
    started = bind->start_again();
    if (started) return bind;
  }
  return started.error();
}

BindFixture::~BindFixture() {
  stop();
}

Status BindFixture::take_port() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CDB_ASSIGN_OR_RETURN(const UniqueFd tcp, bound(SOCK_STREAM, address));
  CDB_ASSIGN_OR_RETURN(const UniqueFd udp, bound(SOCK_DGRAM, address));
  port_ = ntohs(address.sin_port);
  return {};
}

Status BindFixture::write_files() const {
  const std::string conf = fmt::format(
      R"(options {{
  directory "{dir}";
  pid-file "named.pid";
  lock-file none;
  session-keyfile none;
  managed-keys-directory "{dir}";
  listen-on port {port} {{ {address}; }};
  listen-on-v6 {{ none; }};
  recursion no;
  dnssec-validation no;
  notify no;
  empty-zones-enable no;
}};
controls {{ }};
include "{dir}/cdb-test.key";
{stranger}
zone "{zone}" {{ type primary; file "zone"; {policy} }};
)",
      fmt::arg("dir", dir_.path().string()), fmt::arg("port", port_), fmt::arg("address", address_),
      fmt::arg("stranger", key_statement("cdb-stranger", stranger_)),
      fmt::arg("zone", options_.zone), fmt::arg("policy", options_.policy));
  CDB_TRY(write_file_atomically(dir_ / "named.conf", conf, 0600));
  CDB_TRY(write_file_atomically(key_file(), key_statement("cdb-test", key_), 0600));
  return write_file_atomically(
      dir_ / "zone",
      "$TTL 5\n@ SOA ns " + name_ + " 1 3600 600 86400 5\n@ NS ns\nns A " + address_ + "\n");
}

Status BindFixture::launch() {
  CDB_ASSIGN_OR_RETURN(const fs::path installed, find_named());
  // A copy: where AppArmor confines the system's named to its own directories, it does so by path.
  const fs::path named = dir_ / "named";
  std::error_code error;
  fs::copy_file(installed, named, fs::copy_options::overwrite_existing, error);
  if (error) return internal("copy " + installed.string() + ": " + error.message());
  const std::string conf = dir_ / "named.conf";
  const std::string log_file = dir_ / "named.log";
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return from_errno("fork", errno);
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int out = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (::getppid() != parent || out < 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0) ::_exit(126);
    ::execl(named.c_str(), "named", "-g", "-n", "1", "-c", conf.c_str(), nullptr);
    ::_exit(127);
  }
  pid_ = child;
  return {};
}

Status BindFixture::wait_until_it_answers() {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!process) return from_errno("pidfd_open", errno);
  const Deadline deadline = Deadline::after(kPatience);
  for (;;) {
    const auto soa = ask(zone(), "SOA", std::chrono::milliseconds(100));
    if (soa && !soa->empty() && soa->front().text.find(name_) != std::string::npos) return {};
    // It ends, or a little later it may answer.
    pollfd watched{.fd = process.get(), .events = POLLIN, .revents = 0};
    if (::poll(&watched, 1, 20) > 0) return unavailable("named ended: " + log());
    if (deadline.passed()) return deadline_exceeded("named does not answer: " + log());
  }
}

Status BindFixture::start_again() {
  stop();
  CDB_TRY(launch());
  return wait_until_it_answers();
}

void BindFixture::freeze() {
  ::kill(pid_, SIGSTOP);
  // Sent is not done: until all of its threads have stopped it may answer once more.
  int status = 0;
  ::waitpid(pid_, &status, WUNTRACED);
}

void BindFixture::thaw() {
  ::kill(pid_, SIGCONT);
}

void BindFixture::stop() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(std::exchange(pid_, 0), &status, 0);
}

Result<std::vector<BindFixture::Record>> BindFixture::lookup(const std::string& name,
                                                             const std::string& type) const {
  return ask(name, type, std::chrono::seconds(2));
}

Result<std::vector<BindFixture::Record>> BindFixture::ask(
    const std::string& name, const std::string& type, std::chrono::milliseconds patience) const {
  const std::unique_ptr<ldns_resolver, Free> resolver(ldns_resolver_new());
  const std::unique_ptr<ldns_rdf, Free> server(
      ldns_rdf_new_frm_str(LDNS_RDF_TYPE_A, address_.c_str()));
  const std::unique_ptr<ldns_rdf, Free> owner(ldns_dname_new_frm_str(name.c_str()));
  ldns_resolver_push_nameserver(resolver.get(), server.get());
  ldns_resolver_set_port(resolver.get(), port_);
  ldns_resolver_set_timeout(resolver.get(), {.tv_sec = patience.count() / 1000,
                                             .tv_usec = patience.count() % 1000 * 1000});
  ldns_resolver_set_retry(resolver.get(), 2);
  ldns_resolver_set_retrans(resolver.get(), 0);  // it would sleep that long between tries
  ldns_resolver_set_recursive(resolver.get(), false);
  ldns_pkt* packet = nullptr;
  const ldns_rr_type wanted = ldns_get_rr_type_by_name(type.c_str());
  const ldns_status status =
      ldns_resolver_query_status(&packet, resolver.get(), owner.get(), wanted, LDNS_RR_CLASS_IN, 0);
  const std::unique_ptr<ldns_pkt, Free> answer(packet);
  if (status != LDNS_STATUS_OK || packet == nullptr) {
    return unavailable("lookup of " + name + ": " + ldns_get_errorstr_by_id(status));
  }
  std::vector<Record> records;
  const ldns_rr_list* const list = ldns_pkt_answer(packet);
  for (size_t i = 0; i < ldns_rr_list_rr_count(list); ++i) {
    const ldns_rr* const record = ldns_rr_list_rr(list, i);
    if (ldns_rr_get_type(record) != wanted) continue;
    std::string text;
    for (size_t part = 0; part < ldns_rr_rd_count(record); ++part) {
      const std::unique_ptr<char, Free> piece(ldns_rdf2str(ldns_rr_rdf(record, part)));
      text += (part == 0 ? "" : " ") + std::string(piece.get());
    }
    records.push_back({text, ldns_rr_ttl(record)});
  }
  std::sort(records.begin(), records.end(),
            [](const Record& a, const Record& b) { return a.text < b.text; });
  return records;
}

Result<uint32_t> BindFixture::serial() const {
  CDB_ASSIGN_OR_RETURN(const std::vector<Record> soa, lookup(zone(), "SOA"));
  if (soa.size() != 1) return internal("no SOA of " + zone());
  // "ns.db.test. hostmaster.db.test. 1 ..."
  const size_t second = soa[0].text.find(' ', soa[0].text.find(' ') + 1);
  return static_cast<uint32_t>(std::stoul(soa[0].text.substr(second + 1)));
}

std::string BindFixture::log() const {
  return read_file_tail(dir_ / "named.log", 4096).value_or("(no log)");
}

}  // namespace cdb::testing
