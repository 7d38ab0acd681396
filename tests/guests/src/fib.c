/* Kernel: Fibonacci number 24 by recursion, argv[1] times. Calls, returns, stack. */
#include "guest.h"

__attribute__((noinline)) static u32 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static int guest_main(u32 loops) {
  u32 sum = 0;
  while (loops--) sum = sum * 31 + fib(24);
  report("fib", sum);
  return 0;
}
