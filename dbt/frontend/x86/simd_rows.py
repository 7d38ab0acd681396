"""MMX, SSE, SSE2, SSE3, SSSE3, SSE4.1 and SSE4.2 (SDM vol. 2D, tables A-3 to A-6): integer rows have an MMX form (NP) and an XMM form (66)."""

ROWS = """# Integer lanes

[simd_integer]
NP 0F FC         Pq,Qq        -> padd lane=8
66 0F FC         Vx,Wx        -> padd lane=8
NP 0F FD         Pq,Qq        -> padd lane=16
66 0F FD         Vx,Wx        -> padd lane=16
NP 0F FE         Pq,Qq        -> padd lane=32
66 0F FE         Vx,Wx        -> padd lane=32
NP 0F D4         Pq,Qq        -> padd lane=64
66 0F D4         Vx,Wx        -> padd lane=64
NP 0F F8         Pq,Qq        -> psub lane=8
66 0F F8         Vx,Wx        -> psub lane=8
NP 0F F9         Pq,Qq        -> psub lane=16
66 0F F9         Vx,Wx        -> psub lane=16
NP 0F FA         Pq,Qq        -> psub lane=32
66 0F FA         Vx,Wx        -> psub lane=32
NP 0F FB         Pq,Qq        -> psub lane=64
66 0F FB         Vx,Wx        -> psub lane=64
NP 0F DC         Pq,Qq        -> paddus lane=8
66 0F DC         Vx,Wx        -> paddus lane=8
NP 0F DD         Pq,Qq        -> paddus lane=16
66 0F DD         Vx,Wx        -> paddus lane=16
NP 0F EC         Pq,Qq        -> padds lane=8
66 0F EC         Vx,Wx        -> padds lane=8
NP 0F ED         Pq,Qq        -> padds lane=16
66 0F ED         Vx,Wx        -> padds lane=16
NP 0F D8         Pq,Qq        -> psubus lane=8
66 0F D8         Vx,Wx        -> psubus lane=8
NP 0F D9         Pq,Qq        -> psubus lane=16
66 0F D9         Vx,Wx        -> psubus lane=16
NP 0F E8         Pq,Qq        -> psubs lane=8
66 0F E8         Vx,Wx        -> psubs lane=8
NP 0F E9         Pq,Qq        -> psubs lane=16
66 0F E9         Vx,Wx        -> psubs lane=16
NP 0F D5         Pq,Qq        -> pmull lane=16
66 0F D5         Vx,Wx        -> pmull lane=16
NP 0F DA         Pq,Qq        -> pminu lane=8
66 0F DA         Vx,Wx        -> pminu lane=8
NP 0F DE         Pq,Qq        -> pmaxu lane=8
66 0F DE         Vx,Wx        -> pmaxu lane=8
NP 0F EA         Pq,Qq        -> pmins lane=16
66 0F EA         Vx,Wx        -> pmins lane=16
NP 0F EE         Pq,Qq        -> pmaxs lane=16
66 0F EE         Vx,Wx        -> pmaxs lane=16
NP 0F E0         Pq,Qq        -> pavg lane=8
66 0F E0         Vx,Wx        -> pavg lane=8
NP 0F E3         Pq,Qq        -> pavg lane=16
66 0F E3         Vx,Wx        -> pavg lane=16
NP 0F 64         Pq,Qq        -> pcmpgt lane=8
66 0F 64         Vx,Wx        -> pcmpgt lane=8
NP 0F 65         Pq,Qq        -> pcmpgt lane=16
66 0F 65         Vx,Wx        -> pcmpgt lane=16
NP 0F 66         Pq,Qq        -> pcmpgt lane=32
66 0F 66         Vx,Wx        -> pcmpgt lane=32
NP 0F 74         Pq,Qq        -> pcmpeq lane=8
66 0F 74         Vx,Wx        -> pcmpeq lane=8
NP 0F 75         Pq,Qq        -> pcmpeq lane=16
66 0F 75         Vx,Wx        -> pcmpeq lane=16
NP 0F 76         Pq,Qq        -> pcmpeq lane=32
66 0F 76         Vx,Wx        -> pcmpeq lane=32
NP 0F DB         Pq,Qq        -> pand
66 0F DB         Vx,Wx        -> pand
NP 0F DF         Pq,Qq        -> pandn
66 0F DF         Vx,Wx        -> pandn
NP 0F EB         Pq,Qq        -> por
66 0F EB         Vx,Wx        -> por
NP 0F EF         Pq,Qq        -> pxor
66 0F EF         Vx,Wx        -> pxor
NP 0F E4         Pq,Qq        -> pmulhuw
66 0F E4         Vx,Wx        -> pmulhuw
NP 0F E5         Pq,Qq        -> pmulhw
66 0F E5         Vx,Wx        -> pmulhw
NP 0F F4         Pq,Qq        -> pmuludq
66 0F F4         Vx,Wx        -> pmuludq
NP 0F F5         Pq,Qq        -> pmaddwd
66 0F F5         Vx,Wx        -> pmaddwd
NP 0F F6         Pq,Qq        -> psadbw
66 0F F6         Vx,Wx        -> psadbw
NP 0F 63         Pq,Qq        -> packsswb
66 0F 63         Vx,Wx        -> packsswb
NP 0F 67         Pq,Qq        -> packuswb
66 0F 67         Vx,Wx        -> packuswb
NP 0F 6B         Pq,Qq        -> packssdw
66 0F 6B         Vx,Wx        -> packssdw
NP 0F D1         Pq,Qq        -> psrl lane=16
66 0F D1         Vx,Wx        -> psrl lane=16
NP 0F D2         Pq,Qq        -> psrl lane=32
66 0F D2         Vx,Wx        -> psrl lane=32
NP 0F D3         Pq,Qq        -> psrl lane=64
66 0F D3         Vx,Wx        -> psrl lane=64
NP 0F E1         Pq,Qq        -> psra lane=16
66 0F E1         Vx,Wx        -> psra lane=16
NP 0F E2         Pq,Qq        -> psra lane=32
66 0F E2         Vx,Wx        -> psra lane=32
NP 0F F1         Pq,Qq        -> psll lane=16
66 0F F1         Vx,Wx        -> psll lane=16
NP 0F F2         Pq,Qq        -> psll lane=32
66 0F F2         Vx,Wx        -> psll lane=32
NP 0F F3         Pq,Qq        -> psll lane=64
66 0F F3         Vx,Wx        -> psll lane=64
NP 0F 71 /2 reg  Nq,Ib        -> psrl_imm lane=16
66 0F 71 /2 reg  Ux,Ib        -> psrl_imm lane=16
NP 0F 71 /4 reg  Nq,Ib        -> psra_imm lane=16
66 0F 71 /4 reg  Ux,Ib        -> psra_imm lane=16
NP 0F 71 /6 reg  Nq,Ib        -> psll_imm lane=16
66 0F 71 /6 reg  Ux,Ib        -> psll_imm lane=16
NP 0F 72 /2 reg  Nq,Ib        -> psrl_imm lane=32
66 0F 72 /2 reg  Ux,Ib        -> psrl_imm lane=32
NP 0F 72 /4 reg  Nq,Ib        -> psra_imm lane=32
66 0F 72 /4 reg  Ux,Ib        -> psra_imm lane=32
NP 0F 72 /6 reg  Nq,Ib        -> psll_imm lane=32
66 0F 72 /6 reg  Ux,Ib        -> psll_imm lane=32
NP 0F 73 /2 reg  Nq,Ib        -> psrl_imm lane=64
66 0F 73 /2 reg  Ux,Ib        -> psrl_imm lane=64
NP 0F 73 /6 reg  Nq,Ib        -> psll_imm lane=64
66 0F 73 /6 reg  Ux,Ib        -> psll_imm lane=64
66 0F 73 /3 reg  Ux,Ib        -> psrldq
66 0F 73 /7 reg  Ux,Ib        -> pslldq
NP 0F D7 reg     Gd,Nq        -> pmovmskb
66 0F D7 reg     Gd,Ux        -> pmovmskb
NP 0F 38 01      Pq,Qq        -> phadd lane=16
66 0F 38 01      Vx,Wx        -> phadd lane=16
NP 0F 38 02      Pq,Qq        -> phadd lane=32
66 0F 38 02      Vx,Wx        -> phadd lane=32
NP 0F 38 03      Pq,Qq        -> phaddsw
66 0F 38 03      Vx,Wx        -> phaddsw
NP 0F 38 05      Pq,Qq        -> phsub lane=16
66 0F 38 05      Vx,Wx        -> phsub lane=16
NP 0F 38 06      Pq,Qq        -> phsub lane=32
66 0F 38 06      Vx,Wx        -> phsub lane=32
NP 0F 38 07      Pq,Qq        -> phsubsw
66 0F 38 07      Vx,Wx        -> phsubsw
NP 0F 38 04      Pq,Qq        -> pmaddubsw
66 0F 38 04      Vx,Wx        -> pmaddubsw
NP 0F 38 08      Pq,Qq        -> psign lane=8
66 0F 38 08      Vx,Wx        -> psign lane=8
NP 0F 38 09      Pq,Qq        -> psign lane=16
66 0F 38 09      Vx,Wx        -> psign lane=16
NP 0F 38 0A      Pq,Qq        -> psign lane=32
66 0F 38 0A      Vx,Wx        -> psign lane=32
NP 0F 38 0B      Pq,Qq        -> pmulhrsw
66 0F 38 0B      Vx,Wx        -> pmulhrsw
NP 0F 38 1C      Pq,Qq        -> pabs lane=8
66 0F 38 1C      Vx,Wx        -> pabs lane=8
NP 0F 38 1D      Pq,Qq        -> pabs lane=16
66 0F 38 1D      Vx,Wx        -> pabs lane=16
NP 0F 38 1E      Pq,Qq        -> pabs lane=32
66 0F 38 1E      Vx,Wx        -> pabs lane=32
66 0F 38 28      Vx,Wx        -> pmuldq
66 0F 3A 42      Vx,Wx,Ib     -> mpsadbw
66 0F 38 29      Vx,Wx        -> pcmpeq lane=64
66 0F 38 2B      Vx,Wx        -> packusdw
66 0F 38 37      Vx,Wx        -> pcmpgt lane=64
66 0F 38 38      Vx,Wx        -> pmins lane=8
66 0F 38 39      Vx,Wx        -> pmins lane=32
66 0F 38 3A      Vx,Wx        -> pminu lane=16
66 0F 38 3B      Vx,Wx        -> pminu lane=32
66 0F 38 3C      Vx,Wx        -> pmaxs lane=8
66 0F 38 3D      Vx,Wx        -> pmaxs lane=32
66 0F 38 3E      Vx,Wx        -> pmaxu lane=16
66 0F 38 3F      Vx,Wx        -> pmaxu lane=32
66 0F 38 40      Vx,Wx        -> pmull lane=32
66 0F 38 17      Vx,Wx        -> ptest
66 0F 38 41      Vx,Wx        -> phminposuw
66 0F 38 20      Vx,Wq        -> pmov_extend lane=8 to=16 signed=1
66 0F 38 30      Vx,Wq        -> pmov_extend lane=8 to=16 signed=0
66 0F 38 21      Vx,Wd        -> pmov_extend lane=8 to=32 signed=1
66 0F 38 31      Vx,Wd        -> pmov_extend lane=8 to=32 signed=0
66 0F 38 22      Vx,Ww        -> pmov_extend lane=8 to=64 signed=1
66 0F 38 32      Vx,Ww        -> pmov_extend lane=8 to=64 signed=0
66 0F 38 23      Vx,Wq        -> pmov_extend lane=16 to=32 signed=1
66 0F 38 33      Vx,Wq        -> pmov_extend lane=16 to=32 signed=0
66 0F 38 24      Vx,Wd        -> pmov_extend lane=16 to=64 signed=1
66 0F 38 34      Vx,Wd        -> pmov_extend lane=16 to=64 signed=0
66 0F 38 25      Vx,Wq        -> pmov_extend lane=32 to=64 signed=1
66 0F 38 35      Vx,Wq        -> pmov_extend lane=32 to=64 signed=0

# Shuffles, inserts and extracts

[simd_shuffle]
NP 0F 60         Pq,Qd        -> punpckl lane=8
66 0F 60         Vx,Wx        -> punpckl lane=8
NP 0F 61         Pq,Qd        -> punpckl lane=16
66 0F 61         Vx,Wx        -> punpckl lane=16
NP 0F 62         Pq,Qd        -> punpckl lane=32
66 0F 62         Vx,Wx        -> punpckl lane=32
NP 0F 68         Pq,Qq        -> punpckh lane=8
66 0F 68         Vx,Wx        -> punpckh lane=8
NP 0F 69         Pq,Qq        -> punpckh lane=16
66 0F 69         Vx,Wx        -> punpckh lane=16
NP 0F 6A         Pq,Qq        -> punpckh lane=32
66 0F 6A         Vx,Wx        -> punpckh lane=32
66 0F 6C         Vx,Wx        -> punpckl lane=64
66 0F 6D         Vx,Wx        -> punpckh lane=64
NP 0F 70         Pq,Qq,Ib     -> pshufw
66 0F 70         Vx,Wx,Ib     -> pshufd
F3 0F 70         Vx,Wx,Ib     -> pshufhw
F2 0F 70         Vx,Wx,Ib     -> pshuflw
NP 0F 38 00      Pq,Qq        -> pshufb
66 0F 38 00      Vx,Wx        -> pshufb
NP 0F 3A 0F      Pq,Qq,Ib     -> palignr
66 0F 3A 0F      Vx,Wx,Ib     -> palignr
NP 0F C6         Vx,Wx,Ib     -> shufps
66 0F C6         Vx,Wx,Ib     -> shufpd
NP 0F 14         Vx,Wx        -> punpckl lane=32
66 0F 14         Vx,Wx        -> punpckl lane=64
NP 0F 15         Vx,Wx        -> punpckh lane=32
66 0F 15         Vx,Wx        -> punpckh lane=64
NP 0F C4         Pq,Edw,Ib    -> pinsr lane=16
66 0F C4         Vx,Edw,Ib    -> pinsr lane=16
NP 0F C5 reg     Gd,Nq,Ib     -> pextr lane=16
66 0F C5 reg     Gd,Ux,Ib     -> pextr lane=16
66 0F 3A 14      Edb,Vx,Ib    -> pextr_to lane=8
66 0F 3A 15      Edw,Vx,Ib    -> pextr_to lane=16
66 0F 3A 16      Ey,Vx,Ib     -> pextr_to
66 0F 3A 17      Ed,Vx,Ib     -> pextr_to lane=32
66 0F 3A 20      Vx,Edb,Ib    -> pinsr lane=8
66 0F 3A 22      Vx,Ey,Ib     -> pinsr
66 0F 3A 21      Vx,Wd,Ib     -> insertps
66 0F 3A 0C      Vx,Wx,Ib     -> blend lane=32
66 0F 3A 0D      Vx,Wx,Ib     -> blend lane=64
66 0F 3A 0E      Vx,Wx,Ib     -> blend lane=16
66 0F 38 10      Vx,Wx        -> blendv lane=8
66 0F 38 14      Vx,Wx        -> blendv lane=32
66 0F 38 15      Vx,Wx        -> blendv lane=64
F3 0F 12         Vx,Wx        -> movsldup
F3 0F 16         Vx,Wx        -> movshdup
F2 0F 12         Vx,Wq        -> movddup

# Moves

[simd_move]
NP 0F 10         Vx,Wx        -> movu
NP 0F 11         Wx,Vx        -> movu
NP 0F 28         Vx,Wx        -> mova
NP 0F 29         Wx,Vx        -> mova
NP 0F 2B mem     Mx,Vx        -> mova
NP 0F 13 mem     Mq,Vx        -> store_low
NP 0F 17 mem     Mq,Vx        -> store_high
NP 0F 12 mem     Vx,Mq        -> load_low
NP 0F 16 mem     Vx,Mq        -> load_high
66 0F 10         Vx,Wx        -> movu
66 0F 11         Wx,Vx        -> movu
66 0F 28         Vx,Wx        -> mova
66 0F 29         Wx,Vx        -> mova
66 0F 2B mem     Mx,Vx        -> mova
66 0F 13 mem     Mq,Vx        -> store_low
66 0F 17 mem     Mq,Vx        -> store_high
66 0F 12 mem     Vx,Mq        -> load_low
66 0F 16 mem     Vx,Mq        -> load_high
NP 0F 12 reg     Vx,Ux        -> movhlps
NP 0F 16 reg     Vx,Ux        -> movlhps
F3 0F 10         Vx,Wd        -> movss_load
F2 0F 10         Vx,Wq        -> movsd_load
F3 0F 11         Wd,Vx        -> movss_store
F2 0F 11         Wq,Vx        -> movsd_store
66 0F 6F         Vx,Wx        -> mova
66 0F 7F         Wx,Vx        -> mova
F3 0F 6F         Vx,Wx        -> movu
F3 0F 7F         Wx,Vx        -> movu
NP 0F 6F         Pq,Qq        -> mova
NP 0F 7F         Qq,Pq        -> mova
66 0F E7 mem     Mx,Vx        -> mova
NP 0F E7 mem     Mq,Pq        -> mova
66 0F 38 2A mem  Vx,Mx        -> mova
F2 0F F0 mem     Vx,Mx        -> movu
NP 0F 6E         Pq,Ey        -> movd_to
66 0F 6E         Vx,Ey        -> movd_to
NP 0F 7E         Ey,Pq        -> movd_from
66 0F 7E         Ey,Vx        -> movd_from
F3 0F 7E         Vx,Wq        -> movq_load
66 0F D6         Wq,Vx        -> movq_store
F3 0F D6 reg     Vx,Nq        -> movq2dq
F2 0F D6 reg     Pq,Ux        -> movdq2q
NP 0F 50 reg     Gd,Ux        -> movmsk lane=32
66 0F 50 reg     Gd,Ux        -> movmsk lane=64
NP 0F F7 reg     Pq,Nq        -> maskmov
66 0F F7 reg     Vx,Ux        -> maskmov
NP 0F AE /2 mem  Md           -> ldmxcsr
NP 0F AE /3 mem  Md           -> stmxcsr
NP 0F 77                      -> emms

[fxsave]
NP 0F AE /0 mem M         -> fxsave
NP 0F AE /1 mem M         -> fxrstor

# Floating point

[simd_float]
NP 0F 51         Vx,Wx        -> sqrt lane=32
66 0F 51         Vx,Wx        -> sqrt lane=64
F3 0F 51         Vx,Wd        -> sqrt lane=32 scalar=1
F2 0F 51         Vx,Wq        -> sqrt lane=64 scalar=1
NP 0F 58         Vx,Wx        -> add lane=32
66 0F 58         Vx,Wx        -> add lane=64
F3 0F 58         Vx,Wd        -> add lane=32 scalar=1
F2 0F 58         Vx,Wq        -> add lane=64 scalar=1
NP 0F 59         Vx,Wx        -> mul lane=32
66 0F 59         Vx,Wx        -> mul lane=64
F3 0F 59         Vx,Wd        -> mul lane=32 scalar=1
F2 0F 59         Vx,Wq        -> mul lane=64 scalar=1
NP 0F 5C         Vx,Wx        -> sub lane=32
66 0F 5C         Vx,Wx        -> sub lane=64
F3 0F 5C         Vx,Wd        -> sub lane=32 scalar=1
F2 0F 5C         Vx,Wq        -> sub lane=64 scalar=1
NP 0F 5D         Vx,Wx        -> min_ lane=32
66 0F 5D         Vx,Wx        -> min_ lane=64
F3 0F 5D         Vx,Wd        -> min_ lane=32 scalar=1
F2 0F 5D         Vx,Wq        -> min_ lane=64 scalar=1
NP 0F 5E         Vx,Wx        -> div lane=32
66 0F 5E         Vx,Wx        -> div lane=64
F3 0F 5E         Vx,Wd        -> div lane=32 scalar=1
F2 0F 5E         Vx,Wq        -> div lane=64 scalar=1
NP 0F 5F         Vx,Wx        -> max_ lane=32
66 0F 5F         Vx,Wx        -> max_ lane=64
F3 0F 5F         Vx,Wd        -> max_ lane=32 scalar=1
F2 0F 5F         Vx,Wq        -> max_ lane=64 scalar=1
NP 0F 52         Vx,Wx        -> rsqrt
F3 0F 52         Vx,Wd        -> rsqrt scalar=1
NP 0F 53         Vx,Wx        -> rcp
F3 0F 53         Vx,Wd        -> rcp scalar=1
NP 0F C2         Vx,Wx,Ib     -> cmp lane=32
66 0F C2         Vx,Wx,Ib     -> cmp lane=64
F3 0F C2         Vx,Wd,Ib     -> cmp lane=32 scalar=1
F2 0F C2         Vx,Wq,Ib     -> cmp lane=64 scalar=1
NP 0F 2E         Vx,Wd        -> comi lane=32
66 0F 2E         Vx,Wq        -> comi lane=64
NP 0F 2F         Vx,Wd        -> comi lane=32 signal=1
66 0F 2F         Vx,Wq        -> comi lane=64 signal=1
66 0F D0         Vx,Wx        -> addsub lane=64
F2 0F D0         Vx,Wx        -> addsub lane=32
66 0F 7C         Vx,Wx        -> hadd lane=64
F2 0F 7C         Vx,Wx        -> hadd lane=32
66 0F 7D         Vx,Wx        -> hsub lane=64
F2 0F 7D         Vx,Wx        -> hsub lane=32
66 0F 3A 40      Vx,Wx,Ib     -> dot lane=32
66 0F 3A 41      Vx,Wx,Ib     -> dot lane=64
66 0F 3A 08      Vx,Wx,Ib     -> round_ lane=32
66 0F 3A 09      Vx,Wx,Ib     -> round_ lane=64
66 0F 3A 0A      Vx,Wd,Ib     -> round_ lane=32 scalar=1
66 0F 3A 0B      Vx,Wq,Ib     -> round_ lane=64 scalar=1

[simd_convert]
F3 0F 2A         Vx,Ey        -> cvtsi2s lane=32
F2 0F 2A         Vx,Ey        -> cvtsi2s lane=64
F3 0F 2C         Gy,Wd        -> cvts2si truncate=1
F2 0F 2C         Gy,Wq        -> cvts2si truncate=1
F3 0F 2D         Gy,Wd        -> cvts2si
F2 0F 2D         Gy,Wq        -> cvts2si
NP 0F 5A         Vx,Wq        -> cvtps2pd
66 0F 5A         Vx,Wx        -> cvtpd2ps
F3 0F 5A         Vx,Wd        -> cvtss2sd
F2 0F 5A         Vx,Wq        -> cvtsd2ss
NP 0F 5B         Vx,Wx        -> cvtdq2ps
66 0F 5B         Vx,Wx        -> cvtps2dq
F3 0F 5B         Vx,Wx        -> cvtps2dq truncate=1
F3 0F E6         Vx,Wq        -> cvtdq2pd
F2 0F E6         Vx,Wx        -> cvtpd2dq
66 0F E6         Vx,Wx        -> cvtpd2dq truncate=1
NP 0F 2A         Vx,Qq        -> cvtpi2ps
66 0F 2A         Vx,Qq        -> cvtpi2pd
NP 0F 2C         Pq,Wq        -> cvtps2pi truncate=1
NP 0F 2D         Pq,Wq        -> cvtps2pi
66 0F 2C         Pq,Wx        -> cvtpd2pi truncate=1
66 0F 2D         Pq,Wx        -> cvtpd2pi

[simd_text]
66 0F 3A 60      Vx,Wx,Ib     -> pcmpstr explicit=1 mask=1
66 0F 3A 61      Vx,Wx,Ib     -> pcmpstr explicit=1
66 0F 3A 62      Vx,Wx,Ib     -> pcmpstr mask=1
66 0F 3A 63      Vx,Wx,Ib     -> pcmpstr

[simd_integer]
NP 0F 54         Vx,Wx        -> pand
66 0F 54         Vx,Wx        -> pand
NP 0F 55         Vx,Wx        -> pandn
66 0F 55         Vx,Wx        -> pandn
NP 0F 56         Vx,Wx        -> por
66 0F 56         Vx,Wx        -> por
NP 0F 57         Vx,Wx        -> pxor
66 0F 57         Vx,Wx        -> pxor
"""
