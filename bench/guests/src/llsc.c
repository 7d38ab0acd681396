/* Load-link/store-conditional under load: llsc KERNEL THREADS WORDS WARM_MS MEASURE_MS [OPS [SLICES]]
 *
 * THREADS threads repeat one operation; after WARM_MS their operations are counted for MEASURE_MS. With OPS each thread does OPS / THREADS operations
 * and the time is that of all of them. With SLICES (and OPS 0) it does so as many times: before each slice it waits for a byte on its standard input, while the
 * threads sleep, and after it prints ops, us and failures of the slice. Ends with one line
 *   kernel=range threads=4 words=128 ops=123 us=456 failures=7 wrong=0
 * where failures counts the stcond (x86: compare-and-swaps) that did not store, in the measured time, and wrong counts what should never be: lost updates, a lock held twice, nodes of the
 * stack that are lost or popped twice. Exit status 1 if wrong is not 0.
 */
#define OWN_ARGUMENTS
#include "guest.h"
#include "threads.h"

enum { MAX_WORDS = 1024, NODES = 64, BATCH = 64, SPINS = 64, LINE = 16, STORES = 16, FRESH_PAGES = 64 };
enum { OPEN, SHUT, OVER }; /* the gate: threads work, sleep between slices, end */
enum { READ_WRITE = 3, PRIVATE_FIXED_ANONYMOUS = 0x32 };

/* What a thread tells about itself: on a page of its own, which never holds an exclusive access. */
typedef struct {
  volatile u32 ops, failures, wrong, parked;
  u8 rest[PAGE - 16];
} progress_t;

typedef struct node {
  struct node *volatile next;
  volatile u32 owner; /* thread + 1 that popped it, 0 while it is on the stack */
  u32 rest[6];
} node_t;

/* The top of the stack. On x86, which has no load-link, with a number that makes each differ from all before: its nodes are below 4 GiB. */
#if defined(__x86_64__) || defined(__i386__)
typedef u64 head_t;
#else
typedef node_t *head_t;
#endif

#define PAGES __attribute__((aligned(4096)))
static PAGES progress_t progress[MAX_THREADS];
static PAGES volatile u32 words[MAX_WORDS];
static PAGES volatile u32 private_words[MAX_THREADS][PAGE / 4];
static PAGES volatile u32 neighbours[MAX_THREADS * LINE]; /* a cache line for each thread, 64 of them on a page */
static PAGES volatile u32 fresh[FRESH_PAGES][PAGE / 4];
static PAGES volatile u32 locks[PAGE / 4]; /* two locks, or next ticket and ticket served, a cache line apart */
static PAGES volatile u32 guarded[PAGE / 4];
static PAGES volatile head_t head;
static PAGES node_t nodes[NODES];
static PAGES volatile u32 turn; /* of the thread that may go on */
static PAGES volatile u32 gate;
static u32 word_mask, quota, thread_count;

enum { SECOND = 16 }; /* index of the second lock */

/* What a thread knows in an operation; kept in registers for a batch of operations. */
typedef struct {
  u32 me, random, failures, wrong;
} self_t;

#if defined(__x86_64__) || defined(__i386__)
static u32 add_exclusive(volatile u32 *word, u32 amount, u32 *failures) {
  (void)failures;
  return __atomic_fetch_add(word, amount, __ATOMIC_SEQ_CST);
}

/* 1: *word was `expected` and is `fresh` now. */
static u32 replace_exclusive(volatile u32 *word, u32 expected, u32 fresh, u32 *failures) {
  (void)failures;
  return __atomic_compare_exchange_n(word, &expected, fresh, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
#else
static u32 add_exclusive(volatile u32 *word, u32 amount, u32 *failures) {
  for (;;) {
    u32 old, fresh, failed;
    __asm__ volatile("ldrex %0, [%3]\n\tadd %1, %0, %4\n\tstrex %2, %1, [%3]" : "=&r"(old), "=&r"(fresh), "=&r"(failed) : "r"(word), "r"(amount) : "memory");
    if (!failed) return old;
    ++*failures;
  }
}

/* 1: *word was `expected` and is `fresh` now. Fails for another value only. */
static u32 replace_exclusive(volatile u32 *word, u32 expected, u32 fresh, u32 *failures) {
  for (;;) {
    u32 old, failed;
    __asm__ volatile("ldrex %0, [%1]" : "=r"(old) : "r"(word) : "memory");
    if (old != expected) {
      __asm__ volatile("clrex" ::: "memory");
      return 0;
    }
    __asm__ volatile("strex %0, %2, [%1]" : "=&r"(failed) : "r"(word), "r"(fresh) : "memory");
    if (!failed) return 1;
    ++*failures;
  }
}
#endif

static void lock(volatile u32 *word, u32 *failures) {
  for (u32 spins = 0; !replace_exclusive(word, 0, 1, failures);)
    if (++spins % SPINS == 0) yield(); /* more threads than processors */
  barrier();
}

static void unlock(volatile u32 *word) {
  barrier();
  *word = 0;
}

static inline void op_range(self_t *self) { add_exclusive(&words[next_random(&self->random) & word_mask], 1, &self->failures); }

static inline void op_private(self_t *self) { add_exclusive(private_words[self->me], 1, &self->failures); }

/* The same, but all threads' words are on one page. */
static inline void op_neighbours(self_t *self) { add_exclusive(&neighbours[self->me * LINE], 1, &self->failures); }

/* New memory in place of the old: what was known of these pages is forgotten. */
static void renew(void) {
  syscall6(SYS_MMAP, (long)fresh, sizeof fresh, READ_WRITE, PRIVATE_FIXED_ANONYMOUS, -1);
}

/* The first thread links in one page after another that has never held an exclusive access, while the others run: how long it waits for them is what counts. */
static inline void op_fresh(self_t *self) {
  if (self->me) {
    private_words[self->me][0]++;
    return;
  }
  u32 page = private_words[0][0]++ % FRESH_PAGES;
  if (!page) renew();
  add_exclusive(fresh[page], 1, &self->failures);
}

/* As private, without exclusive accesses: what the machinery costs a program that has none. */
static inline void op_plain(self_t *self) { private_words[self->me][0]++; }

/* As plain, with nothing but stores. */
static inline void op_stores(self_t *self) {
  volatile u32 *own = private_words[self->me];
  for (u32 i = 1; i <= STORES; i++) own[i] = i;
  own[0]++;
}

static inline void op_twolock(self_t *self) {
  lock(&locks[0], &self->failures);
  lock(&locks[SECOND], &self->failures);
  guarded[0]++;
  guarded[SECOND]++;
  unlock(&locks[SECOND]);
  unlock(&locks[0]);
}

static inline void op_ticket(self_t *self) {
  u32 mine = add_exclusive(&locks[0], 1, &self->failures);
  for (u32 spins = 0; locks[SECOND] != mine;)
    if (++spins % SPINS == 0) yield();
  barrier();
  guarded[0]++;
  guarded[SECOND]++;
  barrier();
  locks[SECOND] = mine + 1;
}

#if defined(__x86_64__) || defined(__i386__)
static node_t *first(void) { return (node_t *)(unsigned long)(u32)head; }

static head_t renumbered(head_t old, node_t *node) { return ((old >> 32) + 1) << 32 | (u32)(unsigned long)node; }

static node_t *pop(u32 *failures) {
  for (head_t old = head;; ++*failures) {
    node_t *top = (node_t *)(unsigned long)(u32)old;
    if (!top || __atomic_compare_exchange_n(&head, &old, renumbered(old, top->next), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return top;
  }
}

static void push(node_t *node, u32 *failures) {
  for (head_t old = head;; ++*failures) {
    node->next = (node_t *)(unsigned long)(u32)old;
    if (__atomic_compare_exchange_n(&head, &old, renumbered(old, node), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return;
  }
}
#else
static node_t *first(void) { return head; }

/* Right with a strict stcond. With a compare-and-swap in its place another thread may pop this node and its next one and push this one back meanwhile: ABA. */
static node_t *pop(u32 *failures) {
  for (;;) {
    node_t *top, *next;
    u32 failed;
    __asm__ volatile("ldrex %0, [%1]" : "=r"(top) : "r"(&head) : "memory");
    if (!top) {
      __asm__ volatile("clrex" ::: "memory");
      return 0;
    }
    next = top->next;
    __asm__ volatile("strex %0, %2, [%1]" : "=&r"(failed) : "r"(&head), "r"(next) : "memory");
    if (!failed) return top;
    ++*failures;
  }
}

static void push(node_t *node, u32 *failures) {
  node_t *top;
  do {
    top = head;
    node->next = top;
    barrier();
  } while (!replace_exclusive((volatile u32 *)&head, (u32)top, (u32)node, failures));
}
#endif

/* Takes two nodes and puts them back in the same order, which is what makes the old top come back with another next. */
static inline void op_stack(self_t *self) {
  node_t *taken[2];
  for (u32 i = 0; i < 2; i++) {
    taken[i] = pop(&self->failures);
    if (!taken[i]) continue;
    if (taken[i]->owner) self->wrong++;
    taken[i]->owner = self->me + 1;
  }
  for (u32 i = 0; i < 2; i++) {
    if (!taken[i]) continue;
    if (taken[i]->owner != self->me + 1) self->wrong++;
    taken[i]->owner = 0;
    barrier();
    push(taken[i], &self->failures);
  }
  if (!taken[0]) yield();
}

/* How long a word takes from one thread to the next and on: it tells whether their processors share a cache. */
static inline void op_handover(self_t *self) {
  while (turn != self->me)
    if (gate != OPEN) return;
  turn = self->me + 1 < thread_count ? self->me + 1 : 0;
}

#define BATCHED(kernel) \
  static void batch_##kernel(self_t *self) { \
    self_t local = *self; \
    for (u32 i = 0; i < BATCH; i++) op_##kernel(&local); \
    *self = local; \
  }
BATCHED(range)
BATCHED(private)
BATCHED(neighbours)
BATCHED(plain)
BATCHED(stores)
BATCHED(fresh)
BATCHED(twolock)
BATCHED(ticket)
BATCHED(stack)
BATCHED(handover)

typedef struct {
  const char *name;
  void (*run)(self_t *);
} kernel_t;

static const kernel_t kernels[] = {{"range", batch_range}, {"private", batch_private}, {"neighbours", batch_neighbours}, {"plain", batch_plain}, {"stores", batch_stores},
                                   {"fresh", batch_fresh}, {"twolock", batch_twolock}, {"ticket", batch_ticket}, {"stack", batch_stack},
                                   {"handover", batch_handover}};
static const kernel_t *kernel;

static void park(progress_t *mine) {
  mine->parked = 1;
  futex(&mine->parked, FUTEX_WAKE, 1);
  while (gate == SHUT) futex(&gate, FUTEX_WAIT, SHUT);
  mine->parked = 0;
}

static void worker(u32 me) {
  progress_t *mine = &progress[me];
  pin_thread(me);
  self_t self = {me, me * 2654435761u + 1, 0, 0};
  u32 done = 0;
  while (gate != OVER && (!quota || done < quota)) {
    if (gate == SHUT) {
      park(mine);
      continue;
    }
    kernel->run(&self);
    done += BATCH;
    mine->ops = done;
    mine->failures = self.failures;
    mine->wrong = self.wrong;
  }
}

static u32 difference(u32 a, u32 b) { return a > b ? a - b : b - a; }

/* What the end state tells: updates lost or invented, nodes not exactly once on the stack. */
static u32 damage(u32 threads) {
  u32 total = 0, found = 0, wrong = 0;
  for (u32 i = 0; i < threads; i++) total += progress[i].ops, wrong += progress[i].wrong;
  if (kernel->run == batch_range) {
    for (u32 i = 0; i < MAX_WORDS; i++) found += words[i];
    return wrong + difference(found, total);
  }
  if (kernel->run == batch_neighbours) {
    for (u32 i = 0; i < threads; i++) wrong += difference(neighbours[i * LINE], progress[i].ops);
    return wrong;
  }
  if (kernel->run == batch_private || kernel->run == batch_plain || kernel->run == batch_stores || kernel->run == batch_fresh) {
    for (u32 i = 0; i < threads; i++) wrong += difference(private_words[i][0], progress[i].ops);
    return wrong;
  }
  if (kernel->run == batch_handover) return wrong;
  if (kernel->run == batch_stack) {
    node_t *at = first();
    for (; at && found <= NODES; at = at->next) found++;
    return wrong + difference(found, NODES);
  }
  return wrong + difference(guarded[0], total) + difference(guarded[SECOND], total);
}

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

typedef struct {
  u32 ops, failures, us;
} count_t;

/* What all threads have done so far, and when. */
static count_t count(void) {
  count_t sum = {0, 0, microseconds()};
  for (u32 i = 0; i < thread_count; i++) sum.ops += progress[i].ops, sum.failures += progress[i].failures;
  return sum;
}

static count_t since(count_t before) {
  count_t now = count();
  return (count_t){now.ops - before.ops, now.failures - before.failures, now.us - before.us};
}

static count_t measure(u32 warm_ms, u32 measure_ms) {
  sleep_ms(warm_ms);
  count_t before = count();
  sleep_ms(measure_ms);
  return since(before);
}

static void turn_gate(u32 state) {
  gate = state;
  futex(&gate, FUTEX_WAKE, MAX_THREADS);
}

static void shut_gate(void) {
  gate = SHUT;
  for (u32 i = 0; i < thread_count; i++)
    while (!progress[i].parked) futex(&progress[i].parked, FUTEX_WAIT, 0);
}

static void put_count(const count_t *counted) {
  field(" ops=", counted->ops);
  field(" us=", counted->us);
  field(" failures=", counted->failures);
}

/* The last of the slices; there are fewer if standard input ends. */
static count_t measure_slices(u32 slices, u32 warm_ms, u32 measure_ms) {
  count_t counted = {0, 0, 0};
  char byte;
  while (shut_gate(), slices-- && syscall3(SYS_READ, 0, (long)&byte, 1) == 1) {
    turn_gate(OPEN);
    counted = measure(warm_ms, measure_ms);
    shut_gate();
    put_count(&counted);
    put_text("\n");
  }
  return counted;
}

static int guest_main(u32 unused) {
  const char *const *words_given = guest_arguments + 1;
  u32 given[6] = {0};
  (void)unused;
  for (u32 i = 0; words_given[0] && i < 6 && words_given[i + 1]; i++) given[i] = parse(words_given[i + 1]);
  u32 threads = given[0], ops = given[4], slices = given[5];
  for (u32 i = 0; words_given[0] && i < sizeof kernels / sizeof *kernels; i++)
    if (same(kernels[i].name, words_given[0])) kernel = &kernels[i];
  if (!kernel || threads < 1 || threads > MAX_THREADS || !given[1] || given[1] > MAX_WORDS || given[1] & (given[1] - 1)) {
    put_text("usage: llsc KERNEL THREADS(1..128) WORDS(a power of two, 1..1024) WARM_MS MEASURE_MS [OPS [SLICES]]\n");
    return 2;
  }
  word_mask = given[1] - 1;
  quota = (ops + threads - 1) / threads;
  thread_count = threads;
  for (u32 i = 0; i < NODES; i++) nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : 0;
  head = (head_t)(unsigned long)nodes;

  count_t counted = count();
  for (u32 i = 0; i < threads; i++) start_thread(i, worker);
  if (ops) {
    for (u32 i = 0; i < threads; i++) join_thread(i);
    counted = since(counted);
  } else {
    counted = slices ? measure_slices(slices, given[2], given[3]) : measure(given[2], given[3]);
  }
  turn_gate(OVER);
  for (u32 i = 0; i < threads; i++) join_thread(i);

  u32 wrong = damage(threads);
  put_text("kernel=");
  put_text(kernel->name);
  field(" threads=", threads);
  field(" words=", given[1]);
  put_count(&counted);
  field(" wrong=", wrong);
  put_text("\n");
  return wrong != 0;
}
