/* Kernel: dot products of 2,048 single-precision numbers and of as many 16-bit integers by vectors of 16 bytes, argv[1] * 4 times. Advanced SIMD. */
#include "guest.h"

enum { COUNT = 2048 };
typedef float floats __attribute__((vector_size(16)));
typedef short halves __attribute__((vector_size(8)));
typedef int words __attribute__((vector_size(16)));
static float a[COUNT] __attribute__((aligned(16))), b[COUNT] __attribute__((aligned(16)));
static short c[COUNT] __attribute__((aligned(16))), d[COUNT] __attribute__((aligned(16)));

__attribute__((noinline)) static float dot_floats(void) {
  floats sums[2] = {{0}, {0}};
  for (u32 i = 0; i < COUNT / 8; i++) {
    sums[0] += ((const floats *)a)[2 * i] * ((const floats *)b)[2 * i];
    sums[1] += ((const floats *)a)[2 * i + 1] * ((const floats *)b)[2 * i + 1];
  }
  floats sum = sums[0] + sums[1];
  return sum[0] + sum[1] + sum[2] + sum[3];
}

__attribute__((noinline)) static int dot_halves(void) {
  words sum = {0};
  for (u32 i = 0; i < COUNT / 4; i++)
    sum += __builtin_convertvector(((const halves *)c)[i], words) * __builtin_convertvector(((const halves *)d)[i], words);
  return sum[0] + sum[1] + sum[2] + sum[3];
}

static int guest_main(u32 loops) {
  u32 seed = 31, checksum = 0;
  for (u32 i = 0; i < COUNT; i++) {
    a[i] = (float)(next_random(&seed) & 15);
    b[i] = (float)(next_random(&seed) & 15);
    c[i] = (short)next_random(&seed);
    d[i] = (short)next_random(&seed);
  }
  for (u32 n = 0; n < loops * 4; n++) {
    checksum = checksum * 31 + (u32)dot_floats() + (u32)dot_halves();
    a[n % COUNT] = (float)(n & 15);
    c[n % COUNT] = (short)n;
  }
  report("dot", checksum);
  return 0;
}
