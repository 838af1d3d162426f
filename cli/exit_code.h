#pragma once
// What the command tells the shell. The only file that knows the numbers. Pure.

#include "lib/base/result.h"

namespace cdb::cli {

enum class Exit : int {
  Ok = 0,
  Error = 1,
  Differs = 2,  // a comparison found differences
  NotFound = 3,
  Refused = 4,  // the state forbids it, or nobody confirmed it
  Timeout = 5,  // the wait ended; the work goes on
  NotAllowed = 6,
  Unreachable = 7,   // no coordinator answered
  Usage = 64,        // the command line makes no sense
  Interrupted = 130  // Ctrl-C
};

Exit exit_for(Code code);

}  // namespace cdb::cli
