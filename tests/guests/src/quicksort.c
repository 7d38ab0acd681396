/* Kernel: quicksort of 20,000 random numbers, argv[1] times. Branches that cannot be foretold, recursion. */
#include "guest.h"

enum { COUNT = 20000 };
static u32 numbers[COUNT];

__attribute__((noinline)) static void sort(u32 *low, u32 *high) {
  while (low < high) {
    u32 pivot = low[(high - low) / 2], *left = low, *right = high;
    while (left <= right) {
      while (*left < pivot) left++;
      while (*right > pivot) right--;
      if (left <= right) {
        u32 swap = *left;
        *left++ = *right;
        *right-- = swap;
      }
    }
    sort(low, right);
    low = left;
  }
}

static int guest_main(u32 loops) {
  u32 seed = 99, checksum = 0;
  while (loops--) {
    for (u32 i = 0; i < COUNT; i++) numbers[i] = next_random(&seed);
    sort(numbers, numbers + COUNT - 1);
    for (u32 i = 0; i < COUNT; i++) checksum = (checksum << 1 | checksum >> 31) ^ numbers[i];
  }
  report("quicksort", checksum);
  return 0;
}
