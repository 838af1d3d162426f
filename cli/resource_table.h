#pragma once
// Resources of one kind as rows of a table. Pure.

#include <string>
#include <vector>

#include "cli/kinds.h"
#include "lib/base/clock.h"

namespace google::protobuf {
class Timestamp;
}
namespace cdb::v1 {
class Resource;
}

namespace cdb::cli {

struct Columns {
  bool with_namespace{false};
  bool wide{false};
};

std::vector<std::string> resource_header(const KindInfo& kind, const Columns& columns);
std::vector<std::string> resource_row(const v1::Resource& resource, const KindInfo& kind,
                                      const Columns& columns, WallTime now);
// "3 d 4 h" since then, or nothing where the time is not known.
std::string age_text(const google::protobuf::Timestamp& since, WallTime now);

}  // namespace cdb::cli
