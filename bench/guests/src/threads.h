/* Guest threads without a C library: clone, join by futex, clock, sleep. After guest.h. */
#ifndef THREADS_H
#define THREADS_H

#if defined(__x86_64__)
enum { SYS_READ = 0, SYS_MMAP = 9, SYS_SCHED_YIELD = 24, SYS_NANOSLEEP = 35, SYS_CLONE = 56, SYS_FUTEX = 202, SYS_SCHED_SETAFFINITY = 203 };
enum { SYS_SCHED_GETAFFINITY = 204 };
#else
enum { SYS_READ = 3, SYS_CLONE = 120, SYS_SCHED_YIELD = 158, SYS_NANOSLEEP = 162, SYS_MMAP = 192 /* mmap2 */, SYS_FUTEX = 240 };
enum { SYS_SCHED_SETAFFINITY = 241, SYS_SCHED_GETAFFINITY = 242 };
#endif
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, MAX_THREADS = 128, STACK_BYTES = 8192, PAGE = 4096 };
enum { /* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM: what a POSIX thread shares; CHILD_SETTID and CHILD_CLEARTID: the word that join waits for */
  THREAD_FLAGS = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x01000000 | 0x00200000
};

typedef void thread_function(u32 index);

static u8 stacks[MAX_THREADS][STACK_BYTES] __attribute__((aligned(16)));
static volatile u32 alive[MAX_THREADS]; /* thread identifier; the kernel writes 0 and wakes when the thread ends */

/* clone: flags, child's stack, parent's word, and thread pointer and child's word, which change places from one architecture to the next. The child finds its
 * function and argument on its stack. */
#if defined(__x86_64__)
__attribute__((naked)) static long clone_thread(u32 flags, void *stack, volatile u32 *word) {
  __asm__("mov %rdx, %r10\n\t" /* child's word */
          "xor %edx, %edx\n\t"
          "xor %r8d, %r8d\n\t"
          "mov $56, %eax\n\t"
          "syscall\n\t"
          "test %rax, %rax\n\t"
          "jne 1f\n\t"
          "pop %rdi\n\t" /* in the child: argument, function */
          "pop %rax\n\t"
          "call *%rax\n\t"
          "xor %edi, %edi\n\t"
          "mov $60, %eax\n\t" /* exit */
          "syscall\n"
          "1: ret");
}
#elif defined(__i386__)
__attribute__((naked)) static long clone_thread(u32 flags, void *stack, volatile u32 *word) {
  __asm__("push %ebx\n\t"
          "push %esi\n\t"
          "push %edi\n\t"
          "mov 16(%esp), %ebx\n\t"
          "mov 20(%esp), %ecx\n\t"
          "mov 24(%esp), %edi\n\t" /* child's word */
          "xor %edx, %edx\n\t"
          "xor %esi, %esi\n\t"
          "mov $120, %eax\n\t"
          "int $0x80\n\t"
          "test %eax, %eax\n\t"
          "jne 1f\n\t"
          "mov 4(%esp), %eax\n\t" /* in the child: argument, function */
          "call *%eax\n\t"
          "xor %ebx, %ebx\n\t"
          "mov $1, %eax\n\t" /* exit */
          "int $0x80\n"
          "1: pop %edi\n\t"
          "pop %esi\n\t"
          "pop %ebx\n\t"
          "ret");
}
#else
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
#endif

static void start_thread(u32 index, thread_function *function) {
  unsigned long *top = (unsigned long *)(stacks[index] + STACK_BYTES) - 4;
  top[0] = index;
  top[1] = (unsigned long)function;
  alive[index] = 1; /* until the child's identifier is there */
  if (clone_thread(THREAD_FLAGS, top, &alive[index]) < 0) {
    put_text("cannot start a thread\n");
    syscall3(SYS_EXIT_GROUP, 3, 0, 0);
  }
}

/* A system call with six arguments, of which the last is 0. */
static long syscall6(long number, long a, long b, long c, long d, long e) {
#if defined(__x86_64__)
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = 0;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
#elif defined(__i386__)
  long result;
  __asm__ volatile("push %%ebp\n\txor %%ebp, %%ebp\n\tint $0x80\n\tpop %%ebp" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
  return result;
#else
  register long r7 __asm__("r7") = number;
  register long r0 __asm__("r0") = a;
  register long r1 __asm__("r1") = b;
  register long r2 __asm__("r2") = c;
  register long r3 __asm__("r3") = d;
  register long r4 __asm__("r4") = e;
  register long r5 __asm__("r5") = 0;
  __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5) : "memory");
  return r0;
#endif
}

static long futex(volatile u32 *word, u32 operation, u32 value) { return syscall6(SYS_FUTEX, (long)word, (long)operation, (long)value, 0, 0); }

static void join_thread(u32 index) {
  for (u32 id; (id = alive[index]) != 0;) futex(&alive[index], FUTEX_WAIT, id);
}

static void yield(void) { syscall3(SYS_SCHED_YIELD, 0, 0, 0); }

static void sleep_ms(u32 milliseconds) {
  long spec[2] = {(long)(milliseconds / 1000), (long)(milliseconds % 1000 * 1000000)};
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

/* All accesses before are ordered before those after. */
static void barrier(void) {
#if defined(__x86_64__) || defined(__i386__)
  __asm__ volatile("mfence" ::: "memory");
#else
  __asm__ volatile("dmb ish" ::: "memory");
#endif
}

#endif
