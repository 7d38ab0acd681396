/* Kernel: product of two numbers of 2,048 bits limb by limb, argv[1] * 16 times. Multiplications with a 64-bit result, carries. */
#include "guest.h"

enum { LIMBS = 64 };
static u32 a[LIMBS], b[LIMBS], product[2 * LIMBS];

__attribute__((noinline)) static void multiply(void) {
  for (u32 i = 0; i < 2 * LIMBS; i++) ((volatile u32 *)product)[i] = 0;
  for (u32 i = 0; i < LIMBS; i++) {
    u32 carry = 0;
    for (u32 j = 0; j < LIMBS; j++) {
      u64 sum = (u64)a[i] * b[j] + product[i + j] + carry;
      product[i + j] = (u32)sum;
      carry = (u32)(sum >> 32);
    }
    product[i + LIMBS] = carry;
  }
}

static int guest_main(u32 loops) {
  u32 seed = 11, checksum = 0;
  for (u32 i = 0; i < LIMBS; i++) a[i] = next_random(&seed), b[i] = next_random(&seed);
  for (u32 n = 0; n < loops * 16; n++) {
    multiply();
    for (u32 i = 0; i < LIMBS; i++) a[i] = product[i + LIMBS / 2] | 1;
    checksum = checksum * 31 + product[LIMBS];
  }
  report("bigmul", checksum);
  return 0;
}
