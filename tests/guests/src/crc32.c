/* Kernel: CRC-32 by table over 64 KiB, argv[1] times. Loads and shifts, one byte a step. */
#include "guest.h"

static u32 table[256];
static u8 data[65536];

static int guest_main(u32 loops) {
  u32 seed = 1, crc = ~0u;
  for (u32 i = 0; i < 256; i++) {
    u32 entry = i;
    for (u32 bit = 0; bit < 8; bit++) entry = entry >> 1 ^ (entry & 1 ? 0xedb88320 : 0);
    table[i] = entry;
  }
  for (u32 i = 0; i < sizeof data; i++) data[i] = (u8)next_random(&seed);
  while (loops--)
    for (u32 i = 0; i < sizeof data; i++) crc = crc >> 8 ^ table[(u8)crc ^ data[i]];
  report("crc32", ~crc);
  return 0;
}
