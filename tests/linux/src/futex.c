/* Every futex operation that C libraries use, by raw system calls, in the 32-bit and the 64-bit time form. Nothing here depends on who is fast. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { WAIT, WAKE, REQUEUE = 3, CMP_REQUEUE, WAKE_OP, LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_BITSET, WAKE_BITSET, WAIT_REQUEUE_PI, CMP_REQUEUE_PI };
enum { PRIVATE = 128, REALTIME = 256, FUTEX = 240, FUTEX64 = 422 };

static int word, other, lock;
static volatile int returned, handled, result, code;

static int futex(int nr, int *at, int op, int value, void *time, int *second, int value3)
{
    int got = syscall(nr, at, op, value, time, second, value3);
    return got < 0 ? -errno : got;
}
static int call(int *at, int op, int value, void *fourth, int *second, int value3) { return futex(FUTEX, at, op | PRIVATE, value, fourth, second, value3); }

static void *waits(void *arg)
{
    int got = call(&word, WAIT, 0, arg, 0, 0);
    result = got;
    __atomic_add_fetch(&returned, 1, __ATOMIC_SEQ_CST);
    return 0;
}
static void *waits_bitset(void *arg)
{
    result = call(&word, WAIT_BITSET, 0, 0, 0, (int)(long)arg);
    __atomic_add_fetch(&returned, 1, __ATOMIC_SEQ_CST);
    return 0;
}
static void *holds(void *arg)
{
    call(&lock, LOCK_PI, 0, 0, 0, 0);
    __atomic_store_n(&returned, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n((int *)arg, __ATOMIC_SEQ_CST))
        sched_yield();
    call(&lock, UNLOCK_PI, 0, 0, 0, 0);
    return 0;
}
static void *waits_pi(void *arg)
{
    result = call(&word, WAIT_REQUEUE_PI, 0, 0, &lock, 0);
    code = (lock & 0x3fffffff) == syscall(SYS_gettid);
    call(&lock, UNLOCK_PI, 0, 0, 0, 0);
    __atomic_store_n(&returned, 1, __ATOMIC_SEQ_CST);
    return arg;
}
static void counts(int s) { handled++; (void)s; }

static void start(pthread_t *t, int n, void *(*f)(void *), void *arg)
{
    returned = 0;
    for (int i = 0; i < n; i++)
        pthread_create(&t[i], 0, f, arg);
}
static void join(pthread_t *t, int n)
{
    for (int i = 0; i < n; i++)
        pthread_join(t[i], 0);
}

/* A waiter is signalled until it has returned, or often enough if it is to go on waiting; then it is woken. */
static void interrupted(const char *name, int flags, void *timeout)
{
    struct sigaction a = {0};
    a.sa_handler = counts, a.sa_flags = flags;
    sigaction(SIGUSR1, &a, 0);
    pthread_t t;
    handled = 0;
    start(&t, 1, waits, timeout);
    for (int i = 0; !returned && (i < 30 || handled < 10 || !flags || timeout); i++)
        pthread_kill(t, SIGUSR1), usleep(1000);
    int early = returned;
    while (!returned)
        call(&word, WAKE, 1, 0, 0, 0);
    pthread_join(t, 0);
    printf("%s: returned early %d result %d handled %d\n", name, early, result, handled > 0);
}

int main(void)
{
    pthread_t t[4];
    int short32[2] = {0, 20000000}, bad32[2] = {0, 1000000000}, negative32[2] = {-1, 0}, long32[2] = {1000, 0};
    long long short64[2] = {0, 20000000}, past64[2] = {1, 0};
    setvbuf(stdout, 0, _IONBF, 0);
    printf("wait: changed %d timeout %d %d bad %d %d\n", call(&word, WAIT, 1, 0, 0, 0), call(&word, WAIT, 0, short32, 0, 0),
           futex(FUTEX64, &word, WAIT, 0, short64, 0, 0), call(&word, WAIT, 0, bad32, 0, 0), call(&word, WAIT, 0, negative32, 0, 0));
    printf("wait: misaligned %d unmapped %d unmapped time %d unknown %d\n", call((int *)((char *)&word + 1), WAIT, 0, 0, 0, 0), call((int *)16, WAIT, 0, 0, 0, 0),
           call(&word, WAIT, 0, (void *)16, 0, 0), call(&word, 99, 0, 0, 0, 0));
    printf("bitset: past %d %d zero %d\n", futex(FUTEX64, &word, WAIT_BITSET | PRIVATE, 0, past64, 0, -1),
           futex(FUTEX64, &word, WAIT_BITSET | PRIVATE | REALTIME, 0, past64, 0, -1), call(&word, WAIT_BITSET, 0, 0, 0, 0));
    long long soon[2];
    syscall(SYS_clock_gettime64, CLOCK_MONOTONIC, soon);
    soon[1] += 20000000;
    if (soon[1] >= 1000000000)
        soon[0]++, soon[1] -= 1000000000;
    printf("bitset: absolute %d\n", futex(FUTEX64, &word, WAIT_BITSET | PRIVATE, 0, soon, 0, -1));

    int woken = 0;
    start(t, 3, waits, 0);
    while (woken < 3)
        woken += call(&word, WAKE, 1, 0, 0, 0);
    join(t, 3);
    printf("wake: %d more %d\n", woken, call(&word, WAKE, 9, 0, 0, 0));

    int moved = 0;
    start(t, 3, waits, 0);
    printf("cmp_requeue: changed %d\n", call(&word, CMP_REQUEUE, 0, (void *)1, &other, 7));
    while (moved < 2)
        moved += call(&word, CMP_REQUEUE, 0, (void *)1, &other, 0);
    while (moved < 3)
        moved += call(&word, REQUEUE, 0, (void *)9, &other, 0);
    woken = call(&other, WAKE, 2, 0, 0, 0) + call(&other, WAKE, 9, 0, 0, 0);
    join(t, 3);
    printf("requeue: %d woken %d\n", moved, woken);

    start(t, 1, waits, 0);
    /* other = other + 5, and wake a waiter of it too if it was 3 */
    other = 3, woken = 0;
    while (!woken) {
        other = 3;
        woken = call(&word, WAKE_OP, 1, (void *)1, &other, 1 << 28 | 0 << 24 | 5 << 12 | 3);
    }
    join(t, 1);
    printf("wake_op: %d other %d\n", woken, other);

    int wrong = 0;
    start(t, 1, waits_bitset, (void *)6);
    for (woken = 0; !woken;) {
        wrong += call(&word, WAKE_BITSET, 9, 0, 0, 9);
        woken = call(&word, WAKE_BITSET, 9, 0, 0, 2);
    }
    join(t, 1);
    printf("bitset: wrong %d right %d result %d\n", wrong, woken, result);

    interrupted("restarted", SA_RESTART, 0);
    interrupted("interrupted", 0, 0);
    interrupted("interrupted with a timeout", SA_RESTART, long32);

    int go = 0;
    printf("pi: lock %d", call(&lock, LOCK_PI, 0, 0, 0, 0));
    printf(" again %d try %d mine %d unlock %d unlock %d\n", call(&lock, LOCK_PI, 0, 0, 0, 0), call(&lock, TRYLOCK_PI, 0, 0, 0, 0),
           lock == syscall(SYS_gettid), call(&lock, UNLOCK_PI, 0, 0, 0, 0), call(&lock, UNLOCK_PI, 0, 0, 0, 0));
    start(t, 1, holds, &go);
    while (!returned)
        sched_yield();
    printf("pi: try %d past %d\n", call(&lock, TRYLOCK_PI, 0, 0, 0, 0), futex(FUTEX64, &lock, LOCK_PI | PRIVATE, 0, past64, 0, 0));
    __atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
    printf("pi: lock %d", call(&lock, LOCK_PI, 0, 0, 0, 0));
    printf(" mine %d", (lock & 0x3fffffff) == syscall(SYS_gettid));
    printf(" unlock %d\n", call(&lock, UNLOCK_PI, 0, 0, 0, 0));
    join(t, 1);
    lock = 0;
    start(t, 1, waits_pi, 0);
    for (woken = 0; !woken;)
        woken = call(&word, CMP_REQUEUE_PI, 1, (void *)9, &lock, 0);
    while (!returned)
        sched_yield();
    join(t, 1);
    printf("pi: requeued %d result %d mine %d\n", woken, result, code);
    return 0;
}
