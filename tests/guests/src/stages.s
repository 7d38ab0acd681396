@ Short sequences for the dumps: A32, T32, NEON and a load-link/store-conditional loop, each under a symbol of its own.
  .syntax unified
  .arch armv7-a
  .fpu neon-vfpv4
  .text

  .global _start
  .type _start, %function
  .arm
_start:
  ldr r0, =numbers
  mov r1, #4
  bl sum_a32
  ldr r5, =cell
  bl add_exclusive
  ldr r0, =numbers
  bl scale_neon
  blx swap_t32
  mov r0, #0
  mov r7, #248 @ exit_group
  svc #0
  .ltorg

@ r0: words, r1: how many; gives their sum in r0
  .type sum_a32, %function
sum_a32:
  mov r2, #0
1:
  ldr r3, [r0], #4
  subs r1, r1, #1
  add r2, r2, r3, lsl #1
  bne 1b
  movs r0, r2, asr #1
  bx lr
  .size sum_a32, . - sum_a32

@ r5: word; adds 1 to it atomically, old value in r3
  .type add_exclusive, %function
add_exclusive:
  dmb ish
2:
  ldrex r3, [r5]
  add r4, r3, #1
  strex r2, r4, [r5]
  cmp r2, #0
  bne 2b
  dmb ish
  bx lr
  .size add_exclusive, . - add_exclusive

@ r0: four words, each times 3
  .type scale_neon, %function
scale_neon:
  vld1.32 {d0, d1}, [r0]
  vshl.i32 q1, q0, #1
  vadd.i32 q0, q0, q1
  vst1.32 {d0, d1}, [r0]!
  bx lr
  .size scale_neon, . - scale_neon

@ r0: byte-swapped if it is negative
  .type swap_t32, %function
  .thumb
  .thumb_func
swap_t32:
  cmp r0, #0
  itte mi
  revmi r0, r0
  addmi.w r1, r1, r0, ror #7
  movpl r1, r0
  ubfx r2, r0, #3, #9
  bx lr
  .size swap_t32, . - swap_t32

  .data
  .balign 16
  .type numbers, %object
numbers:
  .word 1, 2, 3, 4
  .size numbers, . - numbers

  .type cell, %object
cell:
  .word 41
  .size cell, . - cell
