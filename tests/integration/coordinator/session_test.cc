#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/rpc/session_client.h"
#include "cdb/v1/agent.grpc.pb.h"
#include "lib/base/clock.h"
#include "lib/base/unique_fd.h"
#include "proto/convert/node_wire.h"
#include "session_support.h"

namespace cdb::testing {
namespace {

using agent::SessionClient;
using coordinator::Server;

std::string address_of(const Server& server) {
  return server.addresses().front();
}

// A hand-made caller, for what a SessionClient would never send.
class RawSession {
 public:
  RawSession(const std::string& address, const std::string& caller)
      : stub_(v1::AgentService::NewStub(
            grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))) {
    if (!caller.empty()) context_.AddMetadata("cdb-node", caller);
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    stream_ = stub_->Session(&context_);
  }
  bool hello(const model::NodeId& node) {
    v1::AgentMessage message;
    *message.mutable_hello()->mutable_node() = wire::to_wire(node);
    return stream_->Write(message);
  }
  bool write(const v1::AgentMessage& message) { return stream_->Write(message); }
  // Reads to the end.
  grpc::Status end() {
    v1::CoordinatorMessage message;
    while (stream_->Read(&message)) {
    }
    return stream_->Finish();
  }
  void cancel() { context_.TryCancel(); }

 private:
  std::unique_ptr<v1::AgentService::Stub> stub_;
  grpc::ClientContext context_{};
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::CoordinatorMessage>> stream_{};
};

}  // namespace

TEST_CASE("an agent says who it is, reports, and is told its goal at once") {
  FakeSessions sessions;
  const auto server = serve_agents(sessions);
  SeenEvents events;
  SessionClient client(client_config("demo-0", address_of(*server)));
  client.report(report_with("one"));
  client.start(events, events);
  REQUIRE(sessions.wait_report(node_id("demo-0"), "one"));
  REQUIRE(events.wait_connected(true));
  CHECK(events.why() == address_of(*server));

  sessions.wait([](FakeSessions::State& state) {
    const FakeSessions::Session& session = state.sessions.begin()->second;
    CHECK(session.hello.address == "127.0.0.1:3306");
    CHECK(session.hello.agent_version == "0.1.0");
    CHECK(session.hello.boot_id == "boot-1");
    return true;
  });

  sessions.send(node_id("demo-0"), goal_with(7));
  REQUIRE(events.wait_goal(7));
  events.wait([](SeenEvents::State& state) {
    CHECK(state.goals.back() == goal_with(7));
    return true;
  });

  for (const char* doing : {"two", "three"}) {
    client.report(report_with(doing));
    CHECK(sessions.wait_report(node_id("demo-0"), doing));
  }
  sessions.wait([](FakeSessions::State& state) {
    uint64_t last = 0;
    for (const auto& [sequence, report] : state.sessions.begin()->second.reports) {
      CHECK(sequence > last);
      last = sequence;
    }
    return true;
  });
}

TEST_CASE(
    "a grant counts from when its heartbeat was sent, and a heartbeat says how the lease is") {
  FakeSessions sessions;
  const auto server = serve_agents(sessions);
  SeenEvents events;
  SessionClient client(client_config("demo-0", address_of(*server)));
  model::NodeReport report = report_with("one");
  report.accepted = {4, 2};
  client.report(report);
  client.start(events, events);
  REQUIRE(events.wait([](SeenEvents::State& state) { return !state.grants.empty(); }));
  const Instant before = BootTime::now();
  client.heartbeat({4, 1500, model::LeaseSource::Holds, "kernel", 0}, 4);
  REQUIRE(sessions.wait([&](FakeSessions::State& state) {
    const auto& last = state.sessions.begin()->second.reports.back().second;
    return last.holding_epoch == 4 && last.lease.left_ms == 1500 && last.doing == "one";
  }));
  REQUIRE(events.wait([&](SeenEvents::State& state) {
    return state.grants.back().second >= before && state.grants.back().second <= BootTime::now();
  }));
  events.wait([](SeenEvents::State& state) {
    CHECK(state.grants.back().first == model::LeaseGrant{4, std::chrono::seconds(2)});
    return true;
  });
}

TEST_CASE("the end of a session is told to the engine exactly once") {
  FakeSessions sessions;
  const auto server = serve_agents(sessions);
  SeenEvents events;
  {
    SessionClient client(client_config("demo-0", address_of(*server)));
    client.report(report_with("one"));
    client.start(events, events);
    REQUIRE(events.wait_connected(true));
  }
  REQUIRE(sessions.wait_open(0));
  RawSession raw(address_of(*server), "default/demo-1");
  raw.hello(node_id("demo-1"));
  REQUIRE(sessions.wait_open(1));
  raw.cancel();
  raw.end();
  REQUIRE(sessions.wait_open(0));
  sessions.wait([](FakeSessions::State& state) {
    CHECK(state.sessions.size() == 2);
    for (const auto& [key, session] : state.sessions)
      CHECK(session.closed == 1);
    return true;
  });
}

TEST_CASE("an agent has a session again within a second of its coordinator's restart") {
  FakeSessions sessions;
  FakeSessions after;
  auto server = serve_agents(sessions);
  const std::string address = address_of(*server);
  SeenEvents events;
  SessionClient client(client_config("demo-0", address));
  client.report(report_with("before"));
  client.start(events, events);
  REQUIRE(events.wait_connected(true));

  server->stop(Deadline::after(std::chrono::seconds(5)));
  server.reset();
  REQUIRE(events.wait_connected(false));
  CHECK(events.why().find(address) == 0);
  client.report(report_with("meanwhile"));

  server = serve_agents(after, address);
  const Instant restarted = BootTime::now();
  REQUIRE(after.wait_report(node_id("demo-0"), "meanwhile"));
  const Duration took = BootTime::now() - restarted;
  MESSAGE("reconnected after " << to_text(took));
  CHECK(took < std::chrono::milliseconds(1500));
  CHECK(events.wait_connected(true));
}

TEST_CASE("an agent tries its coordinators in turn") {
  FakeSessions sessions;
  auto server = serve_agents(sessions);
  auto config = client_config("demo-0", address_of(*server));
  // Nothing listens on the discard port of this address.
  config.coordinators.insert(config.coordinators.begin(), "127.0.0.1:9");
  SeenEvents events;
  SessionClient client(config);
  client.report(report_with("one"));
  client.start(events, events);
  REQUIRE(events.wait_connected(true));
  CHECK(events.why() == address_of(*server));
  events.wait([](SeenEvents::State& state) {
    REQUIRE(state.changes.size() == 2);
    CHECK(state.changes.front().second.find("127.0.0.1:9: ") == 0);
    return true;
  });
}

TEST_CASE("a stopping server ends its sessions at once and says so") {
  FakeSessions sessions;
  auto server = serve_agents(sessions);
  RawSession raw(address_of(*server), "default/demo-0");
  raw.hello(node_id("demo-0"));
  REQUIRE(sessions.wait_open(1));
  const Instant began = BootTime::now();
  server->stop(Deadline::after(std::chrono::seconds(20)));
  CHECK(BootTime::now() - began < std::chrono::seconds(5));
  const grpc::Status end = raw.end();
  CHECK(end.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(end.error_message() == "the coordinator is stopping");
  CHECK(sessions.wait_open(0));
}

TEST_CASE("a newer session of a node takes over from the older one") {
  FakeSessions sessions;
  const auto server = serve_agents(sessions);
  RawSession older(address_of(*server), "default/demo-0");
  older.hello(node_id("demo-0"));
  REQUIRE(sessions.wait_open(1));
  RawSession newer(address_of(*server), "default/demo-0");
  newer.hello(node_id("demo-0"));
  const grpc::Status end = older.end();
  CHECK(end.error_code() == grpc::StatusCode::ABORTED);
  CHECK(end.error_message() == "a newer session of this node took over");
  CHECK(sessions.wait_open(1));
  CHECK(sessions.total_count() == 2);
  newer.cancel();
  newer.end();
}

TEST_CASE("a node speaks for itself alone") {
  FakeSessions sessions;
  const auto server = serve_agents(sessions);
  for (const char* caller : {"", "default/demo-1", "other/demo-0", "demo-0", "default/demo-0 "}) {
    RawSession raw(address_of(*server), caller);
    raw.hello(node_id("demo-0"));
    CHECK(raw.end().error_code() == grpc::StatusCode::PERMISSION_DENIED);
  }
  CHECK(sessions.total_count() == 0);
}

TEST_CASE("an agent whose node was deleted keeps asking, slowly") {
  FakeSessions sessions;
  sessions.refuse(not_found("no node default/demo-0"));
  const auto server = serve_agents(sessions);
  SeenEvents events;
  SessionClient client(client_config("demo-0", address_of(*server)));
  client.report(report_with("one"));
  client.start(events, events);
  REQUIRE(events.wait([](SeenEvents::State& state) { return !state.changes.empty(); }));
  CHECK(events.why() == address_of(*server) + ": no node default/demo-0");
  CHECK_FALSE(events.wait_connected(true, std::chrono::milliseconds(500)));
  // The same refusal is told once.
  events.wait([](SeenEvents::State& state) {
    CHECK(state.changes.size() == 1);
    return true;
  });
}

TEST_CASE("what no agent would send ends its session and nothing else") {
  FakeSessions sessions;
  const auto server = serve_agents(sessions);
  const std::string address = address_of(*server);
  v1::AgentMessage empty;
  v1::AgentMessage report;
  *report.mutable_report() = wire::to_wire(report_with("one"), 1);
  v1::AgentMessage nameless;
  nameless.mutable_hello();
  v1::AgentMessage endless;
  *endless.mutable_hello()->mutable_node() = wire::to_wire(node_id("demo-0"));
  endless.mutable_hello()->set_boot_id(std::string(100000, 'x'));

  SUBCASE("first messages that are no hello") {
    for (const v1::AgentMessage& message : {empty, report, nameless, endless}) {
      RawSession raw(address, "default/demo-0");
      raw.write(message);
      const grpc::Status end = raw.end();
      CHECK(end.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
      CHECK_FALSE(end.error_details().empty());
    }
    CHECK(sessions.total_count() == 0);
  }
  SUBCASE("second messages that are no report") {
    v1::AgentMessage bad = report;
    bad.mutable_report()->set_state("undead");
    v1::AgentMessage gtid = report;
    gtid.mutable_report()->set_errant("not a set");
    for (const v1::AgentMessage& message : {empty, endless, bad, gtid}) {
      RawSession raw(address, "default/demo-0");
      raw.hello(node_id("demo-0"));
      raw.write(message);
      CHECK(raw.end().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
      CHECK(sessions.wait_open(0));
    }
  }
  SUBCASE("a message larger than any") {
    v1::AgentMessage huge = report;
    huge.mutable_report()->set_problem(std::string(5 << 20, 'x'));
    RawSession raw(address, "default/demo-0");
    raw.hello(node_id("demo-0"));
    raw.write(huge);
    CHECK_FALSE(raw.end().ok());
    CHECK(sessions.wait_open(0));
  }
  RawSession good(address, "default/demo-2");
  good.hello(node_id("demo-2"));
  CHECK(sessions.wait_open(1));
  good.cancel();
  good.end();
}

TEST_CASE("reports that the engine has not seen are not taken from the network") {
  FakeSessions sessions;
  sessions.hold_reports();
  const auto server = serve_agents(sessions);
  SeenEvents events;
  SessionClient client(client_config("demo-0", address_of(*server)));
  client.report(report_with("0"));
  client.start(events, events);
  REQUIRE(sessions.wait_report(node_id("demo-0"), "0"));
  // Large enough that the network holds a few of them only; the client keeps the latest.
  const std::string padding(16000, 'x');
  for (int i = 1; i <= 2000; ++i) {
    client.report(report_with(i == 2000 ? "last" : std::to_string(i) + padding));
  }
  for (bool last = false; !last;) {
    std::function<void()> handled;
    REQUIRE(sessions.wait([&](FakeSessions::State& state) {
      CHECK(state.unhandled.size() <= 1);
      if (state.unhandled.empty()) return false;
      handled = state.unhandled.front().second;
      state.unhandled.clear();
      last = state.sessions.begin()->second.reports.back().second.doing == "last";
      return true;
    }));
    handled();
  }
  sessions.wait([](FakeSessions::State& state) {
    CHECK(state.sessions.begin()->second.reports.size() < 1000);
    return true;
  });
}

TEST_CASE("only the latest goal waits for an agent that does not read") {
  FakeSessions sessions;
  const auto server = serve_agents(sessions);
  RawSession raw(address_of(*server), "default/demo-0");
  raw.hello(node_id("demo-0"));
  REQUIRE(sessions.wait_open(1));
  model::NodeGoal goal = goal_with(1);
  for (int i = 0; i < 200; ++i)
    goal.settings["s" + std::to_string(i)] = std::string(1000, 'x');
  for (uint64_t epoch = 1; epoch <= 500; ++epoch) {
    goal.record.epoch = epoch;
    sessions.send(node_id("demo-0"), goal);
  }
  server->stop(Deadline::after(std::chrono::seconds(1)));
  raw.end();
  CHECK(sessions.wait_open(0));
}

TEST_CASE("five hundred agents have sessions with one server, and lose them cleanly") {
  FakeSessions sessions;
  auto server = serve_agents(sessions);
  constexpr size_t count = 500;
  std::vector<std::unique_ptr<SeenEvents>> events;
  std::vector<std::unique_ptr<SessionClient>> clients;
  for (size_t i = 0; i < count; ++i) {
    events.push_back(std::make_unique<SeenEvents>());
    clients.push_back(std::make_unique<SessionClient>(
        client_config("n-" + std::to_string(i), address_of(*server))));
    clients.back()->report(report_with("one"));
    clients.back()->start(*events.back(), *events.back());
  }
  const Duration patience = std::chrono::seconds(60);
  REQUIRE(sessions.wait_open(count, patience));
  for (const auto& each : events)
    REQUIRE(each->wait_connected(true, patience));
  for (size_t i = 0; i < count; ++i) {
    sessions.send(node_id("n-" + std::to_string(i)), goal_with(i + 1));
  }
  for (size_t i = 0; i < count; ++i)
    REQUIRE(events[i]->wait_goal(i + 1));
  SUBCASE("the agents leave") {
    clients.clear();
    CHECK(sessions.wait_open(0, patience));
  }
  SUBCASE("the server leaves") {
    server->stop(Deadline::after(std::chrono::seconds(10)));
    for (const auto& each : events)
      CHECK(each->wait_connected(false, patience));
    CHECK(sessions.wait_open(0, patience));
  }
}

TEST_CASE("a client is destroyed at any moment without waiting for anyone") {
  FakeSessions sessions;
  const auto server = serve_agents(sessions);
  for (int i = 0; i < 50; ++i) {
    SeenEvents events;
    SessionClient client(client_config("demo-0", address_of(*server)));
    client.report(report_with("one"));
    client.start(events, events);
    if (i % 3 == 1) sessions.wait_open(1);
    if (i % 3 == 2) events.wait_connected(true);
  }
  CHECK(sessions.wait_open(0));
  // A connection that is never accepted or answered.
  const Instant began = BootTime::now();
  {
    SeenEvents events;
    SessionClient client(client_config("demo-0", "198.18.255.1:1"));
    client.start(events, events);
    client.report(report_with("one"));
  }
  CHECK(BootTime::now() - began < std::chrono::seconds(2));
}

// --- a server in a process of its own, which can be frozen ---

namespace {

class ServerProcess {
 public:
  ServerProcess() {
    const char* const program = std::getenv("CDB_TEST_FROZEN_SERVER");
    REQUIRE_MESSAGE(program != nullptr, "CDB_TEST_FROZEN_SERVER is not set: run ./test");
    int ends[2] = {-1, -1};
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, write_end.get(), STDOUT_FILENO);
    std::string name = program;
    char* const argv[] = {name.data(), nullptr};
    REQUIRE(::posix_spawn(&pid_, program, &files, nullptr, argv, environ) == 0);
    ::posix_spawn_file_actions_destroy(&files);
    write_end.reset();
    char byte = 0;
    while (::read(read_end.get(), &byte, 1) == 1 && byte != '\n')
      address_ += byte;
    REQUIRE_FALSE(address_.empty());
  }
  ~ServerProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  void signal(int number) const { REQUIRE(::kill(pid_, number) == 0); }
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  pid_t pid_{-1};
  std::string address_{};
};

}  // namespace

TEST_CASE("an agent notices a frozen coordinator, and returns when it thaws") {
  const ServerProcess server;
  auto config = client_config("demo-0", server.address());
  SeenEvents events;
  SessionClient client(config);
  client.report(report_with("one"));
  client.start(events, events);
  REQUIRE(events.wait_connected(true));
  server.signal(SIGSTOP);
  const Instant frozen = BootTime::now();
  REQUIRE(events.wait_connected(false));
  const Duration took = BootTime::now() - frozen;
  MESSAGE("noticed after " << to_text(took));
  CHECK(took < config.keepalive + config.keepalive_timeout + std::chrono::seconds(2));
  server.signal(SIGCONT);
  CHECK(events.wait_connected(true));
}

TEST_CASE("an agent whose coordinator is killed notices at once") {
  SeenEvents events;
  auto server = std::make_unique<ServerProcess>();
  SessionClient client(client_config("demo-0", server->address()));
  client.report(report_with("one"));
  client.start(events, events);
  REQUIRE(events.wait_connected(true));
  const Instant killed = BootTime::now();
  server.reset();
  REQUIRE(events.wait_connected(false));
  CHECK(BootTime::now() - killed < std::chrono::seconds(1));
}

}  // namespace cdb::testing
