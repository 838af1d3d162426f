#include <nlohmann/json.hpp>

#include "cdb/v1/clusters.pb.h"
#include "cli/bytes.h"
#include "cli/commands/commands.h"
#include "cli/table.h"

namespace cdb::cli {

Result<Exit> catalogue(Session& session, const CatalogueArgs& args) {
  CDB_ASSIGN_OR_RETURN(const v1::Catalogue found, session.client.catalogue());
  if (print_tree(session.world, args.format, to_tree(found))) return Exit::Ok;
  Table flavors({"FLAVOR", "VCPU", "MEMORY", "DISK"});
  for (const auto& flavor : found.flavors()) {
    flavors.add({flavor.name(), std::to_string(flavor.vcpu()), bytes_text(flavor.memory_bytes()),
                 bytes_text(flavor.disk_bytes())});
  }
  Table versions({"MYSQL VERSION"});
  for (const auto& version : found.mysql_versions())
    versions.add({version});
  session.world.out << flavors.text() << "\n" << versions.text() << std::flush;
  return Exit::Ok;
}

}  // namespace cdb::cli
