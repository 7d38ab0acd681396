/* Kernel: 20,000 insertions, look-ups and removals in a hash table with open addressing, argv[1] times. Scattered loads and stores over 128 KiB. */
#include "guest.h"

enum { SLOTS = 16384, KEYS = 12000, OPERATIONS = 20000, EMPTY = 0 };
typedef struct {
  u32 key, value;
} slot_t;
static slot_t slots[SLOTS];

static u32 home(u32 key) { return key * 2654435761u >> 18; }

__attribute__((noinline)) static slot_t *find(u32 key) {
  u32 at = home(key);
  while (slots[at].key != EMPTY && slots[at].key != key) at = (at + 1) % SLOTS;
  return &slots[at];
}

/* Closes the gap: later entries of the run move up unless they are at home. */
static void erase(slot_t *slot) {
  u32 gap = (u32)(slot - slots), at = gap;
  for (;;) {
    at = (at + 1) % SLOTS;
    if (slots[at].key == EMPTY) break;
    u32 distance = (at - home(slots[at].key)) % SLOTS;
    if (distance >= (at - gap) % SLOTS) {
      slots[gap] = slots[at];
      gap = at;
    }
  }
  slots[gap].key = EMPTY;
}

static int guest_main(u32 loops) {
  u32 seed = 41, checksum = 0;
  while (loops--) {
    for (u32 i = 0; i < OPERATIONS; i++) {
      u32 random = next_random(&seed), key = random % KEYS + 1;
      slot_t *slot = find(key);
      if (slot->key == key && random >> 30 == 0) {
        erase(slot);
        continue;
      }
      slot->key = key;
      slot->value += random;
      checksum = checksum * 31 + slot->value;
    }
  }
  report("hash_table", checksum);
  return 0;
}
