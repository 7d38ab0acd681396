/* Kernel: all placements of seven queens by recursion, argv[1] times. Calls with a loop in each. */
#include "guest.h"

enum { SIDE = 7 };

__attribute__((noinline)) static u32 place(u32 columns, u32 left, u32 right) {
  u32 full = (1u << SIDE) - 1, found = 0;
  if (columns == full) return 1;
  for (u32 open = full & ~(columns | left | right); open; open &= open - 1) {
    u32 queen = open & -open;
    found += place(columns | queen, (left | queen) << 1, (right | queen) >> 1);
  }
  return found;
}

static int guest_main(u32 loops) {
  u32 checksum = 0;
  while (loops--) checksum = checksum * 31 + place(0, 0, loops & 1);
  report("queens", checksum);
  return 0;
}
