/* Kernel: five bodies under gravitation, argv[1] * 100 steps. Double precision with divisions and square roots. */
#include "guest.h"

enum { BODIES = 5 };
typedef struct {
  double place[3], speed[3], mass;
} body_t;
static body_t bodies[BODIES];

static void step(double time) {
  for (u32 i = 0; i < BODIES; i++)
    for (u32 j = i + 1; j < BODIES; j++) {
      body_t *one = &bodies[i], *other = &bodies[j];
      double apart[3], square = 0.01;
      for (u32 k = 0; k < 3; k++) {
        apart[k] = one->place[k] - other->place[k];
        square += apart[k] * apart[k];
      }
      double pull = time / (square * __builtin_sqrt(square));
      for (u32 k = 0; k < 3; k++) {
        one->speed[k] -= apart[k] * other->mass * pull;
        other->speed[k] += apart[k] * one->mass * pull;
      }
    }
  for (u32 i = 0; i < BODIES; i++)
    for (u32 k = 0; k < 3; k++) bodies[i].place[k] += time * bodies[i].speed[k];
}

static int guest_main(u32 loops) {
  u32 seed = 17, checksum = 0;
  for (u32 i = 0; i < BODIES; i++) {
    bodies[i].mass = 1.0 + (double)(next_random(&seed) & 255) / 64.0;
    for (u32 k = 0; k < 3; k++) {
      bodies[i].place[k] = (double)(next_random(&seed) & 1023) / 128.0 - 4.0;
      bodies[i].speed[k] = (double)(next_random(&seed) & 1023) / 1024.0 - 0.5;
    }
  }
  for (u32 n = 0; n < loops * 100; n++) step(1.0 / 1024.0);
  for (u32 i = 0; i < BODIES; i++)
    for (u32 k = 0; k < 3; k++) checksum = checksum * 31 + (u32)(int)(bodies[i].place[k] * 4096.0);
  report("nbody", checksum);
  return 0;
}
