/* Kernel: AES-128 (FIPS 197) of 4 KiB in counter mode, argv[1] times. Table look-ups by bytes of words, as most libraries do without AES instructions. */
#include "guest.h"

enum { ROUNDS = 10, KEY_WORDS = 4 * (ROUNDS + 1), BLOCKS = 256 };
static u8 box[256];
static u32 table[256]; /* the box and the column mix of one byte */
static u32 keys[KEY_WORDS];

static u32 doubled(u32 x) { return (x << 1 ^ (x & 0x80 ? 0x1b : 0)) & 0xff; }
static u32 turned(u32 x, u32 n) { return x >> n | x << (32 - n); }

static void make_tables(void) {
  u8 power[256], logarithm[256]; /* of 3, which generates the field */
  u32 x = 1;
  for (u32 i = 0; i < 256; i++) {
    power[i] = (u8)x;
    logarithm[x] = (u8)i;
    x ^= doubled(x);
  }
  logarithm[1] = 0;
  for (u32 i = 0; i < 256; i++) {
    u32 inverse = i < 2 ? i : power[255 - logarithm[i]];
    u32 mixed = inverse | inverse << 8;
    box[i] = (u8)((inverse ^ mixed >> 7 ^ mixed >> 6 ^ mixed >> 5 ^ mixed >> 4 ^ 0x63) & 0xff);
    u32 twice = doubled(box[i]);
    table[i] = twice << 24 | (u32)box[i] << 16 | (u32)box[i] << 8 | (twice ^ box[i]);
  }
}

static u32 boxed(u32 x) { return (u32)box[x >> 24] << 24 | (u32)box[x >> 16 & 255] << 16 | (u32)box[x >> 8 & 255] << 8 | box[x & 255]; }

static void expand(const u32 *key) {
  u32 constant = 1;
  for (u32 i = 0; i < KEY_WORDS; i++) {
    u32 word = i < 4 ? key[i] : keys[i - 1];
    if (i >= 4 && i % 4 == 0) {
      word = boxed(turned(word, 24)) ^ constant << 24;
      constant = doubled(constant);
    }
    keys[i] = i < 4 ? word : keys[i - 4] ^ word;
  }
}

static void encrypt(u32 *s) {
  u32 t[4];
  for (u32 i = 0; i < 4; i++) s[i] ^= keys[i];
  for (u32 round = 1; round < ROUNDS; round++) {
    for (u32 i = 0; i < 4; i++)
      t[i] = table[s[i] >> 24] ^ turned(table[s[(i + 1) & 3] >> 16 & 255], 8) ^ turned(table[s[(i + 2) & 3] >> 8 & 255], 16) ^
             turned(table[s[(i + 3) & 3] & 255], 24) ^ keys[4 * round + i];
    for (u32 i = 0; i < 4; i++) s[i] = t[i];
  }
  for (u32 i = 0; i < 4; i++)
    t[i] = boxed((s[i] & 0xff000000) | (s[(i + 1) & 3] & 0xff0000) | (s[(i + 2) & 3] & 0xff00) | (s[(i + 3) & 3] & 0xff)) ^ keys[4 * ROUNDS + i];
  for (u32 i = 0; i < 4; i++) s[i] = t[i];
}

static int guest_main(u32 loops) {
  static const u32 key[4] = {0x00010203, 0x04050607, 0x08090a0b, 0x0c0d0e0f}; /* FIPS 197, C.1 */
  u32 block[4] = {0x00112233, 0x44556677, 0x8899aabb, 0xccddeeff}, checksum = 0;
  make_tables();
  expand(key);
  encrypt(block);
  if (block[0] != 0x69c4e0d8 || block[3] != 0x70b4c55a) {
    put_text("wrong cipher text\n");
    return 1;
  }
  while (loops--)
    for (u32 i = 0; i < BLOCKS; i++) {
      u32 counter[4] = {1, 2, loops, i};
      encrypt(counter);
      checksum = (checksum << 5 | checksum >> 27) ^ counter[0] ^ counter[2];
    }
  report("aes", checksum);
  return 0;
}
