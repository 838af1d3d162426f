#include <doctest/doctest.h>
#include <sys/stat.h>

#include "lib/process/program.h"
#include "tests/unit/cli/command_run.h"
#include "tests/unit/cli/temp_folder.h"

namespace cdb::cli {
namespace {

// What bash would offer for the last of `words`.
std::string completions(const TempFolder& folder, const std::string& words) {
  CommandRun script;
  folder.write("completion", script.run({"completion", "bash"}).out);
  const std::string fake =
      folder.write("cdb", "#!/bin/sh\necho \"mysql/shop\"\necho \"mysql/store $*\" >&2\n");
  REQUIRE(::chmod(fake.c_str(), 0755) == 0);
  const std::string line = "set -euo pipefail\nPATH=" + folder.path().string() + ":$PATH\nsource " +
                           (folder.path() / "completion").string() + "\nCOMP_WORDS=(" + words +
                           ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_cdb\n"
                           "echo \"${COMPREPLY[*]-}\"\n";
  const auto ran = process::run({.path = "bash", .arguments = {"--norc", "-c", line}},
                                Deadline::after(std::chrono::seconds(20)));
  REQUIRE(ran.ok());
  CAPTURE(ran->err);
  CHECK(ran->exit_code == 0);
  return ran->out;
}

}  // namespace

TEST_CASE("bash completes commands, options, kinds and names") {
  const TempFolder folder;
  CHECK(completions(folder, "cdb sw") == "switchover\n");
  CHECK(completions(folder, "cdb get my") == "mysql mysqlconfig\n");
  CHECK(completions(folder, "cdb get mysql s") == "shop\n");
  CHECK(completions(folder, "cdb -n other topology ''") == "shop\n");
  CHECK(completions(folder, "cdb switchover shop --d") == "--dry-run\n");
  CHECK(completions(folder, "cdb get mysql -o j") == "json\n");
  CHECK(completions(folder, "cdb maintenance s") == "shop\n");
  CHECK(completions(folder, "cdb maintenance shop shop-1 o") == "on off\n");
  CHECK(completions(folder, "cdb rejoin shop shop-1 --re") == "--reseed\n");
}

}  // namespace cdb::cli
