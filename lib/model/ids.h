#pragma once
// Names that cannot be mixed up. Plain values.

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

namespace cdb::model {

template <typename Tag>
struct StrongId {
  std::string value{};
  StrongId() = default;
  explicit StrongId(std::string v) : value(std::move(v)) {}
  [[nodiscard]] bool empty() const { return value.empty(); }
  [[nodiscard]] const std::string& str() const { return value; }
  friend auto operator<=>(const StrongId&, const StrongId&) = default;
};

// One database VM: "<cluster>-<ordinal>", unique within its namespace.
using NodeName = StrongId<struct NodeNameTag>;
using OperationId = StrongId<struct OperationIdTag>;

// What a MySQL resource names: "<namespace>/<name>".
struct ClusterId {
  std::string name_space{};
  std::string name{};
  [[nodiscard]] std::string str() const { return name_space + "/" + name; }
  friend auto operator<=>(const ClusterId&, const ClusterId&) = default;
};

struct NodeId {
  ClusterId cluster{};
  NodeName node{};
  [[nodiscard]] std::string str() const { return cluster.name_space + "/" + node.str(); }
  friend auto operator<=>(const NodeId&, const NodeId&) = default;
};

// Where mysqld listens.
struct Endpoint {
  std::string host{};
  uint16_t port{3306};
  [[nodiscard]] std::string str() const { return host + ":" + std::to_string(port); }
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// (epoch, version) of a cluster's record: grows with every election, and with every change or
// intent within one. Agents persist the highest pair seen and refuse lower ones.
struct RecordVersion {
  uint64_t epoch{0};
  uint64_t version{0};
  friend auto operator<=>(const RecordVersion&, const RecordVersion&) = default;
};

}  // namespace cdb::model
