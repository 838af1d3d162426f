#include "coordinator/adapters/program_hooks.h"

#include <fmt/format.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/process/program.h"

namespace cdb::coordinator {
namespace {

// The program and its arguments, without empty ones.
std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> words;
  for (std::string& word : split(command, ' ')) {
    if (!word.empty()) words.push_back(std::move(word));
  }
  return words;
}

}  // namespace

std::string ProgramHooks::fault_of(const std::string& command) const {
  if (folder_.empty()) return "cannot run: this coordinator has no hooks_dir";
  const auto words = words_of(command);
  if (words.empty()) return "names no program";
  const std::string& name = words.front();
  if (name.find('/') != std::string::npos || name.front() == '.')
    return "must be the plain name of a file";
  const auto file = folder_ / name;
  std::error_code failed;
  if (!std::filesystem::is_regular_file(file, failed)) return "is not in the hooks_dir";
  return ::access(file.c_str(), X_OK) == 0 ? std::string{} : "is not executable";
}

HookResult ProgramHooks::run_one(const std::string& command, const HookJob& job,
                                 Deadline deadline) const {
  HookResult result{command, fault_of(command), {}};
  if (!result.fault.empty()) return result;
  auto words = words_of(command);
  process::Program program;
  program.path = folder_ / words.front();
  program.arguments.assign(words.begin() + 1, words.end());
  program.environment = job.environment;
  const auto ran = process::run(program, deadline);
  if (!ran) {
    result.fault = ran.error().code == Code::Deadline
                       ? "it was killed at the deadline of " + to_text(job.deadline)
                       : ran.error().text();
    return result;
  }
  result.output = ran->exit_code == 0 || ran->err.empty() ? ran->out : ran->err;
  if (ran->exit_code != 0) result.fault = fmt::format("exit code {}", ran->exit_code);
  return result;
}

std::vector<HookResult> ProgramHooks::run(const HookJob& job) const {
  const Deadline deadline = Deadline::after(job.deadline);
  std::vector<HookResult> results;
  for (const std::string& command : job.commands) {
    if (deadline.passed()) {
      results.push_back(
          {command, "it was not run: those before it took all of " + to_text(job.deadline), {}});
    } else {
      results.push_back(run_one(command, job, deadline));
    }
  }
  return results;
}

}  // namespace cdb::coordinator
