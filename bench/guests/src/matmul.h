/* Product of two 64 x 64 matrices of `element`, argv[1] times. */

enum { N = 64 };
static element a[N][N], b[N][N], c[N][N];

static int run(const char *name, u32 loops) {
  u32 seed = 7, checksum = 0;
  for (u32 i = 0; i < N; i++)
    for (u32 j = 0; j < N; j++) {
      a[i][j] = (element)(next_random(&seed) & 63);
      b[i][j] = (element)(next_random(&seed) & 31);
    }
  while (loops--) {
    for (u32 i = 0; i < N; i++)
      for (u32 j = 0; j < N; j++) {
        element sum = 0;
        for (u32 k = 0; k < N; k++) sum += a[i][k] * b[k][j];
        c[i][j] = sum;
      }
    a[loops % N][loops % 7] += (element)((u32)c[3][5] & 15);
    checksum = checksum * 31 + (u32)c[loops % N][loops % 11];
  }
  report(name, checksum);
  return 0;
}
