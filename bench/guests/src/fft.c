/* Kernel: fast Fourier transform of 1,024 complex numbers and back, argv[1] times. Single precision, strides of all powers of two. */
#include "guest.h"

enum { SIZE = 1024, BITS = 10 };
static float real[SIZE], imaginary[SIZE], cosine[SIZE / 2], sine[SIZE / 2];

/* The roots of unity by halving angles: cos and sin of pi / 2^k, then products. */
static void make_roots(void) {
  double c = -1, s = 0; /* of pi */
  double halves_c[BITS], halves_s[BITS];
  for (u32 k = 0; k < BITS; k++) { /* after step k: of pi / 2^(k+1) */
    double half_c = __builtin_sqrt((1 + c) / 2), half_s = k ? s / (2 * half_c) : 1;
    c = halves_c[k] = half_c;
    s = halves_s[k] = half_s;
  }
  for (u32 i = 0; i < SIZE / 2; i++) {
    double re = 1, im = 0; /* angle 2 pi i / SIZE: bit b of i adds pi / 2^(BITS - 1 - b) */
    for (u32 b = 0; b < BITS - 1; b++)
      if (i >> b & 1) {
        double hc = halves_c[BITS - 2 - b], hs = halves_s[BITS - 2 - b], old = re;
        re = re * hc - im * hs;
        im = old * hs + im * hc;
      }
    cosine[i] = (float)re;
    sine[i] = (float)im;
  }
}

static void transform(float sign) {
  for (u32 i = 1, j = 0; i < SIZE; i++) {
    u32 bit = SIZE >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      float re = real[i], im = imaginary[i];
      real[i] = real[j], imaginary[i] = imaginary[j];
      real[j] = re, imaginary[j] = im;
    }
  }
  for (u32 half = 1; half < SIZE; half *= 2)
    for (u32 start = 0; start < SIZE; start += 2 * half)
      for (u32 k = 0; k < half; k++) {
        u32 a = start + k, b = a + half, root = k * (SIZE / 2 / half);
        float wr = cosine[root], wi = sign * sine[root];
        float re = real[b] * wr - imaginary[b] * wi, im = real[b] * wi + imaginary[b] * wr;
        real[b] = real[a] - re, imaginary[b] = imaginary[a] - im;
        real[a] += re, imaginary[a] += im;
      }
}

static int guest_main(u32 loops) {
  u32 seed = 23, checksum = 0;
  make_roots();
  for (u32 i = 0; i < SIZE; i++) real[i] = (float)(next_random(&seed) & 255), imaginary[i] = 0;
  while (loops--) {
    transform(1);
    transform(-1);
    for (u32 i = 0; i < SIZE; i++) real[i] *= 1.0f / SIZE, imaginary[i] *= 1.0f / SIZE;
  }
  for (u32 i = 0; i < SIZE; i++) checksum = checksum * 31 + (u32)(int)(real[i] + 0.5f);
  report("fft", checksum);
  return 0;
}
