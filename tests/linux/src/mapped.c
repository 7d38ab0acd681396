/* Mappings that are longer than their file: SIGBUS beyond its end, wherever that is at the moment. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };
static sigjmp_buf place;
static volatile int signo, code;
static volatile char *where;
static void bus(int s, siginfo_t *info, void *context)
{
    signo = s, code = info->si_code, where = info->si_addr;
    siglongjmp(place, 1);
    (void)context;
}

/* 0, or the signal of a load or store; the rest is checked here. */
static int touch(volatile char *p, int store)
{
    if (sigsetjmp(place, 1))
        return where == p && code == (signo == SIGBUS ? 2 : code) ? signo : -1;
    if (store)
        *p = 'x';
    else
        (void)*p;
    return 0;
}

static void look(const char *what, volatile char *p)
{
    printf("%s:", what);
    for (int page = 0; page < 4; page++)
        printf(" %d/%d", touch(p + page * PAGE + 7, 0), touch(p + page * PAGE + 8, 1));
    printf("\n");
}

/* The load is in a loop, so that it is compiled. */
static int sum_up(volatile char *p, int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += p[i];
    return sum;
}

int main(void)
{
    struct sigaction a = {0};
    a.sa_sigaction = bus, a.sa_flags = SA_SIGINFO;
    sigaction(SIGBUS, &a, 0), sigaction(SIGSEGV, &a, 0);
    int fd = memfd_create("file", 0);
    ftruncate(fd, PAGE + 1);
    char *shared = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *own = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    look("shared", shared), look("private", own);
    printf("loop %d\n", sigsetjmp(place, 1) ? signo == SIGBUS && where == shared + 2 * PAGE : sum_up(shared, 4 * PAGE));
    printf("write %d\n", write(1, shared + 2 * PAGE, 1) == -1 && errno == EFAULT);
    ftruncate(fd, 3 * PAGE), look("grown", shared);
    pwrite(fd, "y", 1, 3 * PAGE + 5), look("written", shared);
    ftruncate(fd, PAGE), look("shrunk", shared);
    mprotect(shared, 4 * PAGE, PROT_READ), look("read-only", shared);
    mprotect(shared, 4 * PAGE, PROT_READ | PROT_WRITE), look("writable", shared);
    char *second = mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
    printf("behind %d\n", touch(second, 0));
    char *moved = mremap(shared, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
    look("moved", moved);
    return 0;
}
