/* Kernel: product of two 64 x 64 matrices of doubles, argv[1] times. VFP arithmetic in program order. */
#include "guest.h"

enum { N = 64 };
static double a[N][N], b[N][N], c[N][N];

static int guest_main(u32 loops) {
  u32 seed = 7;
  for (u32 i = 0; i < N; i++)
    for (u32 j = 0; j < N; j++) {
      a[i][j] = (double)(next_random(&seed) & 1023) / 1024.0;
      b[i][j] = (double)(next_random(&seed) & 1023) / 512.0;
    }
  while (loops--) {
    for (u32 i = 0; i < N; i++)
      for (u32 j = 0; j < N; j++) {
        double sum = 0;
        for (u32 k = 0; k < N; k++) sum += a[i][k] * b[k][j];
        c[i][j] = sum;
      }
    a[loops % N][loops % 7] += c[3][5] / 4096.0;
  }
  u64 checksum = 0;
  for (u32 i = 0; i < N; i++)
    for (u32 j = 0; j < N; j++) checksum = checksum * 31 + *(u64 *)&c[i][j];
  report("matmul", (u32)(checksum ^ checksum >> 32));
  return 0;
}
