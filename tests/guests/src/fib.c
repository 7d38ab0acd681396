/* Kernel: Fibonacci numbers 24 and 23 by recursion, argv[1] times. Calls, returns, stack. */
#include "guest.h"

__attribute__((noinline)) static u32 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static int guest_main(u32 loops) {
  u32 sum = 0;
  while (loops--) sum = sum * 31 + fib(24 - (loops & 1)); /* else a compiler calls it once */
  report("fib", sum);
  return 0;
}
