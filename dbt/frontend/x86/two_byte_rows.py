"""Two-byte opcodes 0F xx (SDM vol. 2D, tables A-4 to A-6) but those of MMX, SSE and its successors."""

ROWS = """
[data_transfer]
0F 40+c       Gv,Ev     -> cmovcc
0F 90+c       Eb        -> setcc
0F B6         Gv,Eb     -> movzx
0F B7         Gv,Ew     -> movzx
0F BE         Gv,Eb     -> movsx
0F BF         Gv,Ew     -> movsx
0F C8+r       Zv        -> bswap
0F C0         Eb,Gb     -> xadd    lock
0F C1         Ev,Gv     -> xadd    lock
0F B0         Eb,Gb     -> cmpxchg lock
0F B1         Ev,Gv     -> cmpxchg lock
0F A0         FS        -> push    d64
0F A8         GS        -> push    d64
0F C7 /1 mem  M         -> cmpxchg_pair lock

[segment]
0F A1         FS        -> pop_segment d64
0F A9         GS        -> pop_segment d64
0F B2 mem     Gv,Mp     -> load_far_pointer segment=2
0F B4 mem     Gv,Mp     -> load_far_pointer segment=4
0F B5 mem     Gv,Mp     -> load_far_pointer segment=5
0F 02         Gv,Ew     -> lar
0F 03         Gv,Ew     -> lsl
0F 00 /0      Ev        -> sldt
0F 00 /1      Ev        -> str_
0F 00 /4      Ew        -> verr
0F 00 /5      Ew        -> verw
0F 01 /0 mem  M         -> sgdt
0F 01 /1 mem  M         -> sidt
0F 01 /4      Ev        -> smsw

[binary_arithmetic]
0F AF         Gv,Ev     -> imul_truncating

[shift_rotate]
0F A4         Ev,Gv,Ib  -> shld
0F A5         Ev,Gv,CL  -> shld
0F AC         Ev,Gv,Ib  -> shrd
0F AD         Ev,Gv,CL  -> shrd

[bit_byte]
0F A3         Ev,Gv     -> bt
0F AB         Ev,Gv     -> bts     lock
0F B3         Ev,Gv     -> btr     lock
0F BB         Ev,Gv     -> btc     lock
0F BA /4      Ev,Ib     -> bt
0F BA /5      Ev,Ib     -> bts     lock
0F BA /6      Ev,Ib     -> btr     lock
0F BA /7      Ev,Ib     -> btc     lock
0F BC         Gv,Ev     -> bsf
0F BD         Gv,Ev     -> bsr
F3 0F B8      Gv,Ev     -> popcnt

[control_transfer]
0F 80+c       Jz        -> jcc     f64

[system]
0F 05                   -> syscall x64
0F 31                   -> rdtsc
0F 01 /7 reg rm=1       -> rdtscp
0F A2                   -> cpuid

[miscellaneous]
0F 0D mem     M         -> nop               # PREFETCHW and its like
0F 18 /0 mem  M         -> nop               # PREFETCHNTA, T0, T1, T2
0F 18 /1 mem  M         -> nop
0F 18 /2 mem  M         -> nop
0F 18 /3 mem  M         -> nop
0F 18 reg     Ev        -> nop               # hints: NOP until they mean something
0F 18 /4 mem  Ev        -> nop
0F 18 /5 mem  Ev        -> nop
0F 18 /6 mem  Ev        -> nop
0F 18 /7 mem  Ev        -> nop
0F 19         Ev        -> nop
0F 1A         Ev        -> nop
0F 1B         Ev        -> nop
0F 1C         Ev        -> nop
0F 1D         Ev        -> nop
0F 1E         Ev        -> nop               # ENDBR32, ENDBR64, RDSSP
0F 1F         Ev        -> nop
0F 0B                   -> ud
0F B9         Gv,Ev     -> ud
0F FF         Gv,Ev     -> ud
NP 0F C3      My,Gy     -> movnti
NP 0F AE /5 reg         -> lfence
NP 0F AE /6 reg         -> mfence
NP 0F AE /7 reg         -> sfence
NP 0F AE /7 mem M       -> clflush
66 0F AE /7 mem M       -> clflush           # CLFLUSHOPT
0F 00 /2      Ew        -> privileged        # LLDT, LTR
0F 00 /3      Ew        -> privileged
0F 01 /2 mem  M         -> privileged        # LGDT, LIDT, LMSW, INVLPG, SWAPGS
0F 01 /3 mem  M         -> privileged
0F 01 /6      Ew        -> privileged
0F 01 /7 mem  M         -> privileged
0F 01 /7 reg rm=0       -> privileged x64
0F 06                   -> privileged        # CLTS, SYSRET, INVD, WBINVD
0F 07                   -> privileged
0F 08                   -> privileged
0F 09                   -> privileged
0F 30                   -> privileged        # WRMSR, RDMSR, RDPMC
0F 32                   -> privileged
0F 33                   -> privileged
0F 35                   -> privileged        # SYSEXIT
0F 20 /0                -> privileged        # MOV from and to control registers 0, 2, 3, 4 and 8, and debug registers
0F 20 /2                -> privileged
0F 20 /3                -> privileged
0F 20 /4                -> privileged
0F 22 /0                -> privileged
0F 22 /2                -> privileged
0F 22 /3                -> privileged
0F 22 /4                -> privileged
0F 21                   -> privileged
0F 23                   -> privileged
"""
