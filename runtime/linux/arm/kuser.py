"""The kernel's helper page at 0xffff0000: real ARM code at fixed addresses (Documentation/arch/arm/kernel_user_helpers.rst), and our signal return code.

``SOURCE`` is what ``CODE`` was assembled from; a test assembles it again. The page also holds the code a handler returns to when it has no SA_RESTORER.
"""

from __future__ import annotations

PAGE = 0xFFFF0000
CODE_OFFSET = 0xF60
SIGRETURN_OFFSET = 0x500  # words: ARM sigreturn, ARM rt_sigreturn, Thumb sigreturn, Thumb rt_sigreturn

SOURCE = """
cmpxchg64:
  push {r4-r7}
  ldrd r4, r5, [r0]
  ldrd r6, r7, [r1]
  dmb ish
1: ldrexd r0, r1, [r2]
  cmp r0, r4
  cmpeq r1, r5
  movne r3, #1
  bne 2f
  strexd r3, r6, r7, [r2]
  cmp r3, #0
  bne 1b
2: dmb ish
  rsbs r0, r3, #0
  pop {r4-r7}
  bx lr
memory_barrier:
  dmb ish
  bx lr
.org 0x60
cmpxchg:
  dmb ish
1: ldrex ip, [r2]
  subs r3, ip, r0
  strexeq ip, r1, [r2]
  teqeq ip, #1
  beq 1b
  rsbs r0, r3, #0
  b memory_barrier
get_tls:
  mrc p15, 0, r0, c13, c0, 3
  bx lr
.org 0x9c
  .word 5
"""

CODE = bytes.fromhex(
    "f0002de9d040c0e1d060c1e15bf07ff59f0fb2e1040050e1050051010130a0130200001a963fa2e1000053e3f7ffff1a5bf07ff5000073e2f000bde81eff2fe1"
    "5bf07ff51eff2fe10000000000000000000000000000000000000000000000005bf07ff59fcf92e100305ce091cf820101003c03faffff0a000073e2efffffea"
    "700f1dee1eff2fe1000000000000000000000000000000000000000005000000"
)

# mov r7, #nr; svc #0 in both instruction sets (119 is sigreturn, 173 rt_sigreturn).
_RETURN_CODE = bytes.fromhex("7770a0e3000000ef" "ad70a0e3000000ef" "772700df" "ad2700df")
_RETURN_ENTRIES = {(False, False): 0, (False, True): 8, (True, False): 17, (True, True): 21}  # (Thumb, rt) -> offset, bit 0 set for Thumb


def sigreturn_entry(thumb: bool, rt: bool) -> int:
    """Address (with its Thumb bit) of the code that ends a handler."""
    return PAGE + SIGRETURN_OFFSET + _RETURN_ENTRIES[thumb, rt]


def helper_page() -> bytes:
    """The 4096 bytes of the page."""
    page = bytearray(4096)
    page[CODE_OFFSET : CODE_OFFSET + len(CODE)] = CODE
    page[SIGRETURN_OFFSET : SIGRETURN_OFFSET + len(_RETURN_CODE)] = _RETURN_CODE
    return bytes(page)
