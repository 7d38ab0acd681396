/* Synchronous faults: signal, si_code and si_addr of each kind, by its number in argv[1]; without a handler if argv[2] is there. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "machine.h"

static void *page;
static void handler(int s, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    long where = (long)info->si_addr - (long)page, pc = (long)PC(u) - (long)info->si_addr;
    printf("signal %d code %d addr %#lx page %ld pc-addr %ld\n", s, info->si_code, (unsigned long)info->si_addr & 0xfff,
           where >= 0 && where < 8192 ? where >> 12 : -1, pc ? -1L : 0L);
    _exit(s);
}

static int deep(int n)
{
    volatile char room[4096];
    room[0] = n;
    return n < 0 ? 0 : deep(n + 1) + room[0];
}

int main(int argc, char **argv)
{
    static char stack[16384];
    stack_t alt = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction a = {0};
    a.sa_sigaction = handler;
    a.sa_flags = SA_SIGINFO | SA_ONSTACK;
    setvbuf(stdout, 0, _IONBF, 0);
    page = mmap(0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (argc < 3) {
        sigaltstack(&alt, 0);
        for (int s = 1; s < 32; s++)
            sigaction(s, &a, 0);
    }
    int kind = atoi(argv[1]);
    switch (kind) {
    case 0: *(volatile char *)0x123 = 1; break;
    case 1: *((volatile char *)page + 0x45) = 1; break;
    case 2: munmap((char *)page + 4096, 4096); (void)*((volatile int *)((char *)page + 4094)); break;
    case 3: ((void (*)(void))0x2000)(); break;
    case 4: ((void (*)(void))page)(); break;
    case 5: UNDEFINED; break;
    case 6: BREAKPOINT; break;
    case 7: MISALIGNED((char *)page); break;
    case 8: MISALIGNED_LINK((char *)page); break;
    case 9: return deep(1);
    case 10: raise(SIGFPE); break;
    case 11: mprotect(page, 4096, PROT_NONE); (void)*(volatile char *)page; break;
    case 12: abort();
    case 13: write(1, page, 8192), printf("%d\n", (int)write(1, (void *)0x10, 1)); return 0;
    EXTRA_FAULTS(kind)
    }
    return 99;
}
