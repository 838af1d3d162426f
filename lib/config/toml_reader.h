#pragma once
// Reads a configuration file key by key: every unknown key, wrong type and missing value is one
// error with file and line. toml++ is known to toml_reader.cc alone. One thread.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace cdb::config {

class TomlReader {
 public:
  static Result<TomlReader> open(const std::filesystem::path& file);
  TomlReader(TomlReader&&) noexcept;
  TomlReader& operator=(TomlReader&&) noexcept;
  ~TomlReader();

  // Keys are "name" or "table.name". Without a fallback a missing key is an error; after any error
  // the values are empty and finish() says what was wrong first.
  std::string text(const std::string& key,
                   const std::optional<std::string>& fallback = std::nullopt);
  int64_t number(const std::string& key, int64_t fallback, int64_t least, int64_t most);
  bool flag(const std::string& key, bool fallback);
  std::vector<std::string> texts(
      const std::string& key,
      const std::optional<std::vector<std::string>>& fallback = std::nullopt);
  // Whether anything stands under this name, a table too.
  [[nodiscard]] bool has(const std::string& key) const;
  // How many [[key]] tables there are; the keys in them are "key[0].name" and so on.
  size_t tables(const std::string& key);
  // A value that was understood and cannot be used.
  void wrong(const std::string& key, const std::string& message, const std::string& hint = {});
  // Ok when every key of the file was asked for and right.
  Status finish();

 private:
  struct Parts;
  explicit TomlReader(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace cdb::config
