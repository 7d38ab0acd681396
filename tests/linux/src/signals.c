/* Signals: delivery, siginfo, masks, nesting, restart, alternate stack, registers that survive. Prints one line a check. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "machine.h"

static volatile sig_atomic_t count, order[8], ordered;
static void counts(int s) { count++; if (ordered < 8) order[ordered++] = s; }
static int handled[2]; /* a pipe */
static void counts_and_tells(int s) { counts(s); write(handled[1], "h", 1); }
static siginfo_t last;
static void informs(int s, siginfo_t *info, void *context) { last = *info; count++; (void)s; (void)context; }

static void on(int s, void (*f)(int), int flags)
{
    struct sigaction a = {0};
    a.sa_handler = f;
    a.sa_flags = flags;
    sigaction(s, &a, 0);
}

static void inform(int s, int flags)
{
    struct sigaction a = {0};
    a.sa_sigaction = informs;
    a.sa_flags = SA_SIGINFO | flags;
    sigaction(s, &a, 0);
}

static char stack[16384];
static int on_stack;
static void looks(int s) { char here; on_stack = &here > stack && &here < stack + sizeof stack; (void)s; }

static sigjmp_buf place;
static void jumps(int s) { siglongjmp(place, s); }

static float keeps_float(void)
{
    float a = 1.5f, b;
    KEEPS_FLOAT(a, b, getpid(), SIGUSR1);
    return b;
}
static void clobbers(int s) { CLOBBERS(s); count++; }

static volatile int skipped;
static void skips(int s, siginfo_t *i, void *c)
{
    ucontext_t *u = c;
    skipped = (int)(long)i->si_addr;
    PC(u) += STORE_BYTES(u);
    (void)s;
}

int main(void)
{
    on(SIGUSR1, counts, 0);
    raise(SIGUSR1);
    printf("raise %d\n", count);

    inform(SIGUSR2, 0);
    kill(getpid(), SIGUSR2);
    printf("info signo %d code %d pid %d\n", last.si_signo, last.si_code, last.si_pid == getpid());
    union sigval v = {.sival_int = 4711};
    sigqueue(getpid(), SIGUSR2, v);
    printf("queued code %d value %d\n", last.si_code, last.si_value.sival_int);

    sigset_t set, old, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &set, &old);
    count = 0;
    on(SIGRTMIN + 1, counts, 0);
    raise(SIGUSR1), raise(SIGUSR1), raise(SIGRTMIN + 1), raise(SIGRTMIN + 1);
    sigpending(&pending);
    printf("blocked %d pending %d %d\n", count, sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2));
    sigprocmask(SIG_SETMASK, &old, 0);
    printf("unblocked %d\n", count);

    on(SIGUSR1, counts, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction now;
    sigaction(SIGUSR1, 0, &now);
    printf("reset %d\n", now.sa_handler == SIG_DFL);

    stack_t alt = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alt, 0);
    on(SIGUSR1, looks, SA_ONSTACK);
    raise(SIGUSR1);
    printf("altstack %d\n", on_stack);

    on(SIGUSR1, jumps, 0);
    int s = sigsetjmp(place, 1);
    if (!s)
        raise(SIGUSR1);
    printf("longjmp %d\n", s == SIGUSR1);

    count = 0;
    on(SIGUSR1, clobbers, 0);
    printf("float %d %.1f\n", keeps_float() == 1.5f, keeps_float());

    int ends[2];
    char c = 0;
    pipe(ends), pipe(handled);
    on(SIGALRM, counts_and_tells, SA_RESTART);
    struct itimerval soon = {.it_value.tv_usec = 30000}, again = {{0, 30000}, {0, 30000}}, never = {0};
    count = 0;
    if (!fork()) {
        read(handled[0], &c, 1);
        usleep(20000);
        write(ends[1], "x", 1);
        _exit(3);
    }
    setitimer(ITIMER_REAL, &soon, 0);
    printf("restart read %d", (int)read(ends[0], &c, 1));
    printf(" %c handlers %d\n", c, count);
    on(SIGALRM, counts, 0);
    setitimer(ITIMER_REAL, &again, 0); /* again and again: the first may come before the read */
    int got = read(ends[0], &c, 1);
    setitimer(ITIMER_REAL, &never, 0);
    printf("interrupted read %d %s\n", got, strerror(errno));
    int status;
    wait(&status);
    printf("child %d\n", WEXITSTATUS(status));

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, 0);
    setitimer(ITIMER_REAL, &soon, 0);
    sigemptyset(&set);
    count = 0;
    got = sigsuspend(&set);
    printf("suspend %d %s %d\n", got, strerror(errno), count);
    sigaddset(&set, SIGALRM);
    setitimer(ITIMER_REAL, &soon, 0);
    printf("sigwait %d\n", sigwaitinfo(&set, &last) == SIGALRM);

    struct sigaction a = {0};
    a.sa_sigaction = skips;
    a.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &a, 0);
    STORE_TO_NOWHERE;
    printf("skipped %#x\n", skipped);
    fflush(stdout);

    if (!fork())
        *(volatile int *)(0x5000 + 0 * (on(SIGSEGV, SIG_DFL, 0), 0)) = 1;
    wait(&status);
    printf("killed by %d\n", WTERMSIG(status));
    if (!fork()) {
        on(SIGTERM, SIG_DFL, 0);
        raise(SIGTERM);
    }
    wait(&status);
    printf("killed by %d\n", WTERMSIG(status));
    if (!fork())
        abort();
    wait(&status);
    printf("killed by %d\n", WTERMSIG(status));
    return 0;
}
