/* Kernel: a Mandelbrot set of 32 x 32 points, argv[1] times. Double precision in registers, a loop whose end depends on it. */
#include "guest.h"

enum { SIDE = 32, LIMIT = 200 };

static int guest_main(u32 loops) {
  u32 checksum = 0;
  while (loops--)
    for (u32 row = 0; row < SIDE; row++)
      for (u32 column = 0; column < SIDE; column++) {
        double cx = (double)column / 12.0 - 2.0 + (double)(loops & 7) / 512.0, cy = (double)row / 12.0 - 1.3, x = 0, y = 0;
        u32 steps = 0;
        while (steps < LIMIT && x * x + y * y < 4.0) {
          double next = x * x - y * y + cx;
          y = 2.0 * x * y + cy;
          x = next;
          steps++;
        }
        checksum = checksum * 31 + steps;
      }
  report("mandelbrot", checksum);
  return 0;
}
