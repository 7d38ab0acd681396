/* Who breaks a link: links WRITER|all ROUNDS. Thread 0 takes a link with LDREX and waits; thread 1 writes what is there already, in the way of WRITER; thread 0's STREX
 * must fail. A compare-and-swap in place of the link cannot see such a write. Prints for each writer
 *   writer=str rounds=100 stored=0
 * where stored counts the STREX that did store.
 */
#define OWN_ARGUMENTS
#include "guest.h"
#include "threads.h"

enum { SYS_READ = 3, SYS_PIPE2 = 359, VALUE = 0x01020304, SPINS = 2000, NEIGHBOUR = 64 /* words further: another reservation granule */ };

typedef volatile u32 word;
static word memory[1024] __attribute__((aligned(4096)));
static word asked[1024] __attribute__((aligned(4096))), answered[1024] __attribute__((aligned(4096)));
static int ends[2];
static u32 rounds;

typedef void writer(void);

/* The word that is linked is the first of eight, all of the same value. */
static void write_str(void) { __asm__ volatile("str %0, [%1]" ::"r"(VALUE), "r"(memory) : "memory"); }
static void write_strb(void) { __asm__ volatile("strb %0, [%1, #1]" ::"r"(VALUE >> 8), "r"(memory) : "memory"); }
static void write_strh(void) { __asm__ volatile("strh %0, [%1, #2]" ::"r"(VALUE >> 16), "r"(memory) : "memory"); }
static void write_unaligned(void) { __asm__ volatile("str %0, [%1, #-2]" ::"r"((u32)VALUE << 16 | VALUE >> 16), "r"(memory + 1) : "memory"); }
static void write_strd(void) {
  __asm__ volatile("mov r2, %0\n\tmov r3, %0\n\tstrd r2, r3, [%1]" ::"r"(VALUE), "r"(memory) : "r2", "r3", "memory");
}
static void write_stm(void) {
  __asm__ volatile("mov r2, %0\n\tmov r3, %0\n\tmov r4, %0\n\tstm %1, {r2, r3, r4}" ::"r"(VALUE), "r"(memory) : "r2", "r3", "r4", "memory");
}
static void write_vst1(void) { __asm__ volatile("vdup.32 q8, %0\n\tvst1.32 {d16, d17}, [%1]" ::"r"(VALUE), "r"(memory) : "q8", "memory"); }
static void write_stl(void) { __asm__ volatile("stl %0, [%1]" ::"r"(VALUE), "r"(memory) : "memory"); }
static void write_strex(void) {
  u32 failed, old;
  do __asm__ volatile("ldrex %1, [%2]\n\tstrex %0, %1, [%2]" : "=&r"(failed), "=&r"(old) : "r"(memory) : "memory");
  while (failed);
}
/* The kernel writes into the word. */
static void write_read(void) {
  u32 value = VALUE;
  syscall3(SYS_WRITE, ends[1], (long)&value, sizeof value);
  syscall3(SYS_READ, ends[0], (long)memory, sizeof value);
}
static void write_neighbour(void) { __asm__ volatile("str %0, [%1]" ::"r"(VALUE), "r"(memory + NEIGHBOUR) : "memory"); }
static void write_nothing(void) {}

static const struct {
  const char *name;
  writer *run;
} writers[] = {{"str", write_str},   {"strb", write_strb}, {"strh", write_strh},   {"unaligned", write_unaligned}, {"strd", write_strd},           {"stm", write_stm},
               {"vst1", write_vst1}, {"stl", write_stl},   {"strex", write_strex}, {"read", write_read},           {"neighbour", write_neighbour}, {"nothing", write_nothing}};
static writer *chosen;

static void wait_for(word *what, u32 value) {
  for (u32 spins = 0; *what != value;)
    if (++spins % SPINS == 0) yield();
}

static void writes(u32 unused) {
  (void)unused;
  for (u32 n = 1; n <= rounds; n++) {
    wait_for(asked, n);
    barrier();
    chosen();
    barrier();
    *answered = n;
  }
}

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static void run(u32 at) {
  u32 stored = 0;
  chosen = writers[at].run;
  *asked = *answered = 0;
  start_thread(0, writes);
  for (u32 n = 1; n <= rounds; n++) {
    u32 old, failed;
    __asm__ volatile("ldrex %0, [%1]" : "=r"(old) : "r"(memory) : "memory");
    *asked = n;
    while (*answered != n) {} /* no system call: an exception clears the link too */
    __asm__ volatile("strex %0, %2, [%1]" : "=&r"(failed) : "r"(memory), "r"(old) : "memory");
    stored += !failed;
  }
  join_thread(0);
  put_text("writer=");
  put_text(writers[at].name);
  field(" rounds=", rounds);
  field(" stored=", stored);
  put_text("\n");
}

static int guest_main(u32 unused) {
  const char *const *given = guest_arguments + 1;
  u32 done = 0;
  (void)unused;
  for (u32 i = 0; i < 8; i++) memory[i] = VALUE;
  if (given[0] && given[1] && (rounds = parse(given[1])) != 0 && syscall3(SYS_PIPE2, (long)ends, 0, 0) >= 0)
    for (u32 at = 0; at < sizeof writers / sizeof *writers; at++)
      if (same(given[0], "all") || same(given[0], writers[at].name)) run(at), done++;
  if (done) return 0;
  put_text("usage: links str|strb|strh|unaligned|strd|stm|vst1|stl|strex|read|neighbour|nothing|all ROUNDS\n");
  return 2;
}
