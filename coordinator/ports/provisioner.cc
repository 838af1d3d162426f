#include "coordinator/ports/provisioner.h"

namespace cdb::coordinator {

std::string_view to_string(MachineState state) {
  switch (state) {
    case MachineState::Absent: return "absent";
    case MachineState::Building: return "building";
    case MachineState::Running: return "running";
    case MachineState::Off: return "off";
    case MachineState::Failed: return "failed";
  }
  return "failed";
}

}  // namespace cdb::coordinator
