/* SHA-256 and SHA-512 (FIPS 180-4, 6.2 and 6.4): one body for both word sizes. The includer defines word, WORD_BITS, ROUNDS, the tables `constants` and `initial`
 * and the rotation counts of the six functions. */

static u8 message[4096 + 2 * WORD_BITS * 2];
static word state[8];

static inline word rotated(word x, u32 n) { return x >> n | x << (WORD_BITS - n); }

static void compress(const u8 *block) {
  word w[ROUNDS], v[8];
  for (u32 i = 0; i < 16; i++) {
    w[i] = 0;
    for (u32 j = 0; j < WORD_BITS / 8; j++) w[i] = w[i] << 8 | *block++;
  }
  for (u32 i = 16; i < ROUNDS; i++) {
    word s0 = rotated(w[i - 15], SMALL0_A) ^ rotated(w[i - 15], SMALL0_B) ^ w[i - 15] >> SMALL0_SHIFT;
    word s1 = rotated(w[i - 2], SMALL1_A) ^ rotated(w[i - 2], SMALL1_B) ^ w[i - 2] >> SMALL1_SHIFT;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  for (u32 i = 0; i < 8; i++) v[i] = state[i];
  for (u32 i = 0; i < ROUNDS; i++) {
    word big1 = rotated(v[4], BIG1_A) ^ rotated(v[4], BIG1_B) ^ rotated(v[4], BIG1_C);
    word choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    word one = v[7] + big1 + choice + constants[i] + w[i];
    word big0 = rotated(v[0], BIG0_A) ^ rotated(v[0], BIG0_B) ^ rotated(v[0], BIG0_C);
    word majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    v[7] = v[6], v[6] = v[5], v[5] = v[4], v[4] = v[3] + one;
    v[3] = v[2], v[2] = v[1], v[1] = v[0], v[0] = one + big0 + majority;
  }
  for (u32 i = 0; i < 8; i++) state[i] += v[i];
}

/* The digest of the first `length` bytes of `message`; gives its first 32 bits. */
static u32 digest(u32 length) {
  u32 block = WORD_BITS * 2, end = (length + WORD_BITS / 4 + block) / block * block; /* a one bit and the length, which is two words */
  message[length] = 0x80;
  for (u32 i = length + 1; i < end; i++) ((volatile u8 *)message)[i] = 0;
  for (u32 i = 0; i < 4; i++) message[end - 1 - i] = (u8)(length * 8 >> 8 * i);
  for (u32 i = 0; i < 8; i++) state[i] = initial[i];
  for (u32 at = 0; at < end; at += block) compress(message + at);
  return (u32)(state[0] >> (WORD_BITS - 32));
}

/* Checks the digest of "abc", then digests 4 KiB argv[1] times. */
static int run(const char *name, u32 loops, u32 digest_of_abc) {
  u32 seed = 5, checksum = 0;
  message[0] = 'a', message[1] = 'b', message[2] = 'c';
  if (digest(3) != digest_of_abc) {
    put_text("wrong digest\n");
    return 1;
  }
  for (u32 i = 0; i < 4096; i++) message[i] = (u8)next_random(&seed);
  while (loops--) {
    checksum = checksum * 31 + digest(4096);
    message[loops % 4096] ^= (u8)checksum;
  }
  report(name, checksum);
  return 0;
}
