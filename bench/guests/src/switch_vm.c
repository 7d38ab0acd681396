/* Kernel: an interpreter with one switch runs a loop of 1,000 rounds, argv[1] times. A jump through a table for each operation. */
#include "guest.h"

enum operation { PUSH, LOAD, STORE, ADD, SUB, MUL, XOR, SHIFT, LESS, JUMP_IF, DUP, DROP, HALT };
enum { COUNTER, SUM };

/* while (counter < 1000) { sum = (sum * 31 ^ counter) >> 1; counter = counter + 1 } */
static const u8 program[] = {LOAD, SUM, PUSH, 31, MUL,  LOAD, COUNTER, XOR,   SHIFT, 1,    STORE, SUM, LOAD, COUNTER, PUSH,
                             1,    ADD, DUP,  STORE, COUNTER, PUSH, 250, PUSH, 4, MUL, LESS, JUMP_IF, 0, LOAD, SUM, DUP, SUB, DROP, HALT};

__attribute__((noinline)) static u32 interpret(const u8 *code, u32 start) {
  u32 stack[16], variables[2] = {0, start}, *top = stack;
  for (const u8 *at = code;;) switch (*at++) {
      case PUSH: *top++ = *at++; break;
      case LOAD: *top++ = variables[*at++]; break;
      case STORE: variables[*at++] = *--top; break;
      case ADD: top--, top[-1] += *top; break;
      case SUB: top--, top[-1] -= *top; break;
      case MUL: top--, top[-1] *= *top; break;
      case XOR: top--, top[-1] ^= *top; break;
      case SHIFT: top[-1] >>= *at++; break;
      case LESS: top--, top[-1] = top[-1] < *top; break;
      case JUMP_IF: at = *--top ? code + *at : at + 1; break;
      case DUP: *top = top[-1], top++; break;
      case DROP: top--; break;
      default: return variables[SUM];
    }
}

static int guest_main(u32 loops) {
  u32 checksum = 1;
  while (loops--) checksum = checksum * 31 + interpret(program, checksum);
  report("switch_vm", checksum);
  return 0;
}
