#pragma once
// A temporary directory for programs that outlive whoever started them, and the promise that none
// of them outlives the test: a guardian process waits for the end of this one, however it comes,
// and cleans up. Make it before any thread. Any thread may ask.

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "lib/base/unique_fd.h"

namespace cdb::testing {

class GuardedDirectory {
 public:
  // roots: directories in it that local provisioners use, by name.
  explicit GuardedDirectory(std::vector<std::string> roots);
  GuardedDirectory(const GuardedDirectory&) = delete;
  GuardedDirectory& operator=(const GuardedDirectory&) = delete;
  ~GuardedDirectory();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  // Every process that names the directory in its command line or environment.
  [[nodiscard]] std::vector<pid_t> processes() const;
  // What instances have elsewhere.
  [[nodiscard]] std::vector<std::filesystem::path> cgroups() const;
  [[nodiscard]] std::vector<std::filesystem::path> reservations() const;

 private:
  void clean_up() const;
  std::vector<std::string> roots_;
  std::filesystem::path path_{};
  pid_t guardian_{0};
  UniqueFd alive_{};  // the guardian reads the end of it
};

// Processes of which an argument of the command line is exactly this.
std::vector<pid_t> processes_with_argument(const std::string& argument);
// Processes of this name (the kernel's, at most 15 letters) with this variable in their
// environment.
std::vector<pid_t> processes_with_variable(const std::string& name, const std::string& variable);

}  // namespace cdb::testing
