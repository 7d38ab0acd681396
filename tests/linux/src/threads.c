/* Threads: create, join, mutex, condition variable, TLS, signals to a thread, cancellation of a blocked thread, robust mutex, exit from a thread. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, robust;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static int counter, whose;
static __thread int mine = 5;
static volatile int atomic, handled, cancelled;

static void *counts(void *arg)
{
    for (int i = 0; i < 20000; i++) {
        __atomic_fetch_add(&atomic, 1, __ATOMIC_SEQ_CST);
        if (i % 20 == 0) {
            pthread_mutex_lock(&lock);
            counter++;
            pthread_mutex_unlock(&lock);
        }
    }
    mine += (int)(long)arg;
    return (void *)(long)mine;
}

static void *plays(void *arg)
{
    int me = (int)(long)arg;
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&lock);
        while (whose != me)
            pthread_cond_wait(&turn, &lock);
        whose = !me;
        pthread_cond_signal(&turn);
        pthread_mutex_unlock(&lock);
    }
    return 0;
}

static void handler(int s) { handled = s; }
static void *reads(void *arg)
{
    char c;
    int got = read(*(int *)arg, &c, 1);
    return (void *)(long)(got == -1 ? errno : 0);
}
static void cleanup(void *arg) { cancelled = 1; (void)arg; }
static void *waits(void *arg)
{
    char c;
    pthread_cleanup_push(cleanup, 0);
    read(*(int *)arg, &c, 1);
    pthread_cleanup_pop(0);
    return 0;
}
static void *takes(void *arg) { pthread_mutex_lock(&robust); return arg; }
static void *leaves(void *arg) { usleep(20000); fflush(stdout); exit(7); return arg; }

int main(void)
{
    pthread_t t[4];
    void *result;
    int sum = 0;
    for (long i = 0; i < 4; i++)
        pthread_create(&t[i], 0, counts, (void *)i);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], &result), sum += (int)(long)result;
    printf("counter %d atomic %d tls %d %d\n", counter, atomic, sum, mine);

    for (long i = 0; i < 2; i++)
        pthread_create(&t[i], 0, plays, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], 0);
    printf("turns %d\n", whose);

    int ends[2];
    pipe(ends);
    struct sigaction a = {0};
    a.sa_handler = handler;
    sigaction(SIGUSR1, &a, 0);
    pthread_create(&t[0], 0, reads, &ends[0]);
    do /* until one comes while it reads */
        pthread_kill(t[0], SIGUSR1), usleep(5000);
    while (pthread_tryjoin_np(t[0], &result));
    printf("signalled %d errno %d\n", handled == SIGUSR1, (int)(long)result == EINTR);

    pthread_create(&t[0], 0, waits, &ends[0]);
    usleep(30000);
    pthread_cancel(t[0]);
    pthread_join(t[0], &result);
    printf("cancelled %d %d\n", result == PTHREAD_CANCELED, cancelled);

    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &attr);
    pthread_create(&t[0], 0, takes, 0);
    pthread_join(t[0], 0);
    printf("owner died %d\n", pthread_mutex_lock(&robust) == EOWNERDEAD);

    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 20000000;
    if (soon.tv_nsec >= 1000000000)
        soon.tv_sec++, soon.tv_nsec -= 1000000000;
    pthread_mutex_lock(&lock);
    printf("timed out %d\n", pthread_cond_timedwait(&turn, &lock, &soon) == ETIMEDOUT);
    pthread_create(&t[0], 0, leaves, 0);
    pause();
    return 1;
}
