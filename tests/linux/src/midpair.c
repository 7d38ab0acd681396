/* What stops a thread between the steps of load-link, addition, store-conditional, while two others add to the same word and the parent looks on.
 *
 * Each case is a child process of its own. Its first thread waits at one step; the child's main thread sends it a signal that it handles, one that ends the process
 * or SIGKILL, or ends the process itself; or the waiting thread does. Then the parent, whose memory has the word too (the shared one), adds to it as well.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = 4, OTHERS = 2, STATUS = 40 };
static const char *const actions[] = {"handled", "terminated", "killed", "main leaves", "thread leaves"};
enum { HANDLED, TERMINATED, KILLED, MAIN_LEAVES, THREAD_LEAVES, ACTIONS };

static volatile unsigned *word;
static volatile int ready, go, stop, step, action;
static volatile unsigned added[OTHERS];
static volatile int broken; /* store-conditionals of the waiting thread that failed */

/* The waiting thread is here after so many steps. */
static inline void at(int steps)
{
    if (steps != step || ready)
        return;
    ready = 1;
    if (action == THREAD_LEAVES)
        syscall(SYS_exit_group, STATUS + steps);
    while (!go)
        ;
}

static unsigned linked(void)
{
    unsigned value;
    __asm__ volatile("ldrex %0, [%1]" : "=r"(value) : "r"(word) : "memory");
    return value;
}

static int not_stored(unsigned value)
{
    int failed;
    __asm__ volatile("strex %0, %2, [%1]" : "=&r"(failed) : "r"(word), "r"(value) : "memory");
    return failed;
}

static void add(void)
{
    while (not_stored(linked() + 1))
        ;
}

static void add_in_handler(int s)
{
    (void)s;
    add();
    go = 1;
}

static void *wait_at_step(void *unused)
{
    for (;;) {
        at(0);
        unsigned value = linked();
        at(1);
        value++;
        at(2);
        int failed = not_stored(value);
        at(3);
        if (!failed)
            return unused;
        broken++;
    }
}

static void *keep_adding(void *who)
{
    while (!stop) {
        add();
        added[(long)who]++;
    }
    return 0;
}

/* In the child: exit status 0 if a handled signal has lost nothing, and has broken the link if there was one. */
static int child(void)
{
    pthread_t waiting, others[OTHERS];
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = add_in_handler;
    sigaction(SIGUSR1, &sa, 0);
    for (long i = 0; i < OTHERS; i++)
        pthread_create(&others[i], 0, keep_adding, (void *)i);
    while (!added[0] || !added[OTHERS - 1])
        ;
    pthread_create(&waiting, 0, wait_at_step, 0);
    while (!ready)
        ;
    if (action == HANDLED)
        pthread_kill(waiting, SIGUSR1);
    else if (action == TERMINATED || action == KILLED)
        pthread_kill(waiting, action == KILLED ? SIGKILL : SIGTERM);
    else if (action == MAIN_LEAVES)
        syscall(SYS_exit_group, STATUS + step);
    pthread_join(waiting, 0);
    stop = 1;
    for (int i = 0; i < OTHERS; i++)
        pthread_join(others[i], 0);
    unsigned expected = 2; /* by the waiting thread and its handler */
    for (int i = 0; i < OTHERS; i++)
        expected += added[i];
    int linked_then = step == 1 || step == 2;
    return (*word != expected) + 2 * (linked_then && !broken);
}

static void report(const char *memory)
{
    int status;
    *word = 0;
    pid_t pid = fork();
    if (!pid)
        _exit(child());
    waitpid(pid, &status, 0);
    unsigned before = *word;
    add();
    printf("%s step %d %s: %s %d%s\n", memory, step, actions[action], WIFSIGNALED(status) ? "signal" : "status",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), *word == before + 1 ? "" : ", the word is stuck");
    fflush(stdout);
}

int main(void)
{
    static const struct { const char *name; int flags; } memories[] = {{"private", MAP_PRIVATE | MAP_ANONYMOUS}, {"shared", MAP_SHARED | MAP_ANONYMOUS}};
    for (unsigned i = 0; i < 2; i++) {
        word = mmap(0, 4096, PROT_READ | PROT_WRITE, memories[i].flags, -1, 0);
        for (step = 0; step < STEPS; step++)
            for (action = 0; action < ACTIONS; action++)
                report(memories[i].name);
    }
}
