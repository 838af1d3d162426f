#pragma once
// A directory for local instances, and the promise that nothing of them outlives the test: a
// guardian process waits for the end of this one, however it comes, and cleans up.

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "coordinator/adapters/local_provisioner.h"
#include "lib/base/unique_fd.h"

namespace cdb::coordinator {

class Playground {
 public:
  Playground();
  Playground(const Playground&) = delete;
  Playground& operator=(const Playground&) = delete;
  ~Playground();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Roots of several provisioners may stand side by side; "r" is the usual one.
  [[nodiscard]] std::filesystem::path root(const std::string& name = "r") const {
    return path_ / name;
  }
  [[nodiscard]] LocalProvisionerConfig config(const std::string& root_name = "r") const;
  // What the agents of a root do when they start next.
  void behave(const std::string& how, const std::string& root_name = "r") const;

  // Every process that names the directory in its command line or environment.
  [[nodiscard]] std::vector<pid_t> processes() const;
  [[nodiscard]] std::vector<std::filesystem::path> cgroups() const;
  [[nodiscard]] std::vector<std::filesystem::path> reservations() const;

 private:
  void clean_up() const;
  std::filesystem::path path_{};
  pid_t guardian_{0};
  UniqueFd alive_{};  // the guardian reads the end of it
};

// Processes of which an argument of the command line is exactly this.
std::vector<pid_t> processes_with_argument(const std::string& argument);

// Looks again and again until it holds; false at the deadline.
bool eventually(const std::function<bool()>& holds,
                std::chrono::seconds deadline = std::chrono::seconds(30));

}  // namespace cdb::coordinator
