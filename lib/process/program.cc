#include "lib/process/program.h"
