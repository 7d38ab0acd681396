/* Kernel: CRC-32 bit by bit over 4 KiB, argv[1] times. Flags and conditional instructions in a tight loop. */
#include "guest.h"

static u8 data[4096];

static int guest_main(u32 loops) {
  u32 seed = 1, crc = ~0u;
  for (u32 i = 0; i < sizeof data; i++) data[i] = (u8)next_random(&seed);
  while (loops--)
    for (u32 i = 0; i < sizeof data; i++) {
      crc ^= data[i];
      for (u32 bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
  report("crc32_bits", ~crc);
  return 0;
}
