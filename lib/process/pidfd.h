#pragma once
// pidfd_open() and pidfd_send_signal(): glibc 2.36 forgot to say extern "C" in sys/pidfd.h.

extern "C" {
#include <sys/pidfd.h>
}
