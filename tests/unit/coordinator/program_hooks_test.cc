#include "coordinator/adapters/program_hooks.h"

#include <cstdlib>
#include <fstream>

#include <doctest/doctest.h>

namespace cdb::coordinator {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "cdb-hooks-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void script(const std::string& name, const std::string& text, bool executable = true) const {
    std::ofstream(path / name) << "#!/bin/sh\n" << text << "\n";
    fs::permissions(path / name, executable ? fs::perms::owner_all : fs::perms::owner_read);
  }

  fs::path path{};
};

HookJob job(std::vector<std::string> commands, Duration deadline = std::chrono::seconds(20)) {
  HookJob made;
  made.commands = std::move(commands);
  made.environment = {{"CDB_CLUSTER", "shop"}, {"CDB_TO", "shop-1"}};
  made.deadline = deadline;
  return made;
}

}  // namespace

TEST_CASE("programs are run in order with what they need to know") {
  const Folder folder;
  folder.script("notify", "echo \"$CDB_CLUSTER $CDB_TO $*\"");
  folder.script("fail", "echo no >&2; exit 3");
  const ProgramHooks hooks(folder.path);
  const auto results = hooks.run(job({"notify  --to  ops", "fail", "notify"}));
  REQUIRE(results.size() == 3);
  CHECK(results[0].fault.empty());
  CHECK(results[0].output == "shop shop-1 --to ops\n");
  CHECK(results[1].fault == "exit code 3");
  CHECK(results[1].output == "no\n");
  CHECK(results[2].fault.empty());
}

TEST_CASE("a program that hangs is killed at the deadline, and those behind it are not run") {
  const Folder folder;
  folder.script("hang", "exec sleep 1000");
  folder.script("notify", "true");
  const auto results =
      ProgramHooks(folder.path).run(job({"hang", "notify"}, std::chrono::milliseconds(200)));
  REQUIRE(results.size() == 2);
  CHECK(results[0].fault == "it was killed at the deadline of 200 ms");
  CHECK(results[1].fault == "it was not run: those before it took all of 200 ms");
}

TEST_CASE("only executable files of the folder can be named") {
  const Folder folder;
  folder.script("notify", "true");
  folder.script("readable", "true", false);
  const ProgramHooks hooks(folder.path);
  CHECK(hooks.fault_of("notify --all").empty());
  CHECK(hooks.fault_of("other") == "is not in the hooks_dir");
  CHECK(hooks.fault_of("../notify") == "must be the plain name of a file");
  CHECK(hooks.fault_of("/bin/sh -c true") == "must be the plain name of a file");
  CHECK(hooks.fault_of(".hidden") == "must be the plain name of a file");
  CHECK(hooks.fault_of("  ") == "names no program");
  CHECK(ProgramHooks("").fault_of("notify") == "cannot run: this coordinator has no hooks_dir");
}

}  // namespace cdb::coordinator
