/* Kernel: 4,000 list nodes in scattered order are walked, cut and merged into a sorted list, argv[1] times. Each load waits for the one before. */
#include "guest.h"

enum { COUNT = 4000 };
typedef struct node {
  struct node *next;
  u32 key;
} node_t;
static node_t nodes[COUNT];

static node_t *merge(node_t *a, node_t *b) {
  node_t first, *last = &first;
  while (a && b) {
    node_t **from = a->key <= b->key ? &a : &b;
    last->next = *from;
    last = *from;
    *from = (*from)->next;
  }
  last->next = a ? a : b;
  return first.next;
}

__attribute__((noinline)) static node_t *sorted(node_t *list) {
  if (!list || !list->next) return list;
  node_t *slow = list, *fast = list->next;
  while (fast && fast->next) slow = slow->next, fast = fast->next->next;
  node_t *half = slow->next;
  slow->next = 0;
  return merge(sorted(list), sorted(half));
}

static int guest_main(u32 loops) {
  u32 seed = 37, checksum = 0;
  while (loops--) {
    node_t *list = 0;
    for (u32 i = 0; i < COUNT; i++) {
      node_t *node = &nodes[i * 1237 % COUNT]; /* no common factor: each node once */
      node->key = next_random(&seed);
      node->next = list;
      list = node;
    }
    for (const node_t *at = sorted(list); at; at = at->next) checksum = (checksum << 1 | checksum >> 31) ^ at->key;
  }
  report("linked_list", checksum);
  return 0;
}
