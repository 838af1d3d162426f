#include "lib/process/identity.h"
