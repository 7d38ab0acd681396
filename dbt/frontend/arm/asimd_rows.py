"""Advanced SIMD encodings, in A32 form (see ``dbt.frontend.arm.tables``)."""

ROWS = """
[asimd_three_same]
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0000 N:1 Q:1 M:1 0 Vm:4   -> vhadd
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0000 N:1 Q:1 M:1 1 Vm:4   -> vqadd
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0001 N:1 Q:1 M:1 0 Vm:4   -> vrhadd
1111001 0   0 D:1 00     Vn:4 Vd:4 0001 N:1 Q:1 M:1 1 Vm:4   -> vand
1111001 0   0 D:1 01     Vn:4 Vd:4 0001 N:1 Q:1 M:1 1 Vm:4   -> vbic
1111001 0   0 D:1 10     Vn:4 Vd:4 0001 N:1 Q:1 M:1 1 Vm:4   -> vorr
1111001 0   0 D:1 11     Vn:4 Vd:4 0001 N:1 Q:1 M:1 1 Vm:4   -> vorn
1111001 1   0 D:1 00     Vn:4 Vd:4 0001 N:1 Q:1 M:1 1 Vm:4   -> veor
1111001 1   0 D:1 01     Vn:4 Vd:4 0001 N:1 Q:1 M:1 1 Vm:4   -> vbsl
1111001 1   0 D:1 10     Vn:4 Vd:4 0001 N:1 Q:1 M:1 1 Vm:4   -> vbit
1111001 1   0 D:1 11     Vn:4 Vd:4 0001 N:1 Q:1 M:1 1 Vm:4   -> vbif
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0010 N:1 Q:1 M:1 0 Vm:4   -> vhsub
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0010 N:1 Q:1 M:1 1 Vm:4   -> vqsub
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0011 N:1 Q:1 M:1 0 Vm:4   -> vcgt
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0011 N:1 Q:1 M:1 1 Vm:4   -> vcge
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0100 N:1 Q:1 M:1 0 Vm:4   -> vshl
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0100 N:1 Q:1 M:1 1 Vm:4   -> vqshl
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0101 N:1 Q:1 M:1 0 Vm:4   -> vrshl
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0101 N:1 Q:1 M:1 1 Vm:4   -> vqrshl
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0110 N:1 Q:1 M:1 0 Vm:4   -> vmax
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0110 N:1 Q:1 M:1 1 Vm:4   -> vmin
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0111 N:1 Q:1 M:1 0 Vm:4   -> vabd
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 0111 N:1 Q:1 M:1 1 Vm:4   -> vaba
1111001 0   0 D:1 size:2 Vn:4 Vd:4 1000 N:1 Q:1 M:1 0 Vm:4   -> vadd
1111001 1   0 D:1 size:2 Vn:4 Vd:4 1000 N:1 Q:1 M:1 0 Vm:4   -> vsub
1111001 0   0 D:1 size:2 Vn:4 Vd:4 1000 N:1 Q:1 M:1 1 Vm:4   -> vtst
1111001 1   0 D:1 size:2 Vn:4 Vd:4 1000 N:1 Q:1 M:1 1 Vm:4   -> vceq
1111001 0   0 D:1 size:2 Vn:4 Vd:4 1001 N:1 Q:1 M:1 0 Vm:4   -> vmla
1111001 1   0 D:1 size:2 Vn:4 Vd:4 1001 N:1 Q:1 M:1 0 Vm:4   -> vmls
1111001 0   0 D:1 size:2 Vn:4 Vd:4 1001 N:1 Q:1 M:1 1 Vm:4   -> vmul
1111001 1   0 D:1 size:2 Vn:4 Vd:4 1001 N:1 Q:1 M:1 1 Vm:4   -> vmul_poly
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 1010 N:1 Q:1 M:1 0 Vm:4   -> vpmax
1111001 U:1 0 D:1 size:2 Vn:4 Vd:4 1010 N:1 Q:1 M:1 1 Vm:4   -> vpmin
1111001 0   0 D:1 size:2 Vn:4 Vd:4 1011 N:1 Q:1 M:1 0 Vm:4   -> vqdmulh
1111001 1   0 D:1 size:2 Vn:4 Vd:4 1011 N:1 Q:1 M:1 0 Vm:4   -> vqrdmulh
1111001 0   0 D:1 size:2 Vn:4 Vd:4 1011 N:1 Q:1 M:1 1 Vm:4   -> vpadd
# Bit 20, sz, is 0 for single precision; half-precision arithmetic (ARMv8.2) is not there.
1111001 0   0 D:1 0 0    Vn:4 Vd:4 1100 N:1 Q:1 M:1 1 Vm:4   -> vfma
1111001 0   0 D:1 1 0    Vn:4 Vd:4 1100 N:1 Q:1 M:1 1 Vm:4   -> vfms
1111001 0   0 D:1 0 0    Vn:4 Vd:4 1101 N:1 Q:1 M:1 0 Vm:4   -> vadd_float
1111001 0   0 D:1 1 0    Vn:4 Vd:4 1101 N:1 Q:1 M:1 0 Vm:4   -> vsub_float
1111001 1   0 D:1 0 0    Vn:4 Vd:4 1101 N:1 Q:1 M:1 0 Vm:4   -> vpadd_float
1111001 1   0 D:1 1 0    Vn:4 Vd:4 1101 N:1 Q:1 M:1 0 Vm:4   -> vabd_float
1111001 0   0 D:1 0 0    Vn:4 Vd:4 1101 N:1 Q:1 M:1 1 Vm:4   -> vmla_float
1111001 0   0 D:1 1 0    Vn:4 Vd:4 1101 N:1 Q:1 M:1 1 Vm:4   -> vmls_float
1111001 1   0 D:1 0 0    Vn:4 Vd:4 1101 N:1 Q:1 M:1 1 Vm:4   -> vmul_float
1111001 0   0 D:1 0 0    Vn:4 Vd:4 1110 N:1 Q:1 M:1 0 Vm:4   -> vceq_float
1111001 1   0 D:1 0 0    Vn:4 Vd:4 1110 N:1 Q:1 M:1 0 Vm:4   -> vcge_float
1111001 1   0 D:1 1 0    Vn:4 Vd:4 1110 N:1 Q:1 M:1 0 Vm:4   -> vcgt_float
1111001 1   0 D:1 0 0    Vn:4 Vd:4 1110 N:1 Q:1 M:1 1 Vm:4   -> vacge
1111001 1   0 D:1 1 0    Vn:4 Vd:4 1110 N:1 Q:1 M:1 1 Vm:4   -> vacgt
1111001 0   0 D:1 0 0    Vn:4 Vd:4 1111 N:1 Q:1 M:1 0 Vm:4   -> vmax_float
1111001 0   0 D:1 1 0    Vn:4 Vd:4 1111 N:1 Q:1 M:1 0 Vm:4   -> vmin_float
1111001 1   0 D:1 0 0    Vn:4 Vd:4 1111 N:1 Q:1 M:1 0 Vm:4   -> vpmax_float
1111001 1   0 D:1 1 0    Vn:4 Vd:4 1111 N:1 Q:1 M:1 0 Vm:4   -> vpmin_float
1111001 0   0 D:1 0 0    Vn:4 Vd:4 1111 N:1 Q:1 M:1 1 Vm:4   -> vrecps
1111001 0   0 D:1 1 0    Vn:4 Vd:4 1111 N:1 Q:1 M:1 1 Vm:4   -> vrsqrts
1111001 1   0 D:1 0 0    Vn:4 Vd:4 1111 N:1 Q:1 M:1 1 Vm:4   -> vmaxnm
1111001 1   0 D:1 1 0    Vn:4 Vd:4 1111 N:1 Q:1 M:1 1 Vm:4   -> vminnm

[asimd_three_diff]
1111001 U:1 1 D:1 size:2 Vn:4 Vd:4 0000 N:1 0 M:1 0 Vm:4     -> vaddl    size!=3
1111001 U:1 1 D:1 size:2 Vn:4 Vd:4 0001 N:1 0 M:1 0 Vm:4     -> vaddw    size!=3
1111001 U:1 1 D:1 size:2 Vn:4 Vd:4 0010 N:1 0 M:1 0 Vm:4     -> vsubl    size!=3
1111001 U:1 1 D:1 size:2 Vn:4 Vd:4 0011 N:1 0 M:1 0 Vm:4     -> vsubw    size!=3
1111001 0   1 D:1 size:2 Vn:4 Vd:4 0100 N:1 0 M:1 0 Vm:4     -> vaddhn   size!=3
1111001 1   1 D:1 size:2 Vn:4 Vd:4 0100 N:1 0 M:1 0 Vm:4     -> vraddhn  size!=3
1111001 U:1 1 D:1 size:2 Vn:4 Vd:4 0101 N:1 0 M:1 0 Vm:4     -> vabal    size!=3
1111001 0   1 D:1 size:2 Vn:4 Vd:4 0110 N:1 0 M:1 0 Vm:4     -> vsubhn   size!=3
1111001 1   1 D:1 size:2 Vn:4 Vd:4 0110 N:1 0 M:1 0 Vm:4     -> vrsubhn  size!=3
1111001 U:1 1 D:1 size:2 Vn:4 Vd:4 0111 N:1 0 M:1 0 Vm:4     -> vabdl    size!=3
1111001 U:1 1 D:1 size:2 Vn:4 Vd:4 1000 N:1 0 M:1 0 Vm:4     -> vmlal    size!=3
1111001 0   1 D:1 size:2 Vn:4 Vd:4 1001 N:1 0 M:1 0 Vm:4     -> vqdmlal  size!=3
1111001 U:1 1 D:1 size:2 Vn:4 Vd:4 1010 N:1 0 M:1 0 Vm:4     -> vmlsl    size!=3
1111001 0   1 D:1 size:2 Vn:4 Vd:4 1011 N:1 0 M:1 0 Vm:4     -> vqdmlsl  size!=3
1111001 U:1 1 D:1 size:2 Vn:4 Vd:4 1100 N:1 0 M:1 0 Vm:4     -> vmull    size!=3
1111001 0   1 D:1 size:2 Vn:4 Vd:4 1101 N:1 0 M:1 0 Vm:4     -> vqdmull  size!=3
1111001 0   1 D:1 size:2 Vn:4 Vd:4 1110 N:1 0 M:1 0 Vm:4     -> vmull_poly  size!=3

[asimd_two_scalar]
1111001 Q:1 1 D:1 size:2 Vn:4 Vd:4 0000 N:1 1 M:1 0 Vm:4     -> vmla_scalar        size!=3
1111001 Q:1 1 D:1 size:2 Vn:4 Vd:4 0001 N:1 1 M:1 0 Vm:4     -> vmla_scalar_float  size!=3
1111001 U:1 1 D:1 size:2 Vn:4 Vd:4 0010 N:1 1 M:1 0 Vm:4     -> vmlal_scalar       size!=3
1111001 0   1 D:1 size:2 Vn:4 Vd:4 0011 N:1 1 M:1 0 Vm:4     -> vqdmlal_scalar     size!=3
1111001 Q:1 1 D:1 size:2 Vn:4 Vd:4 0100 N:1 1 M:1 0 Vm:4     -> vmls_scalar        size!=3
1111001 Q:1 1 D:1 size:2 Vn:4 Vd:4 0101 N:1 1 M:1 0 Vm:4     -> vmls_scalar_float  size!=3
1111001 U:1 1 D:1 size:2 Vn:4 Vd:4 0110 N:1 1 M:1 0 Vm:4     -> vmlsl_scalar       size!=3
1111001 0   1 D:1 size:2 Vn:4 Vd:4 0111 N:1 1 M:1 0 Vm:4     -> vqdmlsl_scalar     size!=3
1111001 Q:1 1 D:1 size:2 Vn:4 Vd:4 1000 N:1 1 M:1 0 Vm:4     -> vmul_scalar        size!=3
1111001 Q:1 1 D:1 size:2 Vn:4 Vd:4 1001 N:1 1 M:1 0 Vm:4     -> vmul_scalar_float  size!=3
1111001 U:1 1 D:1 size:2 Vn:4 Vd:4 1010 N:1 1 M:1 0 Vm:4     -> vmull_scalar       size!=3
1111001 0   1 D:1 size:2 Vn:4 Vd:4 1011 N:1 1 M:1 0 Vm:4     -> vqdmull_scalar     size!=3
1111001 Q:1 1 D:1 size:2 Vn:4 Vd:4 1100 N:1 1 M:1 0 Vm:4     -> vqdmulh_scalar     size!=3
1111001 Q:1 1 D:1 size:2 Vn:4 Vd:4 1101 N:1 1 M:1 0 Vm:4     -> vqrdmulh_scalar    size!=3

[asimd_shift_imm]
# size is imm6<5:3>:L; with size == 0 the encoding is a modified immediate.
1111001 U:1 1 D:1 size:3 imm3:3 Vd:4 0000 size:1 Q:1 M:1 1 Vm:4  -> vshr             size!=0
1111001 U:1 1 D:1 size:3 imm3:3 Vd:4 0001 size:1 Q:1 M:1 1 Vm:4  -> vsra             size!=0
1111001 U:1 1 D:1 size:3 imm3:3 Vd:4 0010 size:1 Q:1 M:1 1 Vm:4  -> vrshr            size!=0
1111001 U:1 1 D:1 size:3 imm3:3 Vd:4 0011 size:1 Q:1 M:1 1 Vm:4  -> vrsra            size!=0
1111001 1   1 D:1 size:3 imm3:3 Vd:4 0100 size:1 Q:1 M:1 1 Vm:4  -> vsri             size!=0
1111001 0   1 D:1 size:3 imm3:3 Vd:4 0101 size:1 Q:1 M:1 1 Vm:4  -> vshl_imm         size!=0
1111001 1   1 D:1 size:3 imm3:3 Vd:4 0101 size:1 Q:1 M:1 1 Vm:4  -> vsli             size!=0
1111001 1   1 D:1 size:3 imm3:3 Vd:4 0110 size:1 Q:1 M:1 1 Vm:4  -> vqshlu_imm       size!=0
1111001 U:1 1 D:1 size:3 imm3:3 Vd:4 0111 size:1 Q:1 M:1 1 Vm:4  -> vqshl_imm        size!=0
1111001 0   1 D:1 size:3 imm3:3 Vd:4 1000 size:1 0   M:1 1 Vm:4  -> vshrn            size!=0
1111001 0   1 D:1 size:3 imm3:3 Vd:4 1000 size:1 1   M:1 1 Vm:4  -> vrshrn           size!=0
1111001 1   1 D:1 size:3 imm3:3 Vd:4 1000 size:1 0   M:1 1 Vm:4  -> vqshrun          size!=0
1111001 1   1 D:1 size:3 imm3:3 Vd:4 1000 size:1 1   M:1 1 Vm:4  -> vqrshrun         size!=0
1111001 U:1 1 D:1 size:3 imm3:3 Vd:4 1001 size:1 0   M:1 1 Vm:4  -> vqshrn           size!=0
1111001 U:1 1 D:1 size:3 imm3:3 Vd:4 1001 size:1 1   M:1 1 Vm:4  -> vqrshrn          size!=0
1111001 U:1 1 D:1 size:3 imm3:3 Vd:4 1010 size:1 0   M:1 1 Vm:4  -> vshll            size!=0
1111001 U:1 1 D:1 size:3 imm3:3 Vd:4 1110 size:1 Q:1 M:1 1 Vm:4  -> vcvt_from_fixed  size!=0
1111001 U:1 1 D:1 size:3 imm3:3 Vd:4 1111 size:1 Q:1 M:1 1 Vm:4  -> vcvt_to_fixed    size!=0

[asimd_modified_imm]
1111001 i:1 1 D:1 000 imm3:3 Vd:4 cmode:4 0 Q:1 op:1 1 imm4:4  -> modified_imm

[asimd_misc]
11110010 1 D:1 11 Vn:4 Vd:4 imm4:4 N:1 Q:1 M:1 0 Vm:4        -> vext
11110011 1 D:1 11 Vn:4 Vd:4 10 len:2 N:1 op:1 M:1 0 Vm:4     -> vtbl
11110011 1 D:1 11 imm4:4 Vd:4 11000 Q:1 M:1 0 Vm:4           -> vdup_scalar
11110011 1 D:1 11 size:2 00 Vd:4 0 0000   Q:1 M:1 0 Vm:4     -> vrev64
11110011 1 D:1 11 size:2 00 Vd:4 0 0001   Q:1 M:1 0 Vm:4     -> vrev32
11110011 1 D:1 11 size:2 00 Vd:4 0 0010   Q:1 M:1 0 Vm:4     -> vrev16
11110011 1 D:1 11 size:2 00 Vd:4 0 010 U:1 Q:1 M:1 0 Vm:4     -> vpaddl
11110011 1 D:1 11 size:2 00 Vd:4 0 1000   Q:1 M:1 0 Vm:4     -> vcls
11110011 1 D:1 11 size:2 00 Vd:4 0 1001   Q:1 M:1 0 Vm:4     -> vclz
11110011 1 D:1 11 size:2 00 Vd:4 0 1010   Q:1 M:1 0 Vm:4     -> vcnt
11110011 1 D:1 11 size:2 00 Vd:4 0 1011   Q:1 M:1 0 Vm:4     -> vmvn
11110011 1 D:1 11 size:2 00 Vd:4 0 110 U:1 Q:1 M:1 0 Vm:4     -> vpadal
11110011 1 D:1 11 size:2 00 Vd:4 0 1110   Q:1 M:1 0 Vm:4     -> vqabs
11110011 1 D:1 11 size:2 00 Vd:4 0 1111   Q:1 M:1 0 Vm:4     -> vqneg
11110011 1 D:1 11 size:2 01 Vd:4 0 0000   Q:1 M:1 0 Vm:4     -> vcgt_zero
11110011 1 D:1 11 size:2 01 Vd:4 0 0001   Q:1 M:1 0 Vm:4     -> vcge_zero
11110011 1 D:1 11 size:2 01 Vd:4 0 0010   Q:1 M:1 0 Vm:4     -> vceq_zero
11110011 1 D:1 11 size:2 01 Vd:4 0 0011   Q:1 M:1 0 Vm:4     -> vcle_zero
11110011 1 D:1 11 size:2 01 Vd:4 0 0100   Q:1 M:1 0 Vm:4     -> vclt_zero
11110011 1 D:1 11 size:2 01 Vd:4 0 0110   Q:1 M:1 0 Vm:4     -> vabs
11110011 1 D:1 11 size:2 01 Vd:4 0 0111   Q:1 M:1 0 Vm:4     -> vneg
11110011 1 D:1 11 size:2 01 Vd:4 0 1000   Q:1 M:1 0 Vm:4     -> vcgt_zero_float
11110011 1 D:1 11 size:2 01 Vd:4 0 1001   Q:1 M:1 0 Vm:4     -> vcge_zero_float
11110011 1 D:1 11 size:2 01 Vd:4 0 1010   Q:1 M:1 0 Vm:4     -> vceq_zero_float
11110011 1 D:1 11 size:2 01 Vd:4 0 1011   Q:1 M:1 0 Vm:4     -> vcle_zero_float
11110011 1 D:1 11 size:2 01 Vd:4 0 1100   Q:1 M:1 0 Vm:4     -> vclt_zero_float
11110011 1 D:1 11 size:2 01 Vd:4 0 1110   Q:1 M:1 0 Vm:4     -> vabs_float
11110011 1 D:1 11 size:2 01 Vd:4 0 1111   Q:1 M:1 0 Vm:4     -> vneg_float
11110011 1 D:1 11 size:2 10 Vd:4 0 0000   Q:1 M:1 0 Vm:4     -> vswp
11110011 1 D:1 11 size:2 10 Vd:4 0 0001   Q:1 M:1 0 Vm:4     -> vtrn
11110011 1 D:1 11 size:2 10 Vd:4 0 0010   Q:1 M:1 0 Vm:4     -> vuzp
11110011 1 D:1 11 size:2 10 Vd:4 0 0011   Q:1 M:1 0 Vm:4     -> vzip
11110011 1 D:1 11 size:2 10 Vd:4 0 0100   0   M:1 0 Vm:4     -> vmovn
11110011 1 D:1 11 size:2 10 Vd:4 0 0100   1   M:1 0 Vm:4     -> vqmovun
11110011 1 D:1 11 size:2 10 Vd:4 0 0101   U:1 M:1 0 Vm:4     -> vqmovn
11110011 1 D:1 11 size:2 10 Vd:4 0 0110   0   M:1 0 Vm:4     -> vshll_max
11110011 1 D:1 11 size:2 10 Vd:4 0 1000   Q:1 M:1 0 Vm:4     -> vrintn
11110011 1 D:1 11 size:2 10 Vd:4 0 1001   Q:1 M:1 0 Vm:4     -> vrintx
11110011 1 D:1 11 size:2 10 Vd:4 0 1010   Q:1 M:1 0 Vm:4     -> vrinta
11110011 1 D:1 11 size:2 10 Vd:4 0 1011   Q:1 M:1 0 Vm:4     -> vrintz
11110011 1 D:1 11 size:2 10 Vd:4 0 1100   0   M:1 0 Vm:4     -> vcvt_f16_f32
11110011 1 D:1 11 size:2 10 Vd:4 0 1101   Q:1 M:1 0 Vm:4     -> vrintm
11110011 1 D:1 11 size:2 10 Vd:4 0 1110   0   M:1 0 Vm:4     -> vcvt_f32_f16
11110011 1 D:1 11 size:2 10 Vd:4 0 1111   Q:1 M:1 0 Vm:4     -> vrintp
11110011 1 D:1 11 size:2 11 Vd:4 0 000 U:1 Q:1 M:1 0 Vm:4    -> vcvta
11110011 1 D:1 11 size:2 11 Vd:4 0 001 U:1 Q:1 M:1 0 Vm:4    -> vcvtn
11110011 1 D:1 11 size:2 11 Vd:4 0 010 U:1 Q:1 M:1 0 Vm:4    -> vcvtp
11110011 1 D:1 11 size:2 11 Vd:4 0 011 U:1 Q:1 M:1 0 Vm:4    -> vcvtm
11110011 1 D:1 11 size:2 11 Vd:4 0 1000   Q:1 M:1 0 Vm:4     -> vrecpe
11110011 1 D:1 11 size:2 11 Vd:4 0 1001   Q:1 M:1 0 Vm:4     -> vrsqrte
11110011 1 D:1 11 size:2 11 Vd:4 0 1010   Q:1 M:1 0 Vm:4     -> vrecpe_float
11110011 1 D:1 11 size:2 11 Vd:4 0 1011   Q:1 M:1 0 Vm:4     -> vrsqrte_float
11110011 1 D:1 11 size:2 11 Vd:4 0 110 U:1 Q:1 M:1 0 Vm:4    -> vcvt_from_int
11110011 1 D:1 11 size:2 11 Vd:4 0 111 U:1 Q:1 M:1 0 Vm:4    -> vcvt_to_int

[asimd_load_store]
11110100 0 D:1 0 0 Rn:4 Vd:4 0111 size:2 align:2 Rm:4  -> vst  n=1 regs=1 inc=1
11110100 0 D:1 0 0 Rn:4 Vd:4 1010 size:2 align:2 Rm:4  -> vst  n=1 regs=2 inc=1
11110100 0 D:1 0 0 Rn:4 Vd:4 0110 size:2 align:2 Rm:4  -> vst  n=1 regs=3 inc=1
11110100 0 D:1 0 0 Rn:4 Vd:4 0010 size:2 align:2 Rm:4  -> vst  n=1 regs=4 inc=1
11110100 0 D:1 0 0 Rn:4 Vd:4 1000 size:2 align:2 Rm:4  -> vst  n=2 regs=1 inc=1
11110100 0 D:1 0 0 Rn:4 Vd:4 1001 size:2 align:2 Rm:4  -> vst  n=2 regs=1 inc=2
11110100 0 D:1 0 0 Rn:4 Vd:4 0011 size:2 align:2 Rm:4  -> vst  n=2 regs=2 inc=2
11110100 0 D:1 0 0 Rn:4 Vd:4 0100 size:2 align:2 Rm:4  -> vst  n=3 regs=1 inc=1
11110100 0 D:1 0 0 Rn:4 Vd:4 0101 size:2 align:2 Rm:4  -> vst  n=3 regs=1 inc=2
11110100 0 D:1 0 0 Rn:4 Vd:4 0000 size:2 align:2 Rm:4  -> vst  n=4 regs=1 inc=1
11110100 0 D:1 0 0 Rn:4 Vd:4 0001 size:2 align:2 Rm:4  -> vst  n=4 regs=1 inc=2
11110100 0 D:1 1 0 Rn:4 Vd:4 0111 size:2 align:2 Rm:4  -> vld  n=1 regs=1 inc=1
11110100 0 D:1 1 0 Rn:4 Vd:4 1010 size:2 align:2 Rm:4  -> vld  n=1 regs=2 inc=1
11110100 0 D:1 1 0 Rn:4 Vd:4 0110 size:2 align:2 Rm:4  -> vld  n=1 regs=3 inc=1
11110100 0 D:1 1 0 Rn:4 Vd:4 0010 size:2 align:2 Rm:4  -> vld  n=1 regs=4 inc=1
11110100 0 D:1 1 0 Rn:4 Vd:4 1000 size:2 align:2 Rm:4  -> vld  n=2 regs=1 inc=1
11110100 0 D:1 1 0 Rn:4 Vd:4 1001 size:2 align:2 Rm:4  -> vld  n=2 regs=1 inc=2
11110100 0 D:1 1 0 Rn:4 Vd:4 0011 size:2 align:2 Rm:4  -> vld  n=2 regs=2 inc=2
11110100 0 D:1 1 0 Rn:4 Vd:4 0100 size:2 align:2 Rm:4  -> vld  n=3 regs=1 inc=1
11110100 0 D:1 1 0 Rn:4 Vd:4 0101 size:2 align:2 Rm:4  -> vld  n=3 regs=1 inc=2
11110100 0 D:1 1 0 Rn:4 Vd:4 0000 size:2 align:2 Rm:4  -> vld  n=4 regs=1 inc=1
11110100 0 D:1 1 0 Rn:4 Vd:4 0001 size:2 align:2 Rm:4  -> vld  n=4 regs=1 inc=2
11110100 1 D:1 0 0 Rn:4 Vd:4 size:2 00 index_align:4 Rm:4  -> vst_lane  size!=3 n=1
11110100 1 D:1 0 0 Rn:4 Vd:4 size:2 01 index_align:4 Rm:4  -> vst_lane  size!=3 n=2
11110100 1 D:1 0 0 Rn:4 Vd:4 size:2 10 index_align:4 Rm:4  -> vst_lane  size!=3 n=3
11110100 1 D:1 0 0 Rn:4 Vd:4 size:2 11 index_align:4 Rm:4  -> vst_lane  size!=3 n=4
11110100 1 D:1 1 0 Rn:4 Vd:4 size:2 00 index_align:4 Rm:4  -> vld_lane  size!=3 n=1
11110100 1 D:1 1 0 Rn:4 Vd:4 size:2 01 index_align:4 Rm:4  -> vld_lane  size!=3 n=2
11110100 1 D:1 1 0 Rn:4 Vd:4 size:2 10 index_align:4 Rm:4  -> vld_lane  size!=3 n=3
11110100 1 D:1 1 0 Rn:4 Vd:4 size:2 11 index_align:4 Rm:4  -> vld_lane  size!=3 n=4
11110100 1 D:1 1 0 Rn:4 Vd:4 11 00 size:2 T:1 a:1 Rm:4     -> vld1_all
11110100 1 D:1 1 0 Rn:4 Vd:4 11 01 size:2 T:1 a:1 Rm:4     -> vld_all  n=2
11110100 1 D:1 1 0 Rn:4 Vd:4 11 10 size:2 T:1 a:1 Rm:4     -> vld_all  n=3
11110100 1 D:1 1 0 Rn:4 Vd:4 11 11 size:2 T:1 a:1 Rm:4     -> vld_all  n=4
"""
