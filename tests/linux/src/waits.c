/* Three threads that wait for ever: in a read, on a mutex, in a join. */
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int ends[2];

static void *locks(void *arg) { pthread_mutex_lock(&lock); return arg; }
static void *reads(void *arg)
{
    char c;
    read(ends[0], &c, 1);
    return arg;
}

int main(void)
{
    pthread_t t[2];
    pipe(ends);
    pthread_mutex_lock(&lock);
    pthread_create(&t[0], 0, locks, 0);
    pthread_create(&t[1], 0, reads, 0);
    pthread_join(t[0], 0);
    return 1;
}
