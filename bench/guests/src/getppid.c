/* System calls: 1,000 times the shortest one, argv[1] times. */
#include "guest.h"

#ifdef __x86_64__
enum { SYS_GETPPID = 110 };
#else
enum { SYS_GETPPID = 64 };
#endif

static int guest_main(u32 loops) {
  long parent = syscall3(SYS_GETPPID, 0, 0, 0);
  u32 same = 0;
  for (u32 n = 0; n < loops * 1000; n++) same += syscall3(SYS_GETPPID, 0, 0, 0) == parent;
  report("getppid", same);
  return 0;
}
