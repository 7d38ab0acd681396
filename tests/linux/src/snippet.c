/* Runs machine code as user code and prints how it ended: one line of input a snippet, one line of output.
   Input: the code in hexadecimal, then name=value words (hexadecimal): a register, flags, a selector of i386 code (ds es fs gs), or bytes for memory: data (at rbx)
   and stack (at rsp). Code, data and stack lie at fixed addresses between pages that are not mapped, and an INT3 follows the code.
   Output: signal, si_code, si_addr, trap and error number of the signal frame, CR2 of a page fault, rip from the code's start on, and what has changed of
   registers, flags, selectors and memory. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE 4096
#define CODE ((unsigned char *)0x10000000)
#define DATA ((unsigned char *)0x10010000)
#define STACK ((unsigned char *)0x10020000)
#define FLAGS 0x244dd5 /* CF PF AF ZF SF TF DF OF NT AC ID */
#define SECONDS 5

#define CLEAR_FLAGS "push $0x202\n popf"

typedef unsigned long word;
#ifdef __x86_64__
static const struct { const char *name; int at; word start; } REGISTERS[] = {
    {"rax", REG_RAX, 0x1111222233334444}, {"rcx", REG_RCX, 3}, {"rdx", REG_RDX, 0x5555666677778888}, {"rbx", REG_RBX, (word)DATA + 0x800},
    {"rsp", REG_RSP, (word)STACK + 0x800}, {"rbp", REG_RBP, (word)STACK + 0x900}, {"rsi", REG_RSI, (word)DATA + 0x100}, {"rdi", REG_RDI, (word)DATA + 0x200},
    {"r8", REG_R8, 0x8000000000000000}, {"r9", REG_R9, 0x7fffffffffffffff}, {"r10", REG_R10, 10}, {"r11", REG_R11, 0x1111}, {"r12", REG_R12, (word)DATA + 0x400},
    {"r13", REG_R13, (word)DATA + 0x500}, {"r14", REG_R14, -1ul}, {"r15", REG_R15, 0},
};
#define IP REG_RIP
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
static word thread_pointer;
/* By system call: the snippet may have changed the segment of thread-local storage, which the C library needs. */
static void get_thread_pointer(void)
{
    long call = 158; /* arch_prctl */
    __asm__ volatile("syscall" : "+a"(call) : "D"((word)ARCH_GET_FS), "S"(&thread_pointer) : "rcx", "r11", "memory");
}
static void set_thread_pointer(void)
{
    long call = 158;
    __asm__ volatile("syscall" : "+a"(call) : "D"((word)ARCH_SET_FS), "S"(thread_pointer) : "rcx", "r11", "memory");
}
#else
static const struct { const char *name; int at; word start; } REGISTERS[] = {
    {"eax", REG_EAX, 0x33334444}, {"ecx", REG_ECX, 3}, {"edx", REG_EDX, 0x77778888}, {"ebx", REG_EBX, (word)DATA + 0x800},
    {"esp", REG_ESP, (word)STACK + 0x800}, {"ebp", REG_EBP, (word)STACK + 0x900}, {"esi", REG_ESI, (word)DATA + 0x100}, {"edi", REG_EDI, (word)DATA + 0x200},
    {"ds", REG_DS, 0x2b}, {"es", REG_ES, 0x2b}, {"fs", REG_FS, 0}, {"gs", REG_GS, 0}, {"ss", REG_SS, 0x2b}, {"cs", REG_CS, 0x23},
};
#define IP REG_EIP
static void get_thread_pointer(void) {}
static void set_thread_pointer(void) {} /* the frame has the selector */
#endif
#define COUNT (sizeof REGISTERS / sizeof *REGISTERS)

static word start[COUNT], start_flags;
static gregset_t ours;
static ucontext_t found;
static siginfo_t info;

/* What is made of the thread when SIGUSR1's handler returns: it goes on in the snippet. */
static void enters(int s, siginfo_t *i, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    memcpy(ours, r, sizeof ours);
    for (unsigned n = 0; n < COUNT; n++)
        r[REGISTERS[n].at] = start[n];
    r[IP] = (word)CODE;
    r[REG_EFL] = start_flags;
    (void)s, (void)i;
}

/* Whatever ends the snippet: the thread goes on behind the raise. */
static void leaves(int s, siginfo_t *i, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    set_thread_pointer();
    info = *i;
    memcpy(found.uc_mcontext.gregs, r, sizeof ours);
#ifdef __i386__
    found.uc_mcontext.cr2 = ((ucontext_t *)context)->uc_mcontext.cr2;
#endif
    memcpy(r, ours, sizeof ours);
    (void)s;
}

static void put_bytes(unsigned char *to, const char *hex)
{
    unsigned byte;
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        *to++ = byte;
}

static void fill(unsigned char *page)
{
    for (int i = 0; i < PAGE; i++)
        page[i] = i * 37 + (i >> 8);
}

static void show_memory(const char *name, unsigned char *page, unsigned char *before)
{
    for (int i = 0; i < PAGE; i++)
        if (page[i] != before[i]) {
            int end = PAGE;
            while (page[end - 1] == before[end - 1])
                end--;
            printf(" %s+%x=", name, i);
            for (; i < end; i++)
                printf("%02x", page[i]);
        }
}

static unsigned char *map(unsigned char *at, int protection)
{
    return mmap(at, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

int main(void)
{
    static char line[8192], alternate[65536];
    static unsigned char data[PAGE], stack[PAGE];
    stack_t other = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&other, 0);
    get_thread_pointer();
    setvbuf(stdout, 0, _IOLBF, 0);
    struct sigaction a = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (int s = 1; s < 32; s++) {
        a.sa_sigaction = s == SIGUSR1 ? enters : leaves;
        sigaction(s, &a, 0);
    }
    map(CODE, PROT_READ | PROT_WRITE | PROT_EXEC), map(DATA, PROT_READ | PROT_WRITE), map(STACK, PROT_READ | PROT_WRITE);
    while (fgets(line, sizeof line, stdin)) {
        fill(DATA), fill(STACK), memset(CODE, 0xcc, PAGE);
        for (unsigned n = 0; n < COUNT; n++)
            start[n] = REGISTERS[n].start;
        start_flags = 0x202;
        char *text[2] = {"", ""};
        put_bytes(CODE, strtok(line, " \n"));
        for (char *token; (token = strtok(0, " \n"));) {
            char *value = strchr(token, '=');
            *value++ = 0;
            if (!strcmp(token, "data") || !strcmp(token, "stack"))
                text[*token == 's'] = value;
            else if (!strcmp(token, "flags"))
                start_flags = strtoul(value, 0, 16) | 0x202;
            else
                for (unsigned n = 0; n < COUNT; n++)
                    if (!strcmp(REGISTERS[n].name, token))
                        start[n] = strtoull(value, 0, 16);
        }
        put_bytes(DATA + 0x800, text[0]), put_bytes(STACK + 0x800, text[1]);
        memcpy(data, DATA, PAGE), memcpy(stack, STACK, PAGE);
        struct itimerval limit = {.it_value.tv_sec = SECONDS}, off = {0};
        setitimer(ITIMER_REAL, &limit, 0);
        /* What the snippet before has left: a signal's return keeps NT and ID, and here all of the x87 and MXCSR. */
        unsigned control = 0x1f80;
        __asm__ volatile(CLEAR_FLAGS "\n fninit\n ldmxcsr %0" ::"m"(control) : "cc", "memory");
        raise(SIGUSR1);
        setitimer(ITIMER_REAL, &off, 0);
        greg_t *r = found.uc_mcontext.gregs;
        if (info.si_signo == SIGALRM) {
            printf("endless\n");
            continue;
        }
        printf("signal %d code %d addr %lx trap %d error %x", info.si_signo, info.si_code, (word)info.si_addr, (int)r[REG_TRAPNO], (int)r[REG_ERR]);
        if (r[REG_TRAPNO] == 14)
#ifdef __x86_64__
            printf(" cr2 %lx", (word)r[REG_CR2]);
#else
            printf(" cr2 %lx", found.uc_mcontext.cr2);
#endif
        printf(" rip %+ld", (long)(r[IP] - (word)CODE));
        for (unsigned n = 0; n < COUNT; n++) {
            word now = r[REGISTERS[n].at];
#ifdef __i386__
            if (n >= 8)
                now &= 0xffff;
#endif
            if (now != start[n])
                printf(" %s=%lx", REGISTERS[n].name, now);
        }
#ifdef __x86_64__
        if ((r[REG_CSGSFS] & 0xffff) != 0x33)
            printf(" cs=%x", (int)r[REG_CSGSFS] & 0xffff);
#endif
        if ((r[REG_EFL] ^ start_flags) & FLAGS)
            printf(" flags=%x", (int)r[REG_EFL] & FLAGS);
        show_memory("data", DATA, data), show_memory("stack", STACK, stack);
        printf("\n");
    }
    return 0;
}
