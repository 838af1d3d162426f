#pragma once
// A coordinator in memory that keeps the contract of proto/cdb/v1: validates, stores, runs
// operations as far as the test lets them, streams every change. Listens on a unix socket;
// thread-safe.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cdb/v1/clusters.pb.h"
#include "cdb/v1/operations.pb.h"
#include "cdb/v1/resources.pb.h"
#include "lib/base/result.h"

namespace cdb::cli {

class FakeCoordinator {
 public:
  FakeCoordinator();
  ~FakeCoordinator();
  FakeCoordinator(const FakeCoordinator&) = delete;
  FakeCoordinator& operator=(const FakeCoordinator&) = delete;

  [[nodiscard]] std::string endpoint() const;

  // Operations succeed as soon as they begin (the default), or run until they are told to end.
  void let_operations_run();
  void change_operation(const std::string& id, const std::function<void(v1::Operation&)>& change);
  void end_operation(const std::string& id, const std::string& problem = {});
  v1::Operation add_operation(const std::string& kind, const std::string& cluster);

  // Every call answers with this error from now on; nullptr: none does.
  void refuse_with(std::shared_ptr<const Error> error);
  void set_topology(const v1::Topology& topology);
  void set_connection(const v1::Connection& connection);
  void add_event(const std::string& cluster, const std::string& message);
  void change_status(const std::string& name, const v1::ResourceStatus& status);
  void add_generated(const v1::Resource& resource);

  // Drops every connection; comes back at the same place with the same memory.
  void go_down();
  void come_back();

  [[nodiscard]] std::vector<v1::Resource> resources() const;
  [[nodiscard]] std::string last_user() const;
  [[nodiscard]] v1::FailoverRequest last_failover() const;
  [[nodiscard]] v1::SwitchoverRequest last_switchover() const;
  [[nodiscard]] v1::MaintenanceRequest last_maintenance() const;
  [[nodiscard]] v1::RejoinRequest last_rejoin() const;
  // Streams that are open now; waits until there are at least so many.
  [[nodiscard]] bool wait_for_streams(int count) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cdb::cli
