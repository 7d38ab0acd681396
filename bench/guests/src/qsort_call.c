/* Kernel: quicksort of 5,000 records whose order a function given by pointer decides, argv[1] times. An indirect call a comparison. */
#include "guest.h"

enum { COUNT = 5000 };
typedef struct {
  u32 key, value;
} record_t;
typedef int order_t(const record_t *, const record_t *);
static record_t records[COUNT];

static int rising(const record_t *a, const record_t *b) { return a->key < b->key ? -1 : a->key > b->key; }
static int falling_value(const record_t *a, const record_t *b) { return a->value > b->value ? -1 : a->value < b->value; }
static order_t *const orders[] = {rising, falling_value};

__attribute__((noinline)) static void sort(record_t *low, record_t *high, order_t *order) {
  while (low < high) {
    record_t pivot = low[(high - low) / 2], *left = low, *right = high;
    while (left <= right) {
      while (order(left, &pivot) < 0) left++;
      while (order(right, &pivot) > 0) right--;
      if (left <= right) {
        record_t swap = *left;
        *left++ = *right;
        *right-- = swap;
      }
    }
    sort(low, right, order);
    low = left;
  }
}

static int guest_main(u32 loops) {
  u32 seed = 99, checksum = 0;
  while (loops--) {
    for (u32 i = 0; i < COUNT; i++) {
      records[i].key = next_random(&seed);
      records[i].value = next_random(&seed);
    }
    sort(records, records + COUNT - 1, orders[loops & 1]);
    for (u32 i = 0; i < COUNT; i++) checksum = (checksum << 1 | checksum >> 31) ^ records[i].key;
  }
  report("qsort_call", checksum);
  return 0;
}
