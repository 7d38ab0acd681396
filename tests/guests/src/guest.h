/* What the guest programs share: a start without a C library, Linux system calls, printing of numbers. Included once by each program. */
#ifndef GUEST_H
#define GUEST_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#if defined(__x86_64__)
enum { SYS_WRITE = 1, SYS_CLOCK_GETTIME = 228, SYS_EXIT_GROUP = 231 };

static long syscall3(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

__attribute__((naked, noreturn)) void _start(void) { __asm__("mov %rsp, %rdi\n\tcall guest_start\n\tud2"); }
#elif defined(__i386__)
enum { SYS_WRITE = 4, SYS_EXIT_GROUP = 252, SYS_CLOCK_GETTIME = 265 };

static long syscall3(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
  return result;
}

/* The ABI wants the stack pointer before a call to be a multiple of 16: as it is at the start of a process, less argument and padding. */
__attribute__((naked, noreturn)) void _start(void) { __asm__("mov %esp, %eax\n\tsub $12, %esp\n\tpush %eax\n\tcall guest_start\n\tud2"); }
#else
enum { SYS_WRITE = 4, SYS_EXIT_GROUP = 248, SYS_CLOCK_GETTIME = 263 };

static long syscall3(long number, long a, long b, long c) {
  register long r7 __asm__("r7") = number;
  register long r0 __asm__("r0") = a;
  register long r1 __asm__("r1") = b;
  register long r2 __asm__("r2") = c;
  __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2) : "memory");
  return r0;
}

__attribute__((naked, noreturn)) void _start(void) { __asm__("mov r0, sp\n\tbl guest_start\n\tudf #0"); }
#endif

static void put_text(const char *text) {
  u32 length = 0;
  while (text[length]) length++;
  syscall3(SYS_WRITE, 1, (long)text, length);
}

static void put_number(u32 value, u32 base) {
  char digits[12];
  char *at = digits + sizeof digits - 1;
  *at = 0;
  do {
    u32 digit = value % base;
    *--at = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
    value /= base;
  } while (value);
  put_text(at);
}

/* name: the checksum, as all kernels report it */
__attribute__((unused)) static void report(const char *name, u32 checksum) {
  put_text(name);
  put_text(" ");
  put_number(checksum, 16);
  put_text("\n");
}

static u32 parse(const char *text) {
  u32 value = 0;
  for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (u32)(*text - '0');
  return value;
}

/* One xorshift step: the kernels' source of numbers. */
static u32 next_random(u32 *state) {
  u32 x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

enum { CLOCK_MONOTONIC = 1 };

/* Time since some start; wraps after 71 minutes, so only differences mean something. */
static u32 microseconds(void) {
  long spec[2]; /* seconds, nanoseconds */
  syscall3(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, (long)spec, 0);
  return (u32)spec[0] * 1000000 + (u32)spec[1] / 1000;
}

static void field(const char *name, u32 value) {
  put_text(name);
  put_number(value, 10);
}

static int guest_main(u32 loops);
static const char *const *guest_arguments; /* argv: ends with a null pointer */

/* All is done twice, the second time by code that is hot: microseconds of both. */
static int timed(u32 loops) {
  u32 begin = microseconds(), status = (u32)guest_main(loops), middle = microseconds();
  status |= (u32)guest_main(loops);
  field("first_us=", middle - begin);
  field(" second_us=", microseconds() - middle);
  put_text("\n");
  return (int)status;
}

/* argv[1] is the loop count, 1 if it is missing. With an argv[2] the kernel tells its times, unless it has arguments of its own. */
__attribute__((used, noreturn)) static void guest_start(const long *stack) {
  guest_arguments = (const char *const *)(stack + 1);
  u32 loops = stack[0] > 1 ? parse(guest_arguments[1]) : 1;
#ifdef OWN_ARGUMENTS
  int status = guest_main(loops);
#else
  int status = stack[0] > 2 ? timed(loops) : guest_main(loops);
#endif
  syscall3(SYS_EXIT_GROUP, status, 0, 0);
  __builtin_unreachable();
}

#endif
