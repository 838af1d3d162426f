#include "api_support.h"

#include <algorithm>

#include <doctest/doctest.h>

namespace cdb::testing {

using coordinator::Changes;
using coordinator::Event;

Result<coordinator::Snapshot> MemoryStore::load() {
  return data_.with([](Data& data) { return data.snapshot; });
}

Result<std::vector<Event>> MemoryStore::commit(const Changes& changes) {
  return data_.with([&](Data& data) {
    for (const auto& resource : changes.put_resources) {
      data.snapshot.resources[resource.key] = resource;
    }
    for (const auto& key : changes.erase_resources)
      data.snapshot.resources.erase(key);
    for (const auto& cluster : changes.put_clusters)
      data.snapshot.clusters[cluster.id] = cluster;
    for (const auto& id : changes.erase_clusters)
      data.snapshot.clusters.erase(id);
    for (const auto& each : changes.put_operations)
      data.snapshot.operations[each.id] = each;
    std::vector<Event> numbered = changes.events;
    for (Event& event : numbered)
      event.sequence = ++data.snapshot.last_event;
    data.events.insert(data.events.end(), numbered.begin(), numbered.end());
    return numbered;
  });
}

Result<std::vector<Event>> MemoryStore::events(const coordinator::EventQuery& query) {
  return data_.with([&](Data& data) {
    std::vector<Event> found;
    for (auto each = data.events.rbegin(); each != data.events.rend(); ++each) {
      if (each->sequence <= query.after || found.size() >= query.limit) break;
      if (!query.cluster || each->cluster == *query.cluster) found.push_back(*each);
    }
    std::reverse(found.begin(), found.end());
    return found;
  });
}

void NoMachines::ensure_machine(const coordinator::MachineSpec& spec) {
  host_->post([node = spec.node](coordinator::Engine& engine, coordinator::Now now) {
    coordinator::Machine machine;
    machine.node = node;
    machine.state = coordinator::MachineState::Building;
    engine.machine_ensured(node, machine, now);
  });
}

void NoMachines::remove_machine(const model::NodeId& node) {
  host_->post([node](coordinator::Engine& engine, coordinator::Now now) {
    engine.machine_removed(node, coordinator::MachineState::Absent, now);
  });
}

void NoMachines::remove_dns(const model::ClusterId& cluster) {
  host_->post([cluster](coordinator::Engine& engine, coordinator::Now now) {
    engine.dns_removed(cluster, Status{}, now);
  });
}

namespace {

coordinator::EngineConfig engine_config() {
  coordinator::EngineConfig config;
  config.flavors = {{"small", 1, uint64_t{1} << 30, uint64_t{10} << 30},
                    {"large", 4, uint64_t{8} << 30, uint64_t{100} << 30}};
  config.check_settings = [](const auto&, const auto&, const auto&) {
    return std::vector<FieldError>{};
  };
  config.zone = "db.test";
  config.dns_server = "127.0.0.1:5353";
  return config;
}

}  // namespace

TestCoordinator::TestCoordinator(const std::string& address)
    : engine_(engine_config(), store_, effects_),
      host_(engine_, clock_),
      sessions_(coordinator::make_engine_sessions(host_)) {
  effects_.answer_to(host_);
  const Status loaded = engine_.load({clock_.now(), clock_.wall()});
  REQUIRE(loaded.ok());
  engine_.versions_found({{5, 6, 51}, {8, 0, 36}, {9, 7, 0}});
  host_.start();
  coordinator::ServerConfig config;
  config.listen = {address};
  auto server = coordinator::Server::start(config, make_services(host_, *sessions_));
  if (!server) FAIL(server.error().text());
  server_ = std::move(*server);
}

TestCoordinator::~TestCoordinator() {
  server_.reset();
  host_.stop();
}

}  // namespace cdb::testing
