#include "tests/chaos/rows.h"

namespace cdb::chaos {

std::vector<Row> surroundings_rows() {
  return {};
}

}  // namespace cdb::chaos
