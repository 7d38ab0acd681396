/* Kernel: 16 KiB of text packed by back references found through a hash table, and unpacked again, argv[1] times. Bytes, unforeseeable branches. */
#include "guest.h"

enum { SIZE = 16384, SLOTS = 4096, SHORTEST = 4, LONGEST = 255 };
static u8 text[SIZE], packed[SIZE * 2], unpacked[SIZE];
static u32 slots[SLOTS]; /* position + 1 of the last place with this hash */

static u32 hash(const u8 *at) { return ((u32)at[0] | (u32)at[1] << 8 | (u32)at[2] << 16 | (u32)at[3] << 24) * 2654435761u >> 20; }

/* A token is a count of literals and the literals, then a length (0 at the end) and a distance of two bytes. */
static u32 pack(void) {
  u32 out = 0, literals = 0, at = 0;
  for (u32 i = 0; i < SLOTS; i++) ((volatile u32 *)slots)[i] = 0;
  while (at < SIZE) {
    u32 length = 0, from = 0;
    if (at + SHORTEST <= SIZE) {
      u32 slot = hash(text + at);
      from = slots[slot];
      slots[slot] = at + 1;
      if (from)
        while (at + length < SIZE && length < LONGEST && text[from - 1 + length] == text[at + length]) length++;
    }
    if (length < SHORTEST && at - literals < LONGEST && at + 1 < SIZE) {
      at++;
      continue;
    }
    if (length < SHORTEST) {
      length = 0;
      at++;
    }
    packed[out++] = (u8)(at - literals);
    while (literals < at) packed[out++] = text[literals++];
    packed[out++] = (u8)length;
    if (length) {
      packed[out++] = (u8)(at - from + 1);
      packed[out++] = (u8)((at - from + 1) >> 8);
    }
    at += length;
    literals = at;
  }
  return out;
}

static u32 unpack(u32 size) {
  u32 in = 0, out = 0;
  while (in < size) {
    for (u32 literals = packed[in++]; literals; literals--) unpacked[out++] = packed[in++];
    u32 length = packed[in++];
    if (!length) continue;
    u32 distance = packed[in] | (u32)packed[in + 1] << 8;
    in += 2;
    for (; length; length--, out++) unpacked[out] = unpacked[out - distance];
  }
  return out;
}

static int guest_main(u32 loops) {
  static const char vocabulary[8][9] = {"load ", "link ", "store ", "if the ", "vcpu ", "holds ", "page ", "again\n"};
  u32 seed = 3, checksum = 0, length = 0;
  while (length < SIZE) {
    const char *word = vocabulary[next_random(&seed) & 7];
    while (*word && length < SIZE) text[length++] = (u8)*word++;
    if (next_random(&seed) % 5 == 0 && length < SIZE) text[length++] = (u8)next_random(&seed);
  }
  while (loops--) {
    u32 size = pack();
    if (unpack(size) != SIZE) return 1;
    for (u32 i = 0; i < SIZE; i++)
      if (unpacked[i] != text[i]) return 1;
    checksum = checksum * 31 + size + packed[size / 2];
    text[checksum % SIZE] = 'x';
  }
  report("lz", checksum);
  return 0;
}
