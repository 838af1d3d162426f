#include "tests/chaos/rows.h"

namespace cdb::chaos {

std::vector<Row> control_rows() {
  return {};
}

}  // namespace cdb::chaos
