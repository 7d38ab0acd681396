/* Kernel: 1,000 long jumps out of nested calls, argv[1] times. Returns that do not match their calls. */
#include "guest.h"

typedef struct {
  long registers[32];
} jump_t;

#ifdef __x86_64__
__attribute__((naked, noinline, returns_twice)) static int set_jump(jump_t *jump) {
  __asm__("mov %rbx, (%rdi)\n\tmov %rbp, 8(%rdi)\n\tmov %r12, 16(%rdi)\n\tmov %r13, 24(%rdi)\n\tmov %r14, 32(%rdi)\n\tmov %r15, 40(%rdi)\n\t"
          "lea 8(%rsp), %rdx\n\tmov %rdx, 48(%rdi)\n\tmov (%rsp), %rdx\n\tmov %rdx, 56(%rdi)\n\txor %eax, %eax\n\tret");
}
__attribute__((naked, noinline, noreturn)) static void long_jump(jump_t *jump, int value) {
  __asm__("mov %esi, %eax\n\tmov (%rdi), %rbx\n\tmov 8(%rdi), %rbp\n\tmov 16(%rdi), %r12\n\tmov 24(%rdi), %r13\n\tmov 32(%rdi), %r14\n\tmov 40(%rdi), %r15\n\t"
          "mov 48(%rdi), %rsp\n\tjmp *56(%rdi)");
}
#elif defined(__i386__)
__attribute__((naked, noinline, returns_twice)) static int set_jump(jump_t *jump) {
  __asm__("mov 4(%esp), %ecx\n\tmov %ebx, (%ecx)\n\tmov %ebp, 4(%ecx)\n\tmov %esi, 8(%ecx)\n\tmov %edi, 12(%ecx)\n\t"
          "lea 4(%esp), %edx\n\tmov %edx, 16(%ecx)\n\tmov (%esp), %edx\n\tmov %edx, 20(%ecx)\n\txor %eax, %eax\n\tret");
}
__attribute__((naked, noinline, noreturn)) static void long_jump(jump_t *jump, int value) {
  __asm__("mov 4(%esp), %ecx\n\tmov 8(%esp), %eax\n\tmov (%ecx), %ebx\n\tmov 4(%ecx), %ebp\n\tmov 8(%ecx), %esi\n\tmov 12(%ecx), %edi\n\t"
          "mov 16(%ecx), %esp\n\tjmp *20(%ecx)");
}
#else
__attribute__((naked, noinline, returns_twice)) static int set_jump(jump_t *jump) {
  __asm__("mov r12, sp\n\tstmia r0!, {r4-r12, lr}\n\tvstmia r0, {d8-d15}\n\tmov r0, #0\n\tbx lr");
}
__attribute__((naked, noinline, noreturn)) static void long_jump(jump_t *jump, int value) {
  __asm__("ldmia r0!, {r4-r12, lr}\n\tmov sp, r12\n\tvldmia r0, {d8-d15}\n\tmov r0, r1\n\tbx lr");
}
#endif

static jump_t place;

__attribute__((noinline)) static u32 deeper(u32 depth, u32 value) {
  if (!depth) long_jump(&place, (int)(value | 1));
  return deeper(depth - 1, value * 31 + depth) + 1;
}

static int guest_main(u32 loops) {
  volatile u32 checksum = 0, n = 0; /* volatile: they live across the jump */
  u32 count = loops * 1000;
  while (n < count) {
    int got = set_jump(&place);
    if (got)
      checksum = checksum * 31 + (u32)got;
    else
      checksum += deeper(n % 12, n);
    n += got != 0;
  }
  report("setjmp", checksum);
  return 0;
}
