/* Kernel: copies and lengths of 64 strings, argv[1] * 16 times. Words at a time, vectors for the long part. */
#include "guest.h"

enum { COUNT = 64, ROOM = 512 };
typedef u32 vector __attribute__((vector_size(16), aligned(4)));
static char source[COUNT][ROOM] __attribute__((aligned(16))), target[COUNT][ROOM] __attribute__((aligned(16)));

/* Four bytes at a time until one of them is zero. */
__attribute__((noinline)) static u32 length(const char *text) {
  const u32 *at = (const u32 *)text;
  while (!((*at - 0x01010101) & ~*at & 0x80808080)) at++;
  const char *end = (const char *)at;
  while (*end) end++;
  return (u32)(end - text);
}

__attribute__((noinline)) static void copy(char *to, const char *from, u32 bytes) {
  for (; bytes >= 16; bytes -= 16, to += 16, from += 16) *(vector *)to = *(const vector *)from;
  for (; bytes; bytes--) *(volatile char *)to++ = *from++;
}

static int guest_main(u32 loops) {
  u32 seed = 29, checksum = 0;
  for (u32 i = 0; i < COUNT; i++) {
    u32 size = next_random(&seed) % (ROOM - 1);
    for (u32 j = 0; j < size; j++) source[i][j] = (char)('a' + next_random(&seed) % 26);
  }
  for (u32 n = 0; n < loops * 16; n++)
    for (u32 i = 0; i < COUNT; i++) {
      u32 size = length(source[i]);
      copy(target[i], source[(i + n) % COUNT], size + 1);
      target[i][size] = 0;
      checksum = checksum * 31 + length(target[i]) + (u8)target[i][size / 2];
    }
  report("strings", checksum);
  return 0;
}
