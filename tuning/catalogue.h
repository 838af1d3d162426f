#pragma once
// Which settings a server of some version knows, which of them belong to the system, and what
// friendly names stand for. Facts from catalogue/*.tsv. Pure.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "tuning/version_guard.h"

namespace cdb::tuning {

enum class ValueType { Integer, Bytes, Decimal, Switch, Text };

struct Variable {
  std::string name{};       // underscores, lower case
  bool dynamic{false};      // SET GLOBAL works
  VersionGuard versions{};  // within its line
  ValueType type{ValueType::Text};
  bool negative{false};  // an integer that may be below 0
};

// What a server takes beyond the type: a range, where an end may be open, or one of some words.
struct Limit {
  std::string name{};
  VersionGuard versions{};
  std::optional<double> min{};
  std::optional<double> max{};
  std::vector<std::string> words{};  // in the server's order: it takes their numbers too
};

// expire_log_days: 10 -> binlog_expire_logs_seconds: 864000
struct Alias {
  std::string name{};
  VersionGuard versions{};
  std::string variable{};
  double scale{1};
};

// What no user may set, with the reason; the name may end in '*'.
struct Owned {
  std::string name{};
  std::string why{};
};

class Catalogue {
 public:
  // The content of <line>.tsv ("8.0"), aliases.tsv, limits.tsv and owned.tsv. Errors name
  // file:line.
  Status add_line(const model::MysqlVersion& line, std::string_view content,
                  const std::string& file);
  Status add_aliases(std::string_view content, const std::string& file);
  Status add_limits(std::string_view content, const std::string& file);
  Status add_owned(std::string_view content, const std::string& file);

  // "Max-Connections" -> "max_connections".
  static std::string canonical(std::string_view name);

  // None where a server of this version would not know it.
  // Releases between two lines know what both know; those after the last line, what that one knows.
  [[nodiscard]] std::optional<Variable> find(const model::MysqlVersion& version,
                                             const std::string& name) const;
  // The lines that do know it ("5.6, 5.7"), empty where none does.
  [[nodiscard]] std::string lines_with(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> names(const model::MysqlVersion& version) const;

  [[nodiscard]] const Alias* alias(const model::MysqlVersion& version,
                                   const std::string& name) const;
  [[nodiscard]] bool is_alias(const std::string& name) const;  // for any version
  // None: the type says all that is known.
  [[nodiscard]] const Limit* limit(const model::MysqlVersion& version,
                                   const std::string& name) const;
  [[nodiscard]] const std::vector<Limit>& limits() const { return limits_; }
  [[nodiscard]] const Owned* owned(const std::string& name) const;
  [[nodiscard]] bool empty() const { return lines_.empty(); }

 private:
  using Line = std::map<std::string, std::vector<Variable>>;
  // The line that a version belongs to, and the next one where it stands between two.
  [[nodiscard]] std::vector<const Line*> lines_of(const model::MysqlVersion& version) const;
  static const Variable* known(const Line& line, const model::MysqlVersion& version,
                               const std::string& name);

  std::map<model::MysqlVersion, Line> lines_{};
  std::vector<Alias> aliases_{};
  std::vector<Limit> limits_{};
  std::vector<Owned> owned_{};
};

}  // namespace cdb::tuning
