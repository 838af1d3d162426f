#pragma once
// Hooks as programs on this machine. They come from one folder that the operator of the coordinator
// fills: whoever may apply a policy must not be able to run anything else here. Blocking; any
// thread.

#include <filesystem>

#include "coordinator/ports/hook_runner.h"

namespace cdb::coordinator {

class ProgramHooks final : public HookRunner {
 public:
  // Empty: there are no hooks here.
  explicit ProgramHooks(std::filesystem::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] std::string fault_of(const std::string& command) const override;
  // Those that are left at the deadline are told as not run.
  [[nodiscard]] std::vector<HookResult> run(const HookJob& job) const override;

 private:
  [[nodiscard]] HookResult run_one(const std::string& command, const HookJob& job,
                                   Deadline deadline) const;

  std::filesystem::path folder_;
};

}  // namespace cdb::coordinator
