/* Signals that race with syscalls: two processes wake each other by sigsuspend, a reader is interrupted all the time, threads are signalled while they lock. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t got, alarms;
static void counts(int s) { got++; (void)s; }
static void ticks(int s) { alarms++; (void)s; }

static void ping_pong(int rounds)
{
    sigset_t block, none;
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, 0);
    got = 0;
    pid_t parent = getpid(), child = fork();
    if (!child) {
        for (int i = 0; i < rounds; i++) {
            while (got <= i)
                sigsuspend(&none);
            kill(parent, SIGUSR1);
        }
        _exit(got == rounds);
    }
    for (int i = 0; i < rounds; i++) {
        kill(child, SIGUSR1);
        while (got <= i)
            sigsuspend(&none);
    }
    int status;
    waitpid(child, &status, 0);
    printf("ping-pong %d %d\n", got, WEXITSTATUS(status));
}

static void ticking(int on);

/* Calls that cannot block never give EINTR, however many signals come. */
static void calls_that_cannot_block(int rounds)
{
    int bad = 0, before = alarms;
    ticking(1);
    for (int i = 0; i < rounds || alarms - before <= 3; i++) {
        int ends[2];
        bad += pipe(ends) != 0;
        bad += dup2(ends[0], 60) != 60;
        bad += close(ends[0]) != 0;
        bad += close(ends[1]) != 0;
        bad += close(60) != 0;
    }
    ticking(0);
    printf("calls %d ticks %d\n", bad, alarms - before > 3);
}

static void ticking(int on)
{
    struct itimerval timer = {{0, on * 1000}, {0, on * 1000}};
    setitimer(ITIMER_REAL, &timer, 0);
}

static void interrupted_pipe(int bytes)
{
    int ends[2];
    pipe(ends);
    if (!fork()) {
        for (int i = 0; i < bytes; i++)
            if (write(ends[1], &"abcdefgh"[i % 8], 1) == 1 && i % 50 == 0)
                usleep(1500);
        _exit(0);
    }
    close(ends[1]);
    ticking(1);
    int sum = 0, n = 0, before = alarms;
    char c;
    for (;;) {
        int r = read(ends[0], &c, 1);
        if (r == 0)
            break;
        if (r == 1)
            sum += c, n++;
        else if (errno != EINTR)
            return (void)printf("errno %d\n", errno);
    }
    while (alarms - before <= 3) /* however quick or slow the bytes came */
        pause();
    ticking(0);
    while (wait(0) < 0 && errno == EINTR)
        ;
    printf("pipe %d %d ticks %d\n", n, sum, alarms - before > 3);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int shared;
static volatile int stop;
static void *locks(void *arg)
{
    for (int i = 0; i < 3000 || !stop; i++) {
        pthread_mutex_lock(&lock);
        shared += i < 3000;
        pthread_mutex_unlock(&lock);
    }
    return arg;
}

static void signalled_threads(void)
{
    pthread_t t[3];
    got = 0;
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], 0, locks, 0);
    for (int i = 0; i < 150 || got < 20; i++)
        pthread_kill(t[i % 3], SIGUSR2), usleep(300);
    stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], 0);
    printf("threads %d handled %d\n", shared, got >= 20);
}

int main(void)
{
    struct sigaction a = {0};
    setvbuf(stdout, 0, _IONBF, 0);
    a.sa_handler = counts;
    sigaction(SIGUSR1, &a, 0);
    a.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &a, 0);
    a.sa_handler = ticks;
    a.sa_flags = 0;
    sigaction(SIGALRM, &a, 0);
    ping_pong(500);
    interrupted_pipe(1000);
    calls_that_cannot_block(4000);
    a.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &a, 0);
    interrupted_pipe(1000);
    signalled_threads();
    return 0;
}
