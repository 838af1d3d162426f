#pragma once
// A folder of one test, gone with it.

#include <filesystem>
#include <fstream>
#include <string>

#include <stdlib.h>

#include "lib/base/result.h"

namespace cdb::cli {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cdb-cli-XXXXXX").string();
    CDB_INVARIANT(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const {
    const auto path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }

 private:
  std::filesystem::path path_{};
};

}  // namespace cdb::cli
