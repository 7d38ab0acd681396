"""VFP encodings, in A32 form (see ``dbt.frontend.arm.tables``). ``sz`` (bit 8) is 1 for double precision."""

ROWS = """
[vfp_data]
cond:4 1110 0 D:1 00 Vn:4 Vd:4 101 sz:1 N:1 0 M:1 0 Vm:4       -> vmla
cond:4 1110 0 D:1 00 Vn:4 Vd:4 101 sz:1 N:1 1 M:1 0 Vm:4       -> vmls
cond:4 1110 0 D:1 01 Vn:4 Vd:4 101 sz:1 N:1 0 M:1 0 Vm:4       -> vnmls
cond:4 1110 0 D:1 01 Vn:4 Vd:4 101 sz:1 N:1 1 M:1 0 Vm:4       -> vnmla
cond:4 1110 0 D:1 10 Vn:4 Vd:4 101 sz:1 N:1 0 M:1 0 Vm:4       -> vmul
cond:4 1110 0 D:1 10 Vn:4 Vd:4 101 sz:1 N:1 1 M:1 0 Vm:4       -> vnmul
cond:4 1110 0 D:1 11 Vn:4 Vd:4 101 sz:1 N:1 0 M:1 0 Vm:4       -> vadd
cond:4 1110 0 D:1 11 Vn:4 Vd:4 101 sz:1 N:1 1 M:1 0 Vm:4       -> vsub
cond:4 1110 1 D:1 00 Vn:4 Vd:4 101 sz:1 N:1 0 M:1 0 Vm:4       -> vdiv
cond:4 1110 1 D:1 01 Vn:4 Vd:4 101 sz:1 N:1 0 M:1 0 Vm:4       -> vfnms
cond:4 1110 1 D:1 01 Vn:4 Vd:4 101 sz:1 N:1 1 M:1 0 Vm:4       -> vfnma
cond:4 1110 1 D:1 10 Vn:4 Vd:4 101 sz:1 N:1 0 M:1 0 Vm:4       -> vfma
cond:4 1110 1 D:1 10 Vn:4 Vd:4 101 sz:1 N:1 1 M:1 0 Vm:4       -> vfms
cond:4 1110 1 D:1 11 imm8:4 Vd:4 101 sz:1 (0) 0 (0) 0 imm8:4   -> vmov_imm
cond:4 1110 1 D:1 11 0000 Vd:4 101 sz:1 01 M:1 0 Vm:4          -> vmov_reg
cond:4 1110 1 D:1 11 0000 Vd:4 101 sz:1 11 M:1 0 Vm:4          -> vabs
cond:4 1110 1 D:1 11 0001 Vd:4 101 sz:1 01 M:1 0 Vm:4          -> vneg
cond:4 1110 1 D:1 11 0001 Vd:4 101 sz:1 11 M:1 0 Vm:4          -> vsqrt
cond:4 1110 1 D:1 11 0100 Vd:4 101 sz:1 E:1 1 M:1 0 Vm:4       -> vcmp
cond:4 1110 1 D:1 11 0101 Vd:4 101 sz:1 E:1 1 (0) 0 (0000)     -> vcmp_zero
cond:4 1110 1 D:1 11 0110 Vd:4 101 sz:1 01 M:1 0 Vm:4          -> vrintr
cond:4 1110 1 D:1 11 0110 Vd:4 101 sz:1 11 M:1 0 Vm:4          -> vrintz
cond:4 1110 1 D:1 11 0111 Vd:4 101 sz:1 01 M:1 0 Vm:4          -> vrintx
11111110 0 D:1 cc:2 Vn:4 Vd:4 101 sz:1 N:1 0 M:1 0 Vm:4        -> vsel
11111110 1 D:1 00 Vn:4 Vd:4 101 sz:1 N:1 0 M:1 0 Vm:4          -> vmaxnm
11111110 1 D:1 00 Vn:4 Vd:4 101 sz:1 N:1 1 M:1 0 Vm:4          -> vminnm
11111110 1 D:1 11 10 RM:2 Vd:4 101 sz:1 01 M:1 0 Vm:4          -> vrint_rm

[vfp_convert]
cond:4 1110 1 D:1 11 0010 Vd:4 101 sz:1 T:1 1 M:1 0 Vm:4       -> vcvt_from_half
cond:4 1110 1 D:1 11 0011 Vd:4 101 sz:1 T:1 1 M:1 0 Vm:4       -> vcvt_to_half
cond:4 1110 1 D:1 11 0111 Vd:4 101 sz:1 11 M:1 0 Vm:4          -> vcvt_precision
cond:4 1110 1 D:1 11 1000 Vd:4 101 sz:1 op:1 1 M:1 0 Vm:4      -> vcvt_from_int
cond:4 1110 1 D:1 11 110 op:1 Vd:4 101 sz:1 Z:1 1 M:1 0 Vm:4   -> vcvt_to_int
cond:4 1110 1 D:1 11 101 U:1 Vd:4 101 sf:1 sx:1 1 i:1 0 imm4:4 -> vcvt_from_fixed
cond:4 1110 1 D:1 11 111 U:1 Vd:4 101 sf:1 sx:1 1 i:1 0 imm4:4 -> vcvt_to_fixed
11111110 1 D:1 11 11 RM:2 Vd:4 101 sz:1 op:1 1 M:1 0 Vm:4      -> vcvt_rm

[vfp_transfer]
cond:4 1110 000 0 Vn:4 Rt:4 1010 N:1 (00) 1 (0000)             -> vmov_core_to_single
cond:4 1110 000 1 Vn:4 Rt:4 1010 N:1 (00) 1 (0000)             -> vmov_single_to_core
cond:4 1110 0 opc1:2 0 Vd:4 Rt:4 1011 D:1 opc2:2 1 (0000)      -> vmov_core_to_scalar
cond:4 1110 U:1 opc1:2 1 Vn:4 Rt:4 1011 N:1 opc2:2 1 (0000)    -> vmov_scalar_to_core
cond:4 1110 1 B:1 Q:1 0 Vd:4 Rt:4 1011 D:1 0 E:1 1 (0000)      -> vdup_core
cond:4 1100 010 0 Rt2:4 Rt:4 1010 00 M:1 1 Vm:4                -> vmov_core_to_two_singles
cond:4 1100 010 1 Rt2:4 Rt:4 1010 00 M:1 1 Vm:4                -> vmov_two_singles_to_core
cond:4 1100 010 0 Rt2:4 Rt:4 1011 00 M:1 1 Vm:4                -> vmov_core_to_double
cond:4 1100 010 1 Rt2:4 Rt:4 1011 00 M:1 1 Vm:4                -> vmov_double_to_core
cond:4 1110 1110 0001 Rt:4 1010 (000) 1 (0000)                 -> vmsr_fpscr
cond:4 1110 1111 reg:4 Rt:4 1010 (000) 1 (0000)                -> vmrs

[fp_load_store]
cond:4 1101 U:1 D:1 00 Rn:4 Vd:4 1010 imm8:8                   -> vstr_single
cond:4 1101 U:1 D:1 00 Rn:4 Vd:4 1011 imm8:8                   -> vstr_double
cond:4 1101 U:1 D:1 01 Rn:4 Vd:4 1010 imm8:8                   -> vldr_single
cond:4 1101 U:1 D:1 01 Rn:4 Vd:4 1011 imm8:8                   -> vldr_double
cond:4 1100 1 D:1 W:1 0 Rn:4 Vd:4 1010 imm8:8                  -> vstm_single
cond:4 1101 0 D:1 1 0 Rn:4 Vd:4 1010 imm8:8                    -> vstm_single  W=1 down=1
cond:4 1100 1 D:1 W:1 1 Rn:4 Vd:4 1010 imm8:8                  -> vldm_single
cond:4 1101 0 D:1 1 1 Rn:4 Vd:4 1010 imm8:8                    -> vldm_single  W=1 down=1
cond:4 1100 1 D:1 W:1 0 Rn:4 Vd:4 1011 imm8:8                  -> vstm_double
cond:4 1101 0 D:1 1 0 Rn:4 Vd:4 1011 imm8:8                    -> vstm_double  W=1 down=1
cond:4 1100 1 D:1 W:1 1 Rn:4 Vd:4 1011 imm8:8                  -> vldm_double
cond:4 1101 0 D:1 1 1 Rn:4 Vd:4 1011 imm8:8                    -> vldm_double  W=1 down=1
"""
