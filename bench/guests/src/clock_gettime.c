/* System calls: the time, 1,000 times, argv[1] times. Writes to guest memory. */
#include "guest.h"

static int guest_main(u32 loops) {
  u32 forwards = 0, last = microseconds();
  for (u32 n = 0; n < loops * 1000; n++) {
    u32 now = microseconds();
    forwards += now - last < 1u << 31;
    last = now;
  }
  report("clock_gettime", forwards);
  return 0;
}
