"""One-byte opcodes (SDM vol. 2D, tables A-2, A-3 and A-6); the format is explained in ``dbt.frontend.x86.tables``."""

ROWS = """
# 00-3F, and group 1
[binary_arithmetic]
00            Eb,Gb     -> add    lock
01            Ev,Gv     -> add    lock
02            Gb,Eb     -> add
03            Gv,Ev     -> add
04            AL,Ib     -> add
05            rAX,Iz    -> add
10            Eb,Gb     -> adc    lock
11            Ev,Gv     -> adc    lock
12            Gb,Eb     -> adc
13            Gv,Ev     -> adc
14            AL,Ib     -> adc
15            rAX,Iz    -> adc
18            Eb,Gb     -> sbb    lock
19            Ev,Gv     -> sbb    lock
1A            Gb,Eb     -> sbb
1B            Gv,Ev     -> sbb
1C            AL,Ib     -> sbb
1D            rAX,Iz    -> sbb
28            Eb,Gb     -> sub    lock
29            Ev,Gv     -> sub    lock
2A            Gb,Eb     -> sub
2B            Gv,Ev     -> sub
2C            AL,Ib     -> sub
2D            rAX,Iz    -> sub
38            Eb,Gb     -> cmp
39            Ev,Gv     -> cmp
3A            Gb,Eb     -> cmp
3B            Gv,Ev     -> cmp
3C            AL,Ib     -> cmp
3D            rAX,Iz    -> cmp
80 /0         Eb,Ib     -> add    lock
81 /0         Ev,Iz     -> add    lock
82 /0         Eb,Ib     -> add    lock i386
83 /0         Ev,Ib     -> add    lock
80 /2         Eb,Ib     -> adc    lock
81 /2         Ev,Iz     -> adc    lock
82 /2         Eb,Ib     -> adc    lock i386
83 /2         Ev,Ib     -> adc    lock
80 /3         Eb,Ib     -> sbb    lock
81 /3         Ev,Iz     -> sbb    lock
82 /3         Eb,Ib     -> sbb    lock i386
83 /3         Ev,Ib     -> sbb    lock
80 /5         Eb,Ib     -> sub    lock
81 /5         Ev,Iz     -> sub    lock
82 /5         Eb,Ib     -> sub    lock i386
83 /5         Ev,Ib     -> sub    lock
80 /7         Eb,Ib     -> cmp
81 /7         Ev,Iz     -> cmp
82 /7         Eb,Ib     -> cmp i386
83 /7         Ev,Ib     -> cmp
[logical]
08            Eb,Gb     -> or_    lock
09            Ev,Gv     -> or_    lock
0A            Gb,Eb     -> or_
0B            Gv,Ev     -> or_
0C            AL,Ib     -> or_
0D            rAX,Iz    -> or_
20            Eb,Gb     -> and_    lock
21            Ev,Gv     -> and_    lock
22            Gb,Eb     -> and_
23            Gv,Ev     -> and_
24            AL,Ib     -> and_
25            rAX,Iz    -> and_
30            Eb,Gb     -> xor    lock
31            Ev,Gv     -> xor    lock
32            Gb,Eb     -> xor
33            Gv,Ev     -> xor
34            AL,Ib     -> xor
35            rAX,Iz    -> xor
80 /1         Eb,Ib     -> or_    lock
81 /1         Ev,Iz     -> or_    lock
82 /1         Eb,Ib     -> or_    lock i386
83 /1         Ev,Ib     -> or_    lock
80 /4         Eb,Ib     -> and_    lock
81 /4         Ev,Iz     -> and_    lock
82 /4         Eb,Ib     -> and_    lock i386
83 /4         Ev,Ib     -> and_    lock
80 /6         Eb,Ib     -> xor    lock
81 /6         Ev,Iz     -> xor    lock
82 /6         Eb,Ib     -> xor    lock i386
83 /6         Ev,Ib     -> xor    lock

[decimal_arithmetic]
27                      -> daa    i386
2F                      -> das    i386
37                      -> aaa    i386
3F                      -> aas    i386
D4            Ib        -> aam    i386
D5            Ib        -> aad    i386

[binary_arithmetic]
40+r          Zv        -> inc    i386
48+r          Zv        -> dec    i386
69            Gv,Ev,Iz  -> imul_truncating
6B            Gv,Ev,Ib  -> imul_truncating
# Groups 3, 4 and 5
F6 /3         Eb        -> neg    lock
F7 /3         Ev        -> neg    lock
F6 /4         Eb        -> mul
F7 /4         Ev        -> mul
F6 /5         Eb        -> imul
F7 /5         Ev        -> imul
F6 /6         Eb        -> div
F7 /6         Ev        -> div
F6 /7         Eb        -> idiv
F7 /7         Ev        -> idiv
FE /0         Eb        -> inc    lock
FF /0         Ev        -> inc    lock
FE /1         Eb        -> dec    lock
FF /1         Ev        -> dec    lock

[logical]
84            Eb,Gb     -> test
85            Ev,Gv     -> test
A8            AL,Ib     -> test
A9            rAX,Iz    -> test
F6 /0         Eb,Ib     -> test
F7 /0         Ev,Iz     -> test
F6 /1         Eb,Ib     -> test
F7 /1         Ev,Iz     -> test
F6 /2         Eb        -> not_   lock
F7 /2         Ev        -> not_   lock

[data_transfer]
88            Eb,Gb     -> mov
89            Ev,Gv     -> mov
8A            Gb,Eb     -> mov
8B            Gv,Ev     -> mov
A0            AL,Ob     -> mov
A1            rAX,Ov    -> mov
A2            Ob,AL     -> mov
A3            Ov,rAX    -> mov
B0+r          Zb,Ib     -> mov
B8+r          Zv,Iv     -> mov
C6 /0         Eb,Ib     -> mov
C7 /0         Ev,Iz     -> mov
63            Gv,Ed     -> movsx  x64
86            Eb,Gb     -> xchg   lock
87            Ev,Gv     -> xchg   lock
90+r          Zv,rAX    -> nop_or_xchg
98                      -> cbw
99                      -> cwd
50+r          Zv        -> push   d64
58+r          Zv        -> pop    d64
68            Iz        -> push   d64
6A            Ib        -> push   d64
FF /6         Ev        -> push   d64
8F /0         Ev        -> pop    d64
60                      -> pusha  i386
61                      -> popa   i386
06            ES        -> push   i386
0E            CS        -> push   i386
16            SS        -> push   i386
1E            DS        -> push   i386

[segment]
8C            Ev,Sw     -> mov_from_segment
8E            Sw,Ew     -> mov_to_segment
07            ES        -> pop_segment i386
17            SS        -> pop_segment i386
1F            DS        -> pop_segment i386
C4 mem        Gv,Mp     -> load_far_pointer segment=0 i386
C5 mem        Gv,Mp     -> load_far_pointer segment=3 i386
63            Ew,Gw     -> arpl   i386

[shift_rotate]
C0 /0         Eb,Ib     -> rol
C1 /0         Ev,Ib     -> rol
D0 /0         Eb,1      -> rol
D1 /0         Ev,1      -> rol
D2 /0         Eb,CL     -> rol
D3 /0         Ev,CL     -> rol
C0 /1         Eb,Ib     -> ror
C1 /1         Ev,Ib     -> ror
D0 /1         Eb,1      -> ror
D1 /1         Ev,1      -> ror
D2 /1         Eb,CL     -> ror
D3 /1         Ev,CL     -> ror
C0 /2         Eb,Ib     -> rcl
C1 /2         Ev,Ib     -> rcl
D0 /2         Eb,1      -> rcl
D1 /2         Ev,1      -> rcl
D2 /2         Eb,CL     -> rcl
D3 /2         Ev,CL     -> rcl
C0 /3         Eb,Ib     -> rcr
C1 /3         Ev,Ib     -> rcr
D0 /3         Eb,1      -> rcr
D1 /3         Ev,1      -> rcr
D2 /3         Eb,CL     -> rcr
D3 /3         Ev,CL     -> rcr
C0 /4         Eb,Ib     -> shl
C1 /4         Ev,Ib     -> shl
D0 /4         Eb,1      -> shl
D1 /4         Ev,1      -> shl
D2 /4         Eb,CL     -> shl
D3 /4         Ev,CL     -> shl
C0 /5         Eb,Ib     -> shr
C1 /5         Ev,Ib     -> shr
D0 /5         Eb,1      -> shr
D1 /5         Ev,1      -> shr
D2 /5         Eb,CL     -> shr
D3 /5         Ev,CL     -> shr
C0 /6         Eb,Ib     -> shl
C1 /6         Ev,Ib     -> shl
D0 /6         Eb,1      -> shl
D1 /6         Ev,1      -> shl
D2 /6         Eb,CL     -> shl
D3 /6         Ev,CL     -> shl
C0 /7         Eb,Ib     -> sar
C1 /7         Ev,Ib     -> sar
D0 /7         Eb,1      -> sar
D1 /7         Ev,1      -> sar
D2 /7         Eb,CL     -> sar
D3 /7         Ev,CL     -> sar

[control_transfer]
70+c          Jb        -> jcc    f64
E0            Jb        -> loopne f64
E1            Jb        -> loope  f64
E2            Jb        -> loop   f64
E3            Jb        -> jcxz   f64
E8            Jz        -> call   f64
E9            Jz        -> jmp    f64
EB            Jb        -> jmp    f64
FF /2         Ev        -> call_indirect f64
FF /4         Ev        -> jmp_indirect  f64
C2            Iw        -> ret    f64
C3                      -> ret    f64
C8            Iw,Ib2    -> enter  d64
C9                      -> leave  d64
CC                      -> int3
CD            Ib        -> int_
CE                      -> into   i386
F1                      -> int1
62 mem        Gv,M      -> bound  i386

[far_transfer]
9A            Ap        -> call_far i386
EA            Ap        -> jmp_far i386
FF /3 mem     Mp        -> call_far_indirect
FF /5 mem     Mp        -> jmp_far_indirect
CA            Iw        -> ret_far
CB                      -> ret_far
CF                      -> iret

[string]
A4                      -> movs   size=8
A5                      -> movs
A6                      -> cmps   size=8
A7                      -> cmps
AA                      -> stos   size=8
AB                      -> stos
AC                      -> lods   size=8
AD                      -> lods
AE                      -> scas   size=8
AF                      -> scas

[flag_control]
F5                      -> cmc
F8                      -> clc
F9                      -> stc
FC                      -> cld
FD                      -> std
9C                      -> pushf  d64
9D                      -> popf   d64
9E                      -> sahf
9F                      -> lahf
D6                      -> salc   i386

[miscellaneous]
8D            Gv,M      -> lea
D7                      -> xlat
6C                      -> privileged   # INS, OUTS, IN, OUT
6D                      -> privileged
6E                      -> privileged
6F                      -> privileged
E4            AL,Ib     -> privileged
E5            rAX,Ib    -> privileged
E6            AL,Ib     -> privileged
E7            rAX,Ib    -> privileged
EC                      -> privileged
ED                      -> privileged
EE                      -> privileged
EF                      -> privileged
F4                      -> privileged   # HLT
FA                      -> privileged   # CLI, STI
FB                      -> privileged
"""
