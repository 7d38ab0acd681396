/* Kernel: sieve of Eratosthenes over 200,000 numbers, argv[1] times. Byte stores with a stride. */
#include "guest.h"

enum { LIMIT = 200000 };
static u8 composite[LIMIT];

static int guest_main(u32 loops) {
  u32 sum = 0;
  while (loops--) {
    for (u32 i = 0; i < LIMIT; i++) ((volatile u8 *)composite)[i] = 0; /* volatile: no call of memset, which is not here */
    for (u32 i = 2; i * i < LIMIT; i++)
      if (!composite[i])
        for (u32 j = i * i; j < LIMIT; j += i) composite[j] = 1;
    for (u32 i = 2; i < LIMIT; i++)
      if (!composite[i]) sum += i ^ loops;
  }
  report("sieve", sum);
  return 0;
}
