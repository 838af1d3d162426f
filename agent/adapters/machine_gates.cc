#include "agent/adapters/machine_gates.h"

#include <map>

#include "agent/adapters/gate_table.h"
#include "agent/adapters/socket_killer.h"

namespace cdb::agent {
namespace {

Result<std::vector<MachineGate>> gates_in(GateTable& table) {
  std::map<model::Endpoint, MachineGate> gates;
  for (const GateSet set : {GateSet::Nodes, GateSet::Leases, GateSet::Admitted, GateSet::Barred}) {
    CDB_ASSIGN_OR_RETURN(const std::vector<GateElement> elements, table.list(set));
    for (const GateElement& element : elements) {
      MachineGate& gate = gates[element.node];
      gate.node = element.node;
      if (set == GateSet::Leases) gate.left = element.timeout;
      if (set == GateSet::Admitted) gate.admission.admitted.insert(element.peer);
      if (set == GateSet::Barred) gate.admission.barred.insert(element.peer);
    }
  }
  std::vector<MachineGate> result;
  for (auto& [node, gate] : gates)
    result.push_back(std::move(gate));
  return result;
}

}  // namespace

Result<std::vector<MachineGate>> machine_gates() {
  CDB_ASSIGN_OR_RETURN(GateTable table, GateTable::open());
  return gates_in(table);
}

Result<std::vector<MachineGate>> remove_machine_gates() {
  CDB_ASSIGN_OR_RETURN(GateTable table, GateTable::open());
  CDB_ASSIGN_OR_RETURN(SocketKiller sockets, SocketKiller::open());
  constexpr int kMostTries = 10;
  for (int tries = 0; tries < kMostTries; ++tries) {
    CDB_ASSIGN_OR_RETURN(const uint32_t generation, table.generation());
    CDB_ASSIGN_OR_RETURN(std::vector<MachineGate> gates, gates_in(table));
    for (const MachineGate& gate : gates) {
      if (gate.left) continue;
      // What a shut gate held back must not get out because there is no gate.
      const auto destroyed = sockets.destroy(gate.node, [&](const std::string& peer) {
        return gate.admission.admitted.count(peer) == 0 || gate.admission.barred.count(peer) != 0;
      });
      if (!destroyed) return destroyed.error();
    }
    CDB_ASSIGN_OR_RETURN(const GateOutcome outcome, table.drop(generation));
    if (outcome != GateOutcome::Changed) return gates;
  }
  return unavailable("the gates of this machine change faster than they can be removed",
                     "stop the agents first");
}

}  // namespace cdb::agent
