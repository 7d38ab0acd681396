/* Counters, a spin lock and a lock-free stack under some threads (argv[1], 4), a number of rounds each (argv[2], 5000), by the compiler's atomic operations:
   load-link/store-conditional on ARM, LOCK-prefixed instructions on x86, also across two pages. Prints what should never be as 0. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { MOST_THREADS = 16, NODES = 64, PAGE = 4096, BORDERS = 3 };

static uint32_t count = 4, rounds = 5000;

static uint8_t bytes[4];
static uint16_t halves[2];
static uint32_t added, swapped, guarded, lock, *split, *border[BORDERS], torn;
static uint64_t wide;

/* A stack of indices: the head is an index + 1 below and a count above, which makes each head differ from all earlier ones. */
static uint64_t head;
static uint32_t next[NODES], owner[NODES], popped, twice;

static void push(uint32_t node)
{
    uint64_t old = __atomic_load_n(&head, __ATOMIC_RELAXED), new;
    do {
        next[node] = (uint32_t)old;
        new = ((old >> 32) + 1) << 32 | (node + 1);
    } while (!__atomic_compare_exchange_n(&head, &old, new, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static int pop(void)
{
    uint64_t old = __atomic_load_n(&head, __ATOMIC_ACQUIRE), new;
    do {
        if (!(uint32_t)old)
            return -1;
        new = ((old >> 32) + 1) << 32 | __atomic_load_n(&next[(uint32_t)old - 1], __ATOMIC_RELAXED);
    } while (!__atomic_compare_exchange_n(&head, &old, new, 0, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
    return (int)(uint32_t)old - 1;
}

static void add_split(void)
{
#if defined(__i386__) || defined(__x86_64__)
    __asm__ volatile("lock incl (%0)" ::"r"(split) : "memory", "cc");
#else
    __atomic_fetch_add(split, 1, __ATOMIC_SEQ_CST);
#endif
}

/* Exchange a word of four equal bytes, which is across two pages on x86, for another such word: whatever was there has equal bytes, too. */
static void exchange_at_border(uint32_t number, uint32_t round)
{
    uint32_t word = 0x01010101u * (uint8_t)(number << 4 | (round & 15)), *at = border[round % BORDERS];
#if defined(__i386__) || defined(__x86_64__)
    __asm__ volatile("xchg %0, (%1)" : "+r"(word) : "r"(at) : "memory");
#else
    word = __atomic_exchange_n(at, word, __ATOMIC_SEQ_CST);
#endif
    if (word != 0x01010101u * (uint8_t)word)
        __atomic_fetch_add(&torn, 1, __ATOMIC_RELAXED);
}

static void *work(void *arg)
{
    uint32_t me = (uint32_t)(uintptr_t)arg + 1;
    for (uint32_t i = 0; i < rounds; i++) {
        exchange_at_border(me, i);
        __atomic_fetch_add(&bytes[me & 3], 1, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(&halves[me & 1], 1, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(&added, 3, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(&wide, 0x100000001ull, __ATOMIC_SEQ_CST);
        uint32_t old = __atomic_load_n(&swapped, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&swapped, &old, old + 1, 1, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            ;
        while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
            ;
        guarded++;
        __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
        add_split();
        int node = pop();
        if (node >= 0) {
            if (__atomic_exchange_n(&owner[node], me, __ATOMIC_SEQ_CST))
                __atomic_fetch_add(&twice, 1, __ATOMIC_SEQ_CST);
            __atomic_store_n(&owner[node], 0, __ATOMIC_SEQ_CST);
            push(node);
            __atomic_fetch_add(&popped, 1, __ATOMIC_SEQ_CST);
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    pthread_t threads[MOST_THREADS];
    if (argc > 1)
        count = atoi(argv[1]);
    if (argc > 2)
        rounds = atoi(argv[2]);
    if (count > MOST_THREADS)
        return 2;
    char *pages = mmap(0, (2 + BORDERS) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#if defined(__i386__) || defined(__x86_64__)
    split = (uint32_t *)(pages + PAGE - 2); /* across two pages, as LOCK may */
    for (int i = 0; i < BORDERS; i++)
        border[i] = (uint32_t *)(pages + (2 + i) * PAGE - 1 - i);
#else
    split = (uint32_t *)pages;
    for (int i = 0; i < BORDERS; i++)
        border[i] = split + 1 + i;
#endif
    for (uint32_t i = 0; i < NODES; i++)
        push(i);
    for (uintptr_t i = 0; i < count; i++)
        pthread_create(&threads[i], 0, work, (void *)i);
    for (uint32_t i = 0; i < count; i++)
        pthread_join(threads[i], 0);
    int left = 0;
    while (pop() >= 0)
        left++;
    const uint32_t all = count * rounds;
    printf("bytes %d halves %d\n", (uint8_t)(bytes[0] + bytes[1] + bytes[2] + bytes[3] - all), (uint16_t)(halves[0] + halves[1] - all));
    printf("added %d wide %d swapped %d guarded %d split %d torn %d\n", (int)(added - 3 * all), (int)((uint32_t)wide - all) | (int)((uint32_t)(wide >> 32) - all),
           (int)(swapped - all), (int)(guarded - all), (int)(*split - all), (int)torn);
    printf("stack lost %d twice %d empty %d\n", NODES - left, (int)twice, (int)(all - popped));
    return 0;
}
