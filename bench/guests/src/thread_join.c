/* System calls: a thread is created and joined, argv[1] times. */
#include "guest.h"
#include "threads.h"

static volatile u32 ran;

static void count(u32 me) { ran += me; }

static int guest_main(u32 loops) {
  ran = 0;
  for (u32 n = 0; n < loops; n++) {
    start_thread(1, count);
    join_thread(1);
  }
  report("thread_join", ran);
  return 0;
}
