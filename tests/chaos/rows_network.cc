#include "tests/chaos/rows.h"

namespace cdb::chaos {

std::vector<Row> network_rows() {
  return {};
}

}  // namespace cdb::chaos
