/* System calls: two threads take turns, each waiting for the other in futex, argv[1] * 100 times each. */
#include "guest.h"
#include "threads.h"

static volatile u32 turn, turns;

static void take_turns(u32 me) {
  for (u32 n = 0; n < turns; n++) {
    for (u32 now; (now = turn) % 2 != me;) futex(&turn, FUTEX_WAIT, now);
    turn++;
    barrier();
    futex(&turn, FUTEX_WAKE, 1);
  }
}

static int guest_main(u32 loops) {
  turn = 0;
  turns = loops * 100;
  start_thread(1, take_turns);
  take_turns(0);
  join_thread(1);
  report("futex_turns", turn);
  return 0;
}
