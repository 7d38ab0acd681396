/* Many threads, and processes that are made and end while threads are at everything. Argument: what to do. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static int ends[2], total;
static volatile int stop, working;

static void create(pthread_t *t, void *(*f)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 32768);
    if (pthread_create(t, &attr, f, arg))
        abort();
}

/* 200 threads alive at once. */
static void *adds(void *arg)
{
    pthread_barrier_wait(&barrier);
    pthread_mutex_lock(&lock);
    total += (int)(long)arg;
    pthread_mutex_unlock(&lock);
    pthread_barrier_wait(&barrier);
    return arg;
}
static int many(void)
{
    pthread_t t[200];
    pthread_barrier_init(&barrier, 0, 200);
    for (long i = 0; i < 200; i++)
        create(&t[i], adds, (void *)i);
    void *back;
    int sum = 0;
    for (int i = 0; i < 200; i++)
        pthread_join(t[i], &back), sum += (int)(long)back;
    printf("many %d %d\n", total, sum);
    return 0;
}

/* Threads that are at everything: system calls that block, system calls that do not, none at all. */
static void *blocks_in_mutex(void *arg) { working++; pthread_mutex_lock(&lock); return arg; }
static void *blocks_in_read(void *arg) { char c; working++; read(ends[0], &c, 1); return arg; }
static void *blocks_in_sleep(void *arg) { working++; for (;;) sleep(1000); return arg; }
static void *blocks_in_pause(void *arg) { working++; for (;;) pause(); return arg; }
static void *spins(void *arg) { working++; while (!stop) {} return arg; }
static void *yields(void *arg) { working++; while (!stop) sched_yield(); return arg; }
static void *maps(void *arg)
{
    working++;
    while (!stop) {
        char *p = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        p[5000] = 1;
        mprotect(p, 4096, PROT_READ);
        munmap(p, 65536);
    }
    return arg;
}
static void *allocates(void *arg) { working++; while (!stop) free(malloc(300000)); return arg; }
static void *nothing(void *arg) { return arg; }
static void *creates(void *arg)
{
    working++;
    while (!stop) {
        pthread_t t;
        create(&t, nothing, 0);
        pthread_join(t, 0);
    }
    return arg;
}
static void *(*const all[])(void *) = {blocks_in_mutex, blocks_in_read, blocks_in_sleep, blocks_in_pause, spins, yields, maps, allocates, creates};
enum { BLOCKING = 4, KINDS = sizeof all / sizeof *all };

static void occupy(int from)
{
    pthread_t t;
    pipe(ends);
    pthread_mutex_lock(&lock);
    for (int i = from; i < KINDS; i++)
        create(&t, all[i], 0);
    while (working < KINDS - from)
        sched_yield();
}

static int leaves(void)
{
    occupy(0);
    puts("leaves"), fflush(stdout);
    exit(5);
}
static void *exits(void *arg) { exit(6); return arg; }
static int other_leaves(void)
{
    pthread_t t;
    occupy(0);
    create(&t, exits, 0);
    pause();
    return 1;
}
static int dies(void)
{
    occupy(0);
    kill(getpid(), SIGTERM);
    pause();
    return 1;
}
static void *keeps(void *arg) { usleep(1000); exit(8); return arg; }
static int first_leaves(void)
{
    pthread_t t;
    create(&t, keeps, 0);
    pthread_exit(0);
}

/* Children of a threaded process: each must work, and the threads go on. */
static int forks(void)
{
    occupy(BLOCKING);
    int good = 0, status;
    for (int i = 0; i < 12; i++) {
        pid_t pid = fork();
        if (!pid) {
            pthread_t t;
            char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            p[1] = 3;
            create(&t, nothing, 0);
            pthread_join(t, 0);
            _exit(munmap(p, 8192) ? 1 : 40 + i);
        }
        good += waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 40 + i;
    }
    printf("forks %d\n", good);
    return 0;
}

/* What a child of vfork writes is seen, and what other threads write to the same page meanwhile is not lost. */
static struct { volatile int child; volatile int errors; volatile long counts[64]; } shared __attribute__((aligned(4096)));
static void *writes(void *arg)
{
    working++;
    for (long n = 1; !stop; n++)
        for (int i = 0; i < 64; i++) {
            shared.errors += shared.counts[i] != n - 1;
            shared.counts[i] = n;
        }
    return arg;
}
static int spawns(char *self)
{
    pthread_t t;
    int status;
    create(&t, writes, 0);
    while (!working)
        sched_yield();
    for (int i = 0; i < 5; i++) {
        pid_t pid = vfork();
        if (!pid) {
            shared.child += 3;
            execl("/nonexistent", "x", (char *)0);
            shared.child += errno == ENOENT ? 100 : 0;
            _exit(7);
        }
        waitpid(pid, &status, 0);
    }
    stop = 1;
    pthread_join(t, 0);
    printf("vfork %d status %d errors %d\n", shared.child, WEXITSTATUS(status), shared.errors);
    pid_t pid;
    char *args[] = {self, "hello", 0};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/nonexistent/file", O_RDONLY, 0);
    printf("spawn missing %d", posix_spawn(&pid, "/nonexistent", 0, 0, args, environ));
    printf(" directory %d", posix_spawn(&pid, "/", 0, 0, args, environ));
    printf(" action %d", posix_spawn(&pid, self, &actions, 0, args, environ));
    printf(" good %d", posix_spawn(&pid, self, 0, 0, args, environ));
    fflush(stdout);
    waitpid(pid, &status, 0);
    printf("status %d system %d\n", WEXITSTATUS(status), system("exit 9") >> 8);
    return 0;
}

static void *runs_another(void *arg)
{
    char *args[] = {arg, "hello", 0};
    execve(arg, args, environ);
    abort();
}
static int other_execs(char *self)
{
    pthread_t t;
    occupy(0);
    create(&t, runs_another, self);
    pause();
    return 1;
}

/* A mutex between processes, whose owner ends without giving it back. */
static int robust(void)
{
    struct shared { pthread_mutex_t lock; } *s = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&s->lock, &attr);
    if (!fork()) {
        pthread_mutex_lock(&s->lock);
        _exit(0);
    }
    wait(0);
    printf("robust %d", pthread_mutex_lock(&s->lock) == EOWNERDEAD);
    printf(" %d\n", pthread_mutex_consistent(&s->lock) + pthread_mutex_unlock(&s->lock));
    return 0;
}

/* More signals than anybody has room for, all at once. */
static volatile int queued, ordered = 1;
static void takes(int s, siginfo_t *info, void *context) { ordered &= info->si_value.sival_int == queued; queued++; (void)s; (void)context; }
static int queues(void)
{
    struct sigaction a = {0};
    a.sa_sigaction = takes, a.sa_flags = SA_SIGINFO;
    sigfillset(&a.sa_mask);
    sigaction(SIGRTMIN + 3, &a, 0);
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &set, 0);
    for (int i = 0; i < 500; i++)
        if (sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = i}))
            printf("sigqueue %d errno %d\n", i, errno);
    sigprocmask(SIG_UNBLOCK, &set, 0);
    printf("queued %d", queued);
    kill(getpid(), SIGRTMIN + 3); /* the mask is the guest's again */
    printf(" %d", queued);
    sigprocmask(SIG_BLOCK, &set, 0);
    kill(getpid(), SIGRTMIN + 3);
    printf(" %d\n", queued);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "hello"))
        return puts("hello"), 3;
    return !strcmp(what, "many") ? many() : !strcmp(what, "leaves") ? leaves() : !strcmp(what, "other-leaves") ? other_leaves()
         : !strcmp(what, "dies") ? dies() : !strcmp(what, "first-leaves") ? first_leaves() : !strcmp(what, "forks") ? forks()
         : !strcmp(what, "spawns") ? spawns(argv[0]) : !strcmp(what, "other-execs") ? other_execs(argv[0]) : !strcmp(what, "robust") ? robust()
         : !strcmp(what, "queues") ? queues() : 1;
}
