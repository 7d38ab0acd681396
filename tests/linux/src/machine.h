/* What the test programs say in machine code: one block an architecture.
   PC(ucontext); KEEPS_FLOAT(process, signal): a float that stays in a register while a signal comes, CLOBBERS(n): what the handler does to it;
   STORE_TO_NOWHERE, of STORE_BYTES(ucontext) bytes; UNDEFINED, BREAKPOINT, MISALIGNED(address), MISALIGNED_LINK(address) and EXTRA_FAULTS: instructions that fault;
   RETURNS(words, n): two words of code, a function that returns n. */
#include <ucontext.h>

#define NOWHERE 0x1234

#if defined(__arm__)
#define PC(u) ((u)->uc_mcontext.arm_pc)
#define KEEPS_FLOAT(a, b, process, signal) \
    __asm__ volatile("vmov s17, %1\n mov r0, %2\n mov r1, %3\n mov r7, #37\n svc #0\n vmov %0, s17" \
                     : "=r"(b) : "r"(a), "r"(process), "r"(signal) : "r0", "r1", "r7", "s17", "memory")
#define CLOBBERS(n) __asm__ volatile("vmov s17, %0" ::"r"(n) : "s17")
#define STORE_TO_NOWHERE (*(volatile int *)NOWHERE = 1)
#define STORE_BYTES(u) ((u)->uc_mcontext.arm_cpsr & 0x20 ? 2 : 4)
#define UNDEFINED __asm__ volatile("udf #0")
#define BREAKPOINT __asm__ volatile("bkpt #1")
#define MISALIGNED(at) __asm__ volatile("ldrd r0, r1, [%0]" ::"r"((at) + 2) : "r0", "r1")
#define MISALIGNED_LINK(at) __asm__ volatile("ldrex r0, [%0]" ::"r"((at) + 1) : "r0")
#define EXTRA_FAULTS(kind)
#define RETURNS(words, n) ((words)[0] = 0xe3a00000 | (n) /* mov r0, #n */, (words)[1] = 0xe12fff1e /* bx lr */)

#else
#if defined(__i386__)
#define PC(u) ((u)->uc_mcontext.gregs[REG_EIP])
#define SYSTEM_CALL "int $0x80"
#define KILL_ARGUMENTS(process, signal) "b"(process), "c"(signal)
#define KILL 37
#define SYSTEM_CALL_CLOBBERS "memory"
#define EXTRA_FAULTS(kind) \
    case 17: __asm__ volatile("mov $0x7fffffff, %%eax\n add $1, %%eax\n into" ::: "eax", "cc"); break; \
    case 18: { int bounds[2] = {1, 5}; __asm__ volatile("bound %0, %1" ::"r"(9), "m"(bounds)); break; } \
    X86_FAULTS
#else
#define PC(u) ((u)->uc_mcontext.gregs[REG_RIP])
#define SYSTEM_CALL "syscall"
#define KILL_ARGUMENTS(process, signal) "D"((long)(process)), "S"((long)(signal))
#define KILL 62
#define SYSTEM_CALL_CLOBBERS "memory", "rcx", "r11"
#define EXTRA_FAULTS(kind) \
    case 19: (void)*(volatile int *)0x8000000000000000; break; \
    X86_FAULTS
#endif
#define X86_FAULTS \
    case 14: { volatile int zero = 0; __asm__ volatile("cltd\n idivl %1" : "+a"(kind) : "m"(zero) : "edx", "cc"); break; } \
    case 15: __asm__ volatile("hlt"); break; \
    case 16: __asm__ volatile("int $0x21"); break;
/* in an SSE register and on the x87 stack */
#define KEEPS_FLOAT(a, b, process, signal) \
    do { \
        float on_stack; \
        long call = KILL; \
        __asm__ volatile("movss %3, %%xmm7\n flds %3\n" SYSTEM_CALL "\n fstps %1\n movss %%xmm7, %0" \
                         : "=m"(b), "=m"(on_stack), "+a"(call) : "m"(a), KILL_ARGUMENTS(process, signal) : "xmm7", SYSTEM_CALL_CLOBBERS); \
        if (on_stack != b) \
            b = 0; \
    } while (0)
#define CLOBBERS(n) __asm__ volatile("cvtsi2ss %0, %%xmm7\n fninit\n fldpi\n fldz" ::"r"(n) : "xmm7")
#define STORE_TO_NOWHERE __asm__ volatile("movl %%eax, (%1)" ::"a"(1), "c"((long)NOWHERE) : "memory")
#define STORE_BYTES(u) 2
#define UNDEFINED __asm__ volatile("ud2")
#define BREAKPOINT __asm__ volatile("int3")
#define MISALIGNED(at) __asm__ volatile("movaps (%0), %%xmm0" ::"r"((at) + 8) : "xmm0")
#define MISALIGNED_LINK(at) MISALIGNED(at)
#define RETURNS(words, n) ((words)[0] = 0xb8 | (unsigned)(n) << 8 /* mov $n, %eax */, (words)[1] = 0xc300 | (unsigned)(n) >> 24 /* ret */)
#endif
