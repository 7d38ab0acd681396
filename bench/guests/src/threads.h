/* Guest threads without a C library: clone, join by futex, clock, sleep. ARM Linux only. After guest.h. */
#ifndef THREADS_H
#define THREADS_H

enum { SYS_CLONE = 120, SYS_SCHED_YIELD = 158, SYS_NANOSLEEP = 162, SYS_FUTEX = 240, SYS_SCHED_SETAFFINITY = 241, SYS_SCHED_GETAFFINITY = 242 };
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, MAX_THREADS = 128, STACK_BYTES = 8192, PAGE = 4096 };
enum { /* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM: what a POSIX thread shares; CHILD_SETTID and CHILD_CLEARTID: the word that join waits for */
  THREAD_FLAGS = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x01000000 | 0x00200000
};

typedef void thread_function(u32 index);

static u8 stacks[MAX_THREADS][STACK_BYTES] __attribute__((aligned(16)));
static volatile u32 alive[MAX_THREADS]; /* thread identifier; the kernel writes 0 and wakes when the thread ends */

/* clone: flags, child's stack, parent's word, thread pointer, child's word. The child finds its function and argument on its stack. */
__attribute__((naked)) static long clone_thread(u32 flags, void *stack, volatile u32 *word) {
  __asm__("push {r4, r7, lr}\n\t"
          "mov r4, r2\n\t" /* child's word */
          "mov r2, #0\n\t"
          "mov r3, #0\n\t"
          "mov r7, #120\n\t"
          "svc #0\n\t"
          "cmp r0, #0\n\t"
          "bne 1f\n\t"
          "pop {r0, r1}\n\t" /* in the child: argument, function */
          "blx r1\n\t"
          "mov r0, #0\n\t"
          "mov r7, #1\n\t" /* exit */
          "svc #0\n"
          "1: pop {r4, r7, pc}");
}

static void start_thread(u32 index, thread_function *function) {
  u32 *top = (u32 *)(stacks[index] + STACK_BYTES) - 4;
  top[0] = index;
  top[1] = (u32)function;
  alive[index] = 1; /* until the child's identifier is there */
  if (clone_thread(THREAD_FLAGS, top, &alive[index]) < 0) {
    put_text("cannot start a thread\n");
    syscall3(SYS_EXIT_GROUP, 3, 0, 0);
  }
}

static long futex(volatile u32 *word, u32 operation, u32 value) {
  register long r7 __asm__("r7") = SYS_FUTEX;
  register long r0 __asm__("r0") = (long)word;
  register long r1 __asm__("r1") = (long)operation;
  register long r2 __asm__("r2") = (long)value;
  register long r3 __asm__("r3") = 0; /* no timeout */
  __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3) : "memory");
  return r0;
}

static void join_thread(u32 index) {
  for (u32 id; (id = alive[index]) != 0;) futex(&alive[index], FUTEX_WAIT, id);
}

static void yield(void) { syscall3(SYS_SCHED_YIELD, 0, 0, 0); }

static void sleep_ms(u32 milliseconds) {
  u32 spec[2] = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  syscall3(SYS_NANOSLEEP, (long)spec, 0, 0);
}

/* Keep the calling thread on the processor that is `index`th, counted round, of those the process may use: a busy host would leave all on one. */
static void pin_thread(u32 index) {
  u32 allowed[32], one[32], count = 0;
  for (u32 i = 0; i < 32; i++) ((volatile u32 *)allowed)[i] = ((volatile u32 *)one)[i] = 0; /* volatile: no call of memset */
  if (syscall3(SYS_SCHED_GETAFFINITY, 0, sizeof allowed, (long)allowed) < 0) return;
  for (u32 i = 0; i < 1024; i++) count += allowed[i / 32] >> i % 32 & 1;
  for (u32 i = 0, left = count ? index % count : 0; i < 1024; i++)
    if (allowed[i / 32] >> i % 32 & 1 && left-- == 0) one[i / 32] = 1u << i % 32;
  syscall3(SYS_SCHED_SETAFFINITY, 0, sizeof one, (long)one);
}

static void barrier(void) { __asm__ volatile("dmb ish" ::: "memory"); }

#endif
