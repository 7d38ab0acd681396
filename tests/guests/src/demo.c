/* The bundled demonstration: CRC-32 (polynomial 0xedb88320) of a text, over and over. argv[1]: how often. */
#include "guest.h"

static const char text[] = "A dynamic binary translator turns the code of one machine into the code of another while it runs.\n";

__attribute__((noinline)) u32 crc32_update(u32 crc, const char *bytes, u32 count) {
  for (u32 i = 0; i < count; i++) {
    crc ^= (u8)bytes[i];
    for (u32 bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return crc;
}

static int guest_main(u32 loops) {
  put_text(text);
  u32 crc = ~0u;
  for (u32 i = 0; i < loops; i++) crc = crc32_update(crc, text, sizeof text - 1);
  put_text("CRC-32 of that text ");
  put_number(loops, 10);
  put_text(" times over: ");
  put_number(~crc, 16);
  put_text("\n");
  return 0;
}
