#include "coordinator/core/state.h"

#include <array>

#include "coordinator/core/enum_text.h"

namespace cdb::coordinator {

std::string_view to_string(OperationState state) {
  switch (state) {
    case OperationState::Running: return "running";
    case OperationState::Succeeded: return "succeeded";
    case OperationState::Failed: return "failed";
  }
  return "failed";
}

Result<OperationState> parse_operation_state(std::string_view text) {
  return parse_one_of<OperationState>(
      text, std::array{OperationState::Running, OperationState::Succeeded, OperationState::Failed},
      "operation state");
}

std::string_view to_string(StepState state) {
  switch (state) {
    case StepState::Pending: return "pending";
    case StepState::Running: return "running";
    case StepState::Done: return "done";
    case StepState::Failed: return "failed";
  }
  return "failed";
}

Result<StepState> parse_step_state(std::string_view text) {
  return parse_one_of<StepState>(
      text, std::array{StepState::Pending, StepState::Running, StepState::Done, StepState::Failed},
      "step state");
}

std::string_view to_string(OperationKind kind) {
  switch (kind) {
    case OperationKind::Create: return "create";
    case OperationKind::Scale: return "scale";
    case OperationKind::Reconfigure: return "reconfigure";
    case OperationKind::Delete: return "delete";
    case OperationKind::Switchover: return "switchover";
    case OperationKind::Failover: return "failover";
    case OperationKind::Maintenance: return "maintenance";
    case OperationKind::MaintenanceEnd: return "maintenance-end";
    case OperationKind::Rejoin: return "rejoin";
    case OperationKind::Reseed: return "reseed";
  }
  return "create";
}

Result<OperationKind> parse_operation_kind(std::string_view text) {
  return parse_one_of<OperationKind>(text, kAllOperationKinds, "operation kind");
}

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::Info: return "info";
    case Severity::Warning: return "warning";
    case Severity::Error: return "error";
  }
  return "info";
}

Result<Severity> parse_severity(std::string_view text) {
  return parse_one_of<Severity>(
      text, std::array{Severity::Info, Severity::Warning, Severity::Error}, "severity");
}

}  // namespace cdb::coordinator
