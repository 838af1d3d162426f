#include "coordinator/adapters/rfc2136_dns.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "coordinator/adapters/dns_client.h"
#include "lib/base/sync.h"
#include "lib/base/unique_fd.h"
#include "tests/support/bind_fixture.h"
#include "tests/support/temp_dir.h"

// ldns takes the time of a signature from here.
namespace {
std::atomic<long> clock_is_off_by_s{0};
}
extern "C" int gettimeofday(timeval* now, void* zone) noexcept {
  static const auto next =
      reinterpret_cast<int (*)(timeval*, void*)>(::dlsym(RTLD_NEXT, "gettimeofday"));
  const int result = next(now, zone);
  now->tv_sec += clock_is_off_by_s;
  return result;
}

namespace cdb::coordinator {
namespace {

using testing::BindFixture;
using Lines = std::vector<std::string>;

const model::ClusterId kDemo{"default", "demo"};

Deadline soon() {
  return Deadline::after(std::chrono::seconds(10));
}

std::unique_ptr<BindFixture> started(const BindFixture::Options& options = {}) {
  auto bind = BindFixture::start(options);
  REQUIRE_MESSAGE(bind.ok(), (bind.ok() ? "" : bind.error().text()));
  return std::move(bind).value();
}

Rfc2136Config config_for(const BindFixture& bind) {
  return {.server = bind.server(),
          .zone = bind.zone(),
          .key = {.name = "cdb-test", .secret = bind.key()}};
}

std::unique_ptr<Rfc2136Dns> provider(const Rfc2136Config& config) {
  auto dns = Rfc2136Dns::create(config);
  REQUIRE_MESSAGE(dns.ok(), (dns.ok() ? "" : dns.error().text()));
  return std::move(dns).value();
}

DnsRecords records_at(uint64_t epoch, uint64_t version, const std::string& rw = "192.0.2.1",
                      Lines ro = {"192.0.2.2", "192.0.2.3"}) {
  return {.cluster = kDemo, .version = {epoch, version}, .rw = rw, .ro = std::move(ro)};
}

Lines texts(const BindFixture& bind, const std::string& name, const std::string& type = "A") {
  const auto found = bind.lookup(name, type);
  REQUIRE(found.ok());
  Lines lines;
  for (const auto& record : *found)
    lines.push_back(record.text);
  return lines;
}

void check_ok(const Status& status) {
  CHECK_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
}

Error error_of(const Status& status) {
  REQUIRE_FALSE(status.ok());
  INFO(status.error().text());
  CHECK_FALSE(status.error().hint.empty());
  return status.error();
}

// Between us and the server, by UDP alone: passes everything on until told to lose answers.
class LossyPath {
 public:
  explicit LossyPath(const BindFixture& bind) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    REQUIRE(::inet_pton(AF_INET, bind.address().c_str(), &address.sin_addr) == 1);
    address.sin_port = htons(bind.port());
    ahead_ = UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(ahead_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    address.sin_port = 0;
    behind_ = UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(behind_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    socklen_t length = sizeof address;
    REQUIRE(::getsockname(behind_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    server_ = bind.address() + ":" + std::to_string(ntohs(address.sin_port));
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  [[nodiscard]] const std::string& server() const { return server_; }
  std::atomic<bool> lose_update_answers{false};
  std::atomic<bool> lose_all_after_an_update{false};
  std::atomic<bool> damage_answers{false};
  // Done once, when the next update is on its way.
  void before_an_update(std::function<void()> action) {
    before_.with([&](auto& before) { before = std::move(action); });
  }

 private:
  void run(const std::stop_token& stop) {
    bool mute = false;
    std::mt19937 random(7);
    while (!stop.stop_requested()) {
      pollfd watched{.fd = behind_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&watched, 1, 50) <= 0) continue;
      sockaddr_in from{};
      socklen_t length = sizeof from;
      uint8_t buffer[4096];
      const ssize_t asked = ::recvfrom(behind_.get(), buffer, sizeof buffer, 0,
                                       reinterpret_cast<sockaddr*>(&from), &length);
      if (asked < 12 || mute) continue;
      const bool update = (buffer[2] >> 3 & 15) == 5;
      if (update) {
        const auto action =
            before_.with([](auto& before) { return std::exchange(before, nullptr); });
        if (action) action();
      }
      if (::send(ahead_.get(), buffer, static_cast<size_t>(asked), 0) != asked) continue;
      const ssize_t answered = ::recv(ahead_.get(), buffer, sizeof buffer, 0);
      mute = update && lose_all_after_an_update;
      if (answered < 0 || mute || (update && lose_update_answers)) continue;
      for (int left = damage_answers ? 3 : 0; left > 0; --left) {
        buffer[2 + random() % static_cast<size_t>(answered - 2)] = static_cast<uint8_t>(random());
      }
      ::sendto(behind_.get(), buffer, static_cast<size_t>(answered), 0,
               reinterpret_cast<sockaddr*>(&from), length);
    }
  }

  Sync<std::function<void()>> before_{};
  UniqueFd ahead_{};
  UniqueFd behind_{};
  std::string server_{};
  std::jthread thread_{};
};

}  // namespace

TEST_CASE("names are made of role, cluster, namespace and zone") {
  const auto dns = provider({.server = "192.0.2.9:53",
                             .zone = "DB.example.net.",
                             .key = {.name = "k", .secret = Secret("c2VjcmV0")}});
  CHECK(dns->rw_name(kDemo) == "rw.demo.default.db.example.net");
  CHECK(dns->ro_name(kDemo) == "ro.demo.default.db.example.net");
}

TEST_CASE("a configuration that cannot work is refused with its reason") {
  const Rfc2136Config good{.server = "192.0.2.9:53",
                           .zone = "db.example.net",
                           .key = {.name = "k", .secret = Secret("c2VjcmV0")}};
  const auto message = [](const Rfc2136Config& config) {
    const auto dns = Rfc2136Dns::create(config);
    REQUIRE_FALSE(dns.ok());
    CHECK(dns.error().code == Code::Invalid);
    return dns.error().message;
  };
  for (const char* server : {"", "ns.example.net:53", "192.0.2.9", "192.0.2.9:", ":53", "::1:53",
                             "192.0.2.9:0", "192.0.2.9:domain", "192.0.2.9:70000"}) {
    Rfc2136Config bad = good;
    bad.server = server;
    CHECK(message(bad) == "DNS: '" + std::string(server) + "' is not an address with a port");
  }
  Rfc2136Config bad = good;
  bad.zone = "a..b";
  CHECK(message(bad) == "DNS: 'a..b' is not a domain name");
  bad.zone = "";
  CHECK(message(bad) == "DNS: '' is not a domain name");
  bad = good;
  bad.key.algorithm = "hmac-md5";
  CHECK(message(bad) == "DNS: the algorithm 'hmac-md5' of key k is not known");
  bad = good;
  bad.key.secret = Secret("not base64!");
  CHECK(message(bad) == "DNS: the secret of key k is not base64");
  Rfc2136Config v6 = good;
  v6.server = "[::1]:53";
  CHECK(Rfc2136Dns::create(v6).ok());
}

TEST_CASE("published names are what the server says, with their TTL") {
  const auto bind = started();
  const auto dns = provider(config_for(*bind));
  check_ok(dns->check(soon()));
  DnsRecords records = records_at(1, 4);
  records.ttl = std::chrono::seconds(7);
  check_ok(dns->publish(records, soon()));
  CHECK(*bind->lookup(dns->rw_name(kDemo), "A") ==
        std::vector<BindFixture::Record>{{"192.0.2.1", 7}});
  CHECK(*bind->lookup(dns->ro_name(kDemo), "A") ==
        std::vector<BindFixture::Record>{{"192.0.2.2", 7}, {"192.0.2.3", 7}});
  CHECK(texts(*bind, "_epoch.demo.default.db.test", "TXT") == Lines{"\"1.4\""});
}

TEST_CASE("a newer version replaces all of the names, and survives the server") {
  const auto bind = started();
  const auto dns = provider(config_for(*bind));
  check_ok(dns->publish(records_at(1, 4), soon()));
  check_ok(dns->publish(records_at(2, 1, "192.0.2.2", {"192.0.2.3", "192.0.2.4"}), soon()));
  REQUIRE(bind->start_again().ok());
  CHECK(texts(*bind, dns->rw_name(kDemo)) == Lines{"192.0.2.2"});
  CHECK(texts(*bind, dns->ro_name(kDemo)) == Lines{"192.0.2.3", "192.0.2.4"});
  CHECK(texts(*bind, "_epoch.demo.default.db.test", "TXT") == Lines{"\"2.1\""});
}

TEST_CASE("the same version may say something else, and costs nothing when it says the same") {
  const auto bind = started();
  const auto dns = provider(config_for(*bind));
  check_ok(dns->publish(records_at(1, 1), soon()));
  const uint32_t serial = *bind->serial();
  // The order of ro, and an address given twice, mean nothing.
  check_ok(
      dns->publish(records_at(1, 1, "192.0.2.1", {"192.0.2.3", "192.0.2.2", "192.0.2.3"}), soon()));
  CHECK(*bind->serial() == serial);
  check_ok(dns->publish(records_at(1, 1, "192.0.2.1", {"192.0.2.3"}), soon()));
  CHECK(texts(*bind, dns->ro_name(kDemo)) == Lines{"192.0.2.3"});
  DnsRecords other_ttl = records_at(1, 1, "192.0.2.1", {"192.0.2.3"});
  other_ttl.ttl = std::chrono::seconds(30);
  check_ok(dns->publish(other_ttl, soon()));
  CHECK(bind->lookup(dns->rw_name(kDemo), "A")->front().ttl == 30);
}

TEST_CASE("names without an address are no names") {
  const auto bind = started();
  const auto dns = provider(config_for(*bind));
  check_ok(dns->publish(records_at(1, 1), soon()));
  check_ok(dns->publish(records_at(1, 2, "192.0.2.1", {}), soon()));
  CHECK(texts(*bind, dns->rw_name(kDemo)) == Lines{"192.0.2.1"});
  CHECK(texts(*bind, dns->ro_name(kDemo)).empty());
  DnsRecords nothing = records_at(1, 3, "", {});
  nothing.rw.reset();
  check_ok(dns->publish(nothing, soon()));
  CHECK(texts(*bind, dns->rw_name(kDemo)).empty());
  CHECK(texts(*bind, "_epoch.demo.default.db.test", "TXT") == Lines{"\"1.3\""});
}

TEST_CASE("an older version changes nothing and is told so") {
  const auto bind = started();
  const auto dns = provider(config_for(*bind));
  check_ok(dns->publish(records_at(10, 2), soon()));
  // Compared as numbers: "9" would come after "10" as text.
  for (const auto& older : {records_at(10, 1, "192.0.2.9"), records_at(9, 9, "192.0.2.9")}) {
    const Status refused = dns->publish(older, soon());
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::Conflict);
    CHECK(refused.error().message.find(
              "names of cluster default/demo are at version 10.2, newer than ") == 0);
  }
  CHECK(texts(*bind, dns->rw_name(kDemo)) == Lines{"192.0.2.1"});
}

TEST_CASE("a newer version that comes between our look and our update is not overwritten") {
  const auto bind = started();
  LossyPath path(*bind);
  Rfc2136Config config = config_for(*bind);
  config.server = path.server();
  const auto slow = provider(config);
  const auto quick = provider(config_for(*bind));
  Status published;
  for (const uint64_t epoch : {1U, 2U}) {  // first with no version there, then with one
    CAPTURE(epoch);
    path.before_an_update([&] {
      published = quick->publish(records_at(epoch, 7, "192.0.2.77", {"192.0.2.78"}), soon());
    });
    const Status refused = slow->publish(records_at(epoch, 6), soon());
    check_ok(published);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::Conflict);
    CHECK(texts(*bind, slow->rw_name(kDemo)) == Lines{"192.0.2.77"});
    CHECK(texts(*bind, slow->ro_name(kDemo)) == Lines{"192.0.2.78"});
  }
  // An older one that comes between is overwritten.
  path.before_an_update(
      [&] { published = quick->publish(records_at(3, 1, "192.0.2.77"), soon()); });
  check_ok(slow->publish(records_at(3, 2), soon()));
  check_ok(published);
  CHECK(texts(*bind, slow->rw_name(kDemo)) == Lines{"192.0.2.1"});
}

TEST_CASE("of publishers at the same time the newest wins, whatever their order") {
  const auto bind = started();
  constexpr uint64_t kPublishers = 8;
  std::vector<Status> results(kPublishers);
  {
    std::vector<std::jthread> threads;
    for (uint64_t i = 0; i < kPublishers; ++i) {
      auto dns = provider(config_for(*bind));
      threads.emplace_back([&results, i, dns = std::move(dns)] {
        const uint64_t version = (i * 5) % kPublishers;  // not in the order of their start
        const std::string address = "192.0.2." + std::to_string(100 + version);
        // Losing a race too often is said to be unavailable, and tried again, as the engine does.
        do {
          results[i] = dns->publish(records_at(3, version, address, {address}), soon());
        } while (!results[i].ok() && results[i].error().code == Code::Unavailable);
      });
    }
  }
  for (const Status& result : results) {
    const bool expected = result.ok() || result.error().code == Code::Conflict;
    CHECK_MESSAGE(expected, (expected ? "" : result.error().text()));
  }
  const std::string newest = "192.0.2." + std::to_string(100 + kPublishers - 1);
  CHECK(texts(*bind, "rw.demo.default.db.test") == Lines{newest});
  CHECK(texts(*bind, "ro.demo.default.db.test") == Lines{newest});
  CHECK(texts(*bind, "_epoch.demo.default.db.test", "TXT") == Lines{"\"3.7\""});
}

TEST_CASE("removing takes every name of the cluster and no other") {
  const auto bind = started();
  const auto dns = provider(config_for(*bind));
  DnsRecords other = records_at(1, 1);
  other.cluster = {"default", "demo2"};
  check_ok(dns->publish(records_at(5, 1), soon()));
  check_ok(dns->publish(other, soon()));
  check_ok(dns->remove(kDemo, soon()));
  CHECK(texts(*bind, dns->rw_name(kDemo)).empty());
  CHECK(texts(*bind, dns->ro_name(kDemo)).empty());
  CHECK(texts(*bind, "_epoch.demo.default.db.test", "TXT").empty());
  CHECK(texts(*bind, dns->rw_name(other.cluster)) == Lines{"192.0.2.1"});
  const uint32_t serial = *bind->serial();
  check_ok(dns->remove(kDemo, soon()));
  CHECK(*bind->serial() == serial);
  // A cluster of the same name later starts again from the beginning.
  check_ok(dns->publish(records_at(1, 0), soon()));
}

TEST_CASE("a check changes nothing in the zone") {
  const auto bind = started();
  const uint32_t serial = *bind->serial();
  check_ok(provider(config_for(*bind))->check(soon()));
  CHECK(*bind->serial() == serial);
}

TEST_CASE("a key that is not the server's is told apart by what is wrong with it") {
  const auto bind = started();
  struct Bad {
    TsigKey key;
    std::string part;
  };
  const std::vector<Bad> table{
      {{.name = "nobody", .secret = bind->key()}, " does not know our key nobody (hmac-sha256)"},
      {{.name = "cdb-test", .algorithm = "hmac-sha512", .secret = bind->key()},
       " does not know our key cdb-test (hmac-sha512)"},
      {{.name = "cdb-test", .secret = bind->stranger()},
       " has another secret for our key cdb-test (hmac-sha256)"},
      {{.name = "cdb-stranger", .secret = bind->stranger()},
       " does not let our key cdb-stranger (hmac-sha256) change A and TXT records in zone db.test"},
  };
  for (const Bad& bad : table) {
    CAPTURE(bad.part);
    Rfc2136Config config = config_for(*bind);
    config.key = bad.key;
    const auto dns = provider(config);
    for (const Status& status : {dns->check(soon()), dns->publish(records_at(1, 1), soon())}) {
      const Error error = error_of(status);
      CHECK(error.code == Code::Precondition);
      CHECK(error.message.find("DNS server " + bind->server() + bad.part) == 0);
      CHECK(error.text().find(bad.key.secret.reveal()) == std::string::npos);
    }
  }
  CHECK(texts(*bind, "rw.demo.default.db.test").empty());
}

TEST_CASE("a clock that is wrong is told apart from a wrong key, with the server's time") {
  const auto bind = started();
  const auto dns = provider(config_for(*bind));
  for (const long off : {-3600L, 3600L}) {
    clock_is_off_by_s = off;
    const Status status = dns->check(soon());
    clock_is_off_by_s = 0;
    const Error error = error_of(status);
    CHECK(error.code == Code::Precondition);
    const std::string today = to_rfc3339(SystemClock().wall()).substr(0, 11);
    CHECK(error.message.find("finds the time of our signature wrong: its clock says " + today) !=
          std::string::npos);
    CHECK(error.hint.find("NTP") != std::string::npos);
  }
  clock_is_off_by_s = 200;
  check_ok(dns->check(soon()));
  clock_is_off_by_s = 0;
}

TEST_CASE("a key that may change addresses but not the version is found by the check") {
  const auto bind = started({.policy = "update-policy { grant cdb-test zonesub A; };"});
  const Error error = error_of(provider(config_for(*bind))->check(soon()));
  CHECK(error.code == Code::Precondition);
  CHECK(error.message.find("does not let our key") != std::string::npos);
  const auto enough = started({.policy = "update-policy { grant cdb-test zonesub A TXT; };"});
  check_ok(provider(config_for(*enough))->check(soon()));
  check_ok(provider(config_for(*enough))->publish(records_at(1, 1), soon()));
  check_ok(provider(config_for(*enough))->remove(kDemo, soon()));
}

TEST_CASE("a zone that the server does not have is told apart") {
  const auto bind = started();
  for (const char* zone : {"other.test", "sub.db.test", "test"}) {
    CAPTURE(zone);
    Rfc2136Config config = config_for(*bind);
    config.zone = zone;
    const auto dns = provider(config);
    for (const Status& status : {dns->check(soon()), dns->publish(records_at(1, 1), soon())}) {
      const Error error = error_of(status);
      CHECK(error.code == Code::Precondition);
      CHECK(error.message.find(std::string("zone ") + zone) != std::string::npos);
    }
  }
}

TEST_CASE("a server that is not there is said to be unavailable at once") {
  const auto bind = started();
  const auto dns = provider(config_for(*bind));
  bind->stop();
  const Instant begin = BootTime::now();
  for (const Status& status :
       {dns->publish(records_at(1, 1), soon()), dns->remove(kDemo, soon()), dns->check(soon())}) {
    const Error error = error_of(status);
    CHECK(error.code == Code::Unavailable);
    CHECK(error.message.find("DNS server " + bind->server() + ": Connection refused") == 0);
  }
  CHECK(BootTime::now() - begin < std::chrono::seconds(3));
}

TEST_CASE("a server that hangs is given up at the deadline, and works again afterwards") {
  const auto bind = started();
  const auto dns = provider(config_for(*bind));
  bind->freeze();
  for (const auto patience : {std::chrono::milliseconds(200), std::chrono::milliseconds(1500)}) {
    const Instant begin = BootTime::now();
    const Error error = error_of(dns->publish(records_at(1, 1), Deadline::after(patience)));
    const Duration took = BootTime::now() - begin;
    CHECK(error.code == Code::Unavailable);
    CHECK(took >= patience);
    CHECK(took < patience + std::chrono::seconds(2));
  }
  CHECK(error_of(dns->check(Deadline::after(std::chrono::milliseconds(100)))).code ==
        Code::Unavailable);
  bind->thaw();
  check_ok(dns->publish(records_at(1, 1), soon()));
}

TEST_CASE("an update whose answer is lost is looked up, and counts when it is there") {
  const auto bind = started();
  LossyPath path(*bind);
  Rfc2136Config config = config_for(*bind);
  config.server = path.server();
  const auto dns = provider(config);
  path.lose_update_answers = true;
  check_ok(dns->publish(records_at(1, 1), soon()));
  check_ok(dns->publish(records_at(1, 2, "192.0.2.7"), soon()));
  CHECK(texts(*bind, dns->rw_name(kDemo)) == Lines{"192.0.2.7"});
  check_ok(dns->remove(kDemo, soon()));
  CHECK(texts(*bind, dns->rw_name(kDemo)).empty());
}

TEST_CASE("an update after which the server is silent has an unknown outcome") {
  const auto bind = started();
  LossyPath path(*bind);
  Rfc2136Config config = config_for(*bind);
  config.server = path.server();
  const auto dns = provider(config);
  path.lose_all_after_an_update = true;
  const Error error =
      error_of(dns->publish(records_at(1, 1), Deadline::after(std::chrono::milliseconds(2500))));
  CHECK(error.code == Code::OutcomeUnknown);
  CHECK(texts(*bind, dns->rw_name(kDemo)) == Lines{"192.0.2.1"});
  // Sent again, it is found done.
  check_ok(provider(config_for(*bind))->publish(records_at(1, 1), soon()));
}

TEST_CASE("answers that were damaged on the way harm nothing") {
  const auto bind = started();
  LossyPath path(*bind);
  Rfc2136Config config = config_for(*bind);
  config.server = path.server();
  const auto dns = provider(config);
  path.damage_answers = true;
  for (uint64_t version = 1; version <= 60; ++version) {
    const Deadline deadline = Deadline::after(std::chrono::milliseconds(100));
    const Status status = dns->publish(records_at(1, version), deadline);
    // Conflict: the version itself was changed, in an answer to a question, which is not signed.
    if (!status.ok()) CHECK(status.error().code != Code::Invalid);
  }
  path.damage_answers = false;
  check_ok(dns->publish(records_at(2, 1), soon()));
  CHECK(texts(*bind, dns->rw_name(kDemo)) == Lines{"192.0.2.1"});
}

TEST_CASE("a version record that is not ours is left alone") {
  const auto bind = started();
  const auto client =
      DnsClient::create(bind->server(), bind->zone(), {.name = "cdb-test", .secret = bind->key()});
  REQUIRE(client.ok());
  const auto dns = provider(config_for(*bind));
  for (const Lines& foreign : {Lines{"hello"}, Lines{"1.2", "3.4"}, Lines{"01.2"}, Lines{"1.2.3"},
                               Lines{"1"}, Lines{"99999999999999999999.1"}}) {
    const DnsUpdate put{.replace = {{"_epoch.demo.default.db.test", DnsType::Txt, foreign, 5}}};
    REQUIRE(client->update(put, soon()).ok());
    const Error error = error_of(dns->publish(records_at(1, 1), soon()));
    CHECK(error.code == Code::Precondition);
    CHECK(error.message.find("TXT record _epoch.demo.default.db.test is not ours: ") == 0);
  }
  CHECK(texts(*bind, dns->rw_name(kDemo)).empty());
}

TEST_CASE("messages longer than UDP carries go by TCP, both ways") {
  const auto bind = started();
  const auto client =
      DnsClient::create(bind->server(), bind->zone(), {.name = "cdb-test", .secret = bind->key()});
  REQUIRE(client.ok());
  Lines wanted;
  for (char letter = 'a'; letter < 'h'; ++letter)
    wanted.emplace_back(250, letter);
  const DnsUpdate put{.replace = {{"long.db.test", DnsType::Txt, wanted, 5}}};
  const auto reply = client->update(put, soon());
  REQUIRE(reply.ok());
  CHECK(reply->code == DnsCode::NoError);
  auto answer = client->query("long.db.test", DnsType::Txt, soon());
  REQUIRE(answer.ok());
  std::sort(answer->set.texts.begin(), answer->set.texts.end());
  CHECK(answer->set.texts == wanted);
}

TEST_CASE("the longest names and the most addresses fit") {
  const auto bind = started();
  const auto dns = provider(config_for(*bind));
  DnsRecords records{.cluster = {std::string(40, 'n'), std::string(40, 'c')},
                     .version = {UINT64_MAX, UINT64_MAX},
                     .rw = "192.0.2.1"};
  for (int i = 0; i < 8; ++i)
    records.ro.push_back("192.0.2.1" + std::to_string(i));
  check_ok(dns->publish(records, soon()));
  CHECK(texts(*bind, dns->ro_name(records.cluster)) == records.ro);
  records.ro.emplace_back("192.0.2.18");
  CHECK(dns->publish(records, soon()).error().code == Code::Invalid);
}

TEST_CASE("what could not stand in DNS is refused before anything is sent") {
  const auto dns = provider({.server = "192.0.2.9:53",
                             .zone = "db.test",
                             .key = {.name = "k", .secret = Secret("c2VjcmV0")}});
  CHECK(dns->publish(records_at(1, 1, "not an address"), soon()).error().code == Code::Invalid);
  CHECK(dns->publish(records_at(1, 1, "2001:db8::1"), soon()).error().code == Code::Invalid);
  CHECK(dns->publish(records_at(1, 1, "192.0.2.1", {""}), soon()).error().code == Code::Invalid);
  DnsRecords records = records_at(1, 1);
  records.cluster.name = "a.b";
  CHECK(dns->publish(records, soon()).error().code == Code::Invalid);
  CHECK(dns->remove({"", "demo"}, soon()).error().code == Code::Invalid);
  records = records_at(1, 1);
  records.ttl = std::chrono::seconds(-1);
  CHECK(dns->publish(records, soon()).error().code == Code::Invalid);
}

TEST_CASE("the key file that BIND reads is read as BIND reads it") {
  const auto bind = started();
  const auto key = load_bind_key(bind->key_file());
  REQUIRE(key.ok());
  CHECK(*key == TsigKey{.name = "cdb-test", .algorithm = "hmac-sha256", .secret = bind->key()});
  Rfc2136Config config = config_for(*bind);
  config.key = *key;
  check_ok(provider(config)->check(soon()));
}

}  // namespace cdb::coordinator
