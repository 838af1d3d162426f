#pragma once
// Between the messages of cdb/v1/agent.proto and the values of lib/model: one place for the agent
// and the coordinator, so that both read the wire alike. Pure, any thread. from_wire() says
// invalid, with the field's name, for anything that a well-behaved peer would not send; free text
// is made valid UTF-8 and cut on its way out, since protobuf refuses anything else.

#include <cstdint>

#include "lib/base/result.h"
#include "lib/model/ids.h"
#include "lib/model/report.h"

namespace cdb::v1 {
class ClusterRef;
class Credentials;
class Endpoint;
class HoldAnswer;
class HoldRequest;
class LeaseGrant;
class LeaseStatus;
class NodeGoal;
class NodeRef;
class NodeReport;
class RecordVersion;
class ServerStatus;
}  // namespace cdb::v1

namespace cdb::wire {

inline constexpr size_t kLongestText = 16384;  // bytes of any one free text

v1::RecordVersion to_wire(const model::RecordVersion& version);
model::RecordVersion from_wire(const v1::RecordVersion& version);

v1::Endpoint to_wire(const model::Endpoint& endpoint);
Result<model::Endpoint> from_wire(const v1::Endpoint& endpoint);

// Names are DNS labels, a node's of at most 63 characters: they become file and DNS names.
v1::ClusterRef to_wire(const model::ClusterId& cluster);
Result<model::ClusterId> from_wire(const v1::ClusterRef& cluster);
v1::NodeRef to_wire(const model::NodeId& node);
Result<model::NodeId> from_wire(const v1::NodeRef& node);

v1::Credentials to_wire(const model::Credentials& credentials);
model::Credentials from_wire(const v1::Credentials& credentials);

v1::ServerStatus to_wire(const model::ServerStatus& status);
Result<model::ServerStatus> from_wire(const v1::ServerStatus& status);

void to_wire(const model::LeaseStatus& lease, v1::LeaseStatus& message);
Result<model::LeaseStatus> from_wire(const v1::LeaseStatus& lease);
v1::LeaseGrant to_wire(const model::LeaseGrant& grant);
Result<model::LeaseGrant> from_wire(const v1::LeaseGrant& grant);

v1::HoldRequest to_wire(const model::HoldRequest& request);
Result<model::HoldRequest> from_wire(const v1::HoldRequest& request);
v1::HoldAnswer to_wire(const model::HoldAnswer& answer);
model::HoldAnswer from_wire(const v1::HoldAnswer& answer);

// The sequence number belongs to the session, not to the report.
v1::NodeReport to_wire(const model::NodeReport& report, uint64_t sequence);
Result<model::NodeReport> from_wire(const v1::NodeReport& report);

v1::NodeGoal to_wire(const model::NodeGoal& goal);
Result<model::NodeGoal> from_wire(const v1::NodeGoal& goal);

}  // namespace cdb::wire
