#include "coordinator/core/resources.h"

#include <array>

#include "coordinator/core/enum_text.h"

namespace cdb::coordinator {

std::string_view to_string(Durability durability) {
  switch (durability) {
    case Durability::Lossless: return "lossless";
    case Durability::Asynchronous: return "asynchronous";
  }
  return "lossless";
}

Result<Durability> parse_durability(std::string_view text) {
  return parse_one_of<Durability>(text, std::array{Durability::Lossless, Durability::Asynchronous},
                                  "durability");
}

std::string_view to_string(WithoutAckers without) {
  switch (without) {
    case WithoutAckers::FailOver: return "fail_over";
    case WithoutAckers::Weaken: return "weaken";
    case WithoutAckers::Block: return "block";
  }
  return "fail_over";
}

Result<WithoutAckers> parse_without_ackers(std::string_view text) {
  return parse_one_of<WithoutAckers>(
      text, std::array{WithoutAckers::FailOver, WithoutAckers::Weaken, WithoutAckers::Block},
      "way to go on without ackers");
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::Mysql: return "MySQL";
    case Kind::MysqlConfig: return "MysqlConfig";
    case Kind::Orchestrator: return "Orchestrator";
    case Kind::Instance: return "Instance";
    case Kind::Connector: return "Connector";
  }
  return "MySQL";
}

Result<Kind> parse_kind(std::string_view text) {
  return parse_one_of<Kind>(text,
                            std::array{Kind::Mysql, Kind::MysqlConfig, Kind::Orchestrator,
                                       Kind::Instance, Kind::Connector},
                            "kind");
}

std::string ResourceKey::str() const {
  return std::string(to_string(kind)) + " " + name_space + "/" + name;
}

}  // namespace cdb::coordinator
