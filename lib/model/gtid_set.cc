#include "lib/model/gtid_set.h"
