/* System calls: 1,000 writes of a byte to /dev/null, argv[1] times. */
#include "guest.h"

#ifdef __x86_64__
enum { SYS_OPEN = 2 };
#else
enum { SYS_OPEN = 5 };
#endif
enum { WRITE_ONLY = 1 };

static int guest_main(u32 loops) {
  long file = syscall3(SYS_OPEN, (long)"/dev/null", WRITE_ONLY, 0);
  u32 written = 0;
  for (u32 n = 0; n < loops * 1000; n++) written += (u32)syscall3(SYS_WRITE, file, (long)"x", 1);
  report("write", written);
  return 0;
}
