/* Code whose profile changes: phases.elf LOOPS KERNEL PHASES, such as "1000 branch aab". Each letter is a phase of LOOPS rounds over the same code, which takes
   other paths in phase b than in phase a; the time of each is told, in microseconds.

   branch: a loop with twelve conditions, all false or all true. vm: an interpreter that runs two programs without a common operation. calls: a loop that calls
   four functions through pointers, others in b. */
#define OWN_ARGUMENTS
#include "guest.h"

enum { WORDS = 1024 };
static u32 words[WORDS], histogram[64];

#define KEEP(x) __asm__ volatile("" : "+r"(x)) /* a condition stays a branch */
#define DECIDE(k)                                                                                                                                              \
  if (word >> k & 1) {                                                                                                                                         \
    sum = sum * 33 + k; KEEP(sum);    \
    sum ^= sum >> (k + 3); KEEP(sum);    \
    other += sum << 1; KEEP(other);    \
    histogram[k]++;    \
  } else {                                                                                                                                                     \
    other ^= sum << (k + 1); KEEP(other);    \
    sum += other >> 5; KEEP(sum);    \
    sum -= k * 7 + 1; KEEP(sum);    \
    histogram[k + 16]++;    \
  }

__attribute__((noinline)) static u32 branch(u32 sum, int phase) {
  u32 other = 1;
  for (u32 i = 0; i < WORDS; i++) words[i] = phase ? ~0u : 0;
  for (u32 i = 0; i < WORDS; i++) {
    u32 word = words[i];
    DECIDE(0) DECIDE(1) DECIDE(2) DECIDE(3) DECIDE(4) DECIDE(5) DECIDE(6) DECIDE(7) DECIDE(8) DECIDE(9) DECIDE(10) DECIDE(11)
  }
  return sum ^ other;
}

enum operation { SET, ADD, XOR, SHIFT, LOOP, SAVE, LOAD, TAKE, TIMES, OR, ROTATE, COUNT, STORE, FETCH, END };
static const u8 programs[2][24] = {
    {SET, 250, ADD, 3, XOR, 77, SHIFT, 3, SAVE, 5, ADD, 9, LOAD, 5, XOR, 21, LOOP, 2, END},
    {FETCH, 7, TAKE, 3, TIMES, 77, ROTATE, 3, STORE, 5, OR, 9, FETCH, 5, TAKE, 21, COUNT, 2, END},
};

__attribute__((noinline)) static u32 vm(u32 sum, int phase) {
  u32 left = 250, value = sum;
  const u8 *code = programs[phase];
  for (const u8 *at = code;;) {
    u32 operand = at[1];
    switch (at += 2, at[-2]) {
      case SET: left = operand; break;
      case ADD: value += operand; KEEP(value); break;
      case XOR: value ^= operand; KEEP(value); break;
      case SHIFT: value ^= value << operand; break;
      case LOOP: if (--left) at = code + operand; break;
      case SAVE: histogram[operand] = value; break;
      case LOAD: value += histogram[operand]; break;
      case TAKE: value -= operand; KEEP(value); break;
      case TIMES: value *= operand; break;
      case OR: value |= operand; KEEP(value); break;
      case ROTATE: value = value >> operand | value << (32 - operand); break;
      case COUNT: if (--left) at = code + operand; break;
      case STORE: words[operand] = value; break;
      case FETCH: value += words[operand]; break;
      default: return value;
    }
  }
}

typedef u32 step(u32 value);
#define STEP(name, text) __attribute__((noinline)) static u32 name(u32 x) { text; return x; }
STEP(add, x += x >> 3; KEEP(x); x ^= x << 5)
STEP(mix, x ^= x >> 7; KEEP(x); x += x << 9)
STEP(turn, x = x >> 3 | x << 29; KEEP(x); x += 77)
STEP(flip, x = ~x; KEEP(x); x ^= x >> 11)
STEP(sub, x -= x >> 4; KEEP(x); x ^= x << 6)
STEP(blend, x ^= x >> 8; KEEP(x); x -= x << 10)
STEP(spin, x = x >> 5 | x << 27; KEEP(x); x -= 99)
STEP(swap, x = x >> 16 | x << 16; KEEP(x); x ^= x >> 13)
static step *const steps[2][4] = {{add, mix, turn, flip}, {sub, blend, spin, swap}};

__attribute__((noinline)) static u32 calls(u32 sum, int phase) {
  step *const *own = steps[phase];
  for (u32 i = 0; i < 250; i++) sum = own[3](own[2](own[1](own[0](sum)))) + i;
  return sum;
}

static int guest_main(u32 loops) {
  const char *name = guest_arguments[2], *phases = guest_arguments[3];
  u32 checksum = 1;
  for (; *phases; phases++) {
    int phase = *phases == 'b';
    u32 begin = microseconds();
    for (u32 i = 0; i < loops; i++) checksum = *name == 'b' ? branch(checksum, phase) : *name == 'v' ? vm(checksum, phase) : calls(checksum, phase);
    field(phase ? " b=" : " a=", microseconds() - begin);
  }
  put_text("\n");
  report(name, checksum);
  return 0;
}
