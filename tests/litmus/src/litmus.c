/* Litmus tests: litmus TEST|all VARIANT|all ROUNDS. What two to four threads see of each other's loads and stores.
 *
 * The threads go through the same INSTANCES pairs of words x and y side by side, meet, and the outcomes are counted; ROUNDS times. VARIANT is
 * plain (no ordering), dmb (a DMB between the accesses of a thread) or acqrel (LDA and STL in place of all loads and stores). Prints a line for each
 *   test=MP variant=dmb outcomes 1,1:123 0,0:45
 * the values in the order of the test's row in the runner's table.
 */
#define OWN_ARGUMENTS
#include "guest.h"
#include "threads.h"

enum { INSTANCES = 256, LINE = 16 /* words in a cache line */, VALUES = 4, OUTCOMES = 81 /* three values in each of VALUES */, SPINS = 2000, PATIENCE = 20000, SKEW = 4 };
enum variant { PLAIN, DMB, ACQREL };

typedef volatile u32 word;
static word xs[INSTANCES * LINE] __attribute__((aligned(4096))), ys[INSTANCES * LINE] __attribute__((aligned(4096)));
static u32 seen[VALUES][INSTANCES] __attribute__((aligned(4096)));
static word arrived[MAX_THREADS * LINE] __attribute__((aligned(4096))), reached[MAX_THREADS * LINE] __attribute__((aligned(4096)));
static u32 counts[OUTCOMES];
static u32 threads, rounds;

static inline __attribute__((always_inline)) u32 load(word *from, enum variant variant) {
  u32 value;
  if (variant == ACQREL)
    __asm__ volatile("lda %0, [%1]" : "=r"(value) : "r"(from) : "memory");
  else
    __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(from) : "memory");
  return value;
}

static inline __attribute__((always_inline)) void store(word *to, u32 value, enum variant variant) {
  if (variant == ACQREL)
    __asm__ volatile("stl %0, [%1]" ::"r"(value), "r"(to) : "memory");
  else
    __asm__ volatile("str %0, [%1]" ::"r"(value), "r"(to) : "memory");
}

static inline __attribute__((always_inline)) void fence(enum variant variant) {
  if (variant == DMB) __asm__ volatile("dmb ish" ::: "memory");
}

/* What a thread knows on its way: `patience` is how long it will still wait for others in this round. */
typedef struct {
  u32 me, base, random, patience;
} self_t;
typedef void part(self_t *);

/* Wait until all threads have come to instance `i`: with loads and stores alone, since a barrier would order what is under test; and not for ever, since they
 * may have no processor now. Then part by a few instructions. */
static inline __attribute__((always_inline)) void keep_step(self_t *self, u32 i) {
  reached[self->me * LINE] = self->base + i;
  for (u32 other = 0; other < threads; other++)
    while ((int)(reached[other * LINE] - (self->base + i)) < 0 && self->patience) self->patience--;
  for (u32 skew = next_random(&self->random) % SKEW; skew; skew--) __asm__ volatile("" ::: "memory");
}

/* The loop of one thread over all instances, once a variant. `code` may use x, y, v and note(column, value). */
#define note(column, value) seen[column][i] = (value)
#define LOOP(name, v_, code) \
  static void name(self_t *shared) { \
    enum variant v = v_; \
    self_t self = *shared; \
    (void)v; \
    for (u32 i = 0; i < INSTANCES; i++) { \
      word *x = &xs[i * LINE], *y = &ys[i * LINE]; \
      (void)x, (void)y; \
      keep_step(&self, i); \
      code; \
    } \
    *shared = self; \
  }
#define PART(name, code) LOOP(name##_plain, PLAIN, code) LOOP(name##_dmb, DMB, code) LOOP(name##_acqrel, ACQREL, code)

/* Message passing. */
PART(mp0, store(x, 1, v); fence(v); store(y, 1, v))
PART(mp1, u32 a = load(y, v); fence(v); u32 b = load(x, v); note(0, a); note(1, b))
/* Store buffering. */
PART(sb0, store(x, 1, v); fence(v); u32 a = load(y, v); note(0, a))
PART(sb1, store(y, 1, v); fence(v); u32 a = load(x, v); note(1, a))
/* Load buffering. */
PART(lb0, u32 a = load(x, v); fence(v); store(y, 1, v); note(0, a))
PART(lb1, u32 a = load(y, v); fence(v); store(x, 1, v); note(1, a))
/* S: a store that comes before one it should follow. */
PART(s0, store(x, 2, v); fence(v); store(y, 1, v))
PART(s1, u32 a = load(y, v); fence(v); store(x, 1, v); note(0, a))
/* R: the last of two stores and a load. */
PART(r0, store(x, 1, v); fence(v); store(y, 1, v))
PART(r1, store(y, 2, v); fence(v); u32 a = load(x, v); note(0, a))
/* 2+2W: two writers of both words. */
PART(w0, store(x, 1, v); fence(v); store(y, 2, v))
PART(w1, store(y, 1, v); fence(v); store(x, 2, v))
/* IRIW: independent reads of independent writes. */
PART(iriw0, store(x, 1, v))
PART(iriw1, store(y, 1, v))
PART(iriw2, u32 a = load(x, v); fence(v); u32 b = load(y, v); note(0, a); note(1, b))
PART(iriw3, u32 a = load(y, v); fence(v); u32 b = load(x, v); note(2, a); note(3, b))
/* CoRR: one word read twice. */
PART(corr0, store(x, 1, v))
PART(corr1, u32 a = load(x, v); u32 b = load(x, v); note(0, a); note(1, b))

#define VARIANTS(name) {name##_plain, name##_dmb, name##_acqrel}
typedef struct {
  const char *name;
  u32 threads, columns; /* columns noted by the threads */
  u32 final_x, final_y; /* 1: the last value of x, y is one more column */
  part *parts[4][3];
} test_t;
static const test_t tests[] = {
    {"MP", 2, 2, 0, 0, {VARIANTS(mp0), VARIANTS(mp1)}},
    {"SB", 2, 2, 0, 0, {VARIANTS(sb0), VARIANTS(sb1)}},
    {"LB", 2, 2, 0, 0, {VARIANTS(lb0), VARIANTS(lb1)}},
    {"S", 2, 1, 1, 0, {VARIANTS(s0), VARIANTS(s1)}},
    {"R", 2, 1, 0, 1, {VARIANTS(r0), VARIANTS(r1)}},
    {"2+2W", 2, 0, 1, 1, {VARIANTS(w0), VARIANTS(w1)}},
    {"IRIW", 4, 4, 0, 0, {VARIANTS(iriw0), VARIANTS(iriw1), VARIANTS(iriw2), VARIANTS(iriw3)}},
    {"CoRR", 2, 2, 0, 0, {VARIANTS(corr0), VARIANTS(corr1)}},
};
static const char *const variants[] = {"plain", "dmb", "acqrel"};
static const test_t *test;
static u32 variant;

/* All threads arrive before any leaves. */
static void meet(u32 me, u32 turn) {
  barrier();
  arrived[me * LINE] = turn;
  for (u32 i = 0; i < threads; i++)
    for (u32 spins = 0; (int)(arrived[i * LINE] - turn) < 0;)
      if (++spins % SPINS == 0) yield(); /* more threads than processors */
  barrier();
}

static void count_outcomes(void) {
  for (u32 i = 0; i < INSTANCES; i++) {
    u32 outcome = 0;
    for (u32 column = 0; column < test->columns; column++) outcome = outcome * 3 + seen[column][i];
    if (test->final_x) outcome = outcome * 3 + xs[i * LINE];
    if (test->final_y) outcome = outcome * 3 + ys[i * LINE];
    counts[outcome]++;
    xs[i * LINE] = ys[i * LINE] = 0;
  }
}

static void worker(u32 me) {
  pin_thread(me);
  part *run = test->parts[me][variant];
  self_t self = {me, 1, me * 2654435761u + 1, 0};
  for (u32 n = 0, turn = 1; n < rounds; n++, turn += 2, self.base += INSTANCES) {
    meet(me, turn);
    self.patience = PATIENCE;
    run(&self);
    meet(me, turn + 1);
    if (me == 0) count_outcomes();
  }
}

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static void print_outcome(u32 outcome, u32 columns) {
  if (columns > 1) {
    print_outcome(outcome / 3, columns - 1);
    put_text(",");
  }
  put_number(outcome % 3, 10);
}

static void run_test(void) {
  threads = test->threads;
  for (u32 i = 0; i < OUTCOMES; i++) ((volatile u32 *)counts)[i] = 0; /* volatile: no call of memset */
  for (u32 i = 0; i < MAX_THREADS; i++) arrived[i * LINE] = reached[i * LINE] = 0;
  for (u32 i = 0; i < threads; i++) start_thread(i, worker);
  for (u32 i = 0; i < threads; i++) join_thread(i);
  put_text("test=");
  put_text(test->name);
  put_text(" variant=");
  put_text(variants[variant]);
  put_text(" outcomes");
  for (u32 outcome = 0; outcome < OUTCOMES; outcome++) {
    if (!counts[outcome]) continue;
    put_text(" ");
    print_outcome(outcome, test->columns + test->final_x + test->final_y);
    put_text(":");
    put_number(counts[outcome], 10);
  }
  put_text("\n");
}

static int guest_main(u32 unused) {
  const char *const *given = guest_arguments + 1;
  u32 done = 0;
  (void)unused;
  if (given[0] && given[1] && given[2] && (rounds = parse(given[2])) != 0)
    for (test = tests; test < tests + sizeof tests / sizeof *tests; test++)
      for (variant = 0; variant < sizeof variants / sizeof *variants; variant++) {
        if (!same(given[0], "all") && !same(given[0], test->name)) continue;
        if (!same(given[1], "all") && !same(given[1], variants[variant])) continue;
        run_test();
        done++;
      }
  if (done) return 0;
  put_text("usage: litmus MP|SB|LB|S|R|2+2W|IRIW|CoRR|all plain|dmb|acqrel|all ROUNDS\n");
  return 2;
}
