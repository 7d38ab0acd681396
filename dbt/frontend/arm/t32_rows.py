"""32-bit Thumb encodings as hw1:hw2 (ARM ARM A6.3; see ``dbt.frontend.decode`` for the notation).

The coprocessor and Advanced SIMD space is in the A32 rows.
"""

ROWS = """
[data_processing]
11110 imm12:1 0 0000 S:1 Rn:4 0 imm12:3 Rd:4 imm12:8           -> and_imm
11110 imm12:1 0 0000 1 Rn:4 0 imm12:3 1111 imm12:8             -> tst_imm
11110 imm12:1 0 0001 S:1 Rn:4 0 imm12:3 Rd:4 imm12:8           -> bic_imm
11110 imm12:1 0 0010 S:1 Rn:4 0 imm12:3 Rd:4 imm12:8           -> orr_imm
11110 imm12:1 0 0010 S:1 1111 0 imm12:3 Rd:4 imm12:8           -> mov_imm
11110 imm12:1 0 0011 S:1 Rn:4 0 imm12:3 Rd:4 imm12:8           -> orn_imm
11110 imm12:1 0 0011 S:1 1111 0 imm12:3 Rd:4 imm12:8           -> mvn_imm
11110 imm12:1 0 0100 S:1 Rn:4 0 imm12:3 Rd:4 imm12:8           -> eor_imm
11110 imm12:1 0 0100 1 Rn:4 0 imm12:3 1111 imm12:8             -> teq_imm
11110 imm12:1 0 1000 S:1 Rn:4 0 imm12:3 Rd:4 imm12:8           -> add_imm
11110 imm12:1 0 1000 1 Rn:4 0 imm12:3 1111 imm12:8             -> cmn_imm
11110 imm12:1 0 1010 S:1 Rn:4 0 imm12:3 Rd:4 imm12:8           -> adc_imm
11110 imm12:1 0 1011 S:1 Rn:4 0 imm12:3 Rd:4 imm12:8           -> sbc_imm
11110 imm12:1 0 1101 S:1 Rn:4 0 imm12:3 Rd:4 imm12:8           -> sub_imm
11110 imm12:1 0 1101 1 Rn:4 0 imm12:3 1111 imm12:8             -> cmp_imm
11110 imm12:1 0 1110 S:1 Rn:4 0 imm12:3 Rd:4 imm12:8           -> rsb_imm

1110101 0000 S:1 Rn:4 (0) imm5:3 Rd:4 imm5:2 type:2 Rm:4       -> and_reg
1110101 0000 1 Rn:4 (0) imm5:3 1111 imm5:2 type:2 Rm:4         -> tst_reg
1110101 0001 S:1 Rn:4 (0) imm5:3 Rd:4 imm5:2 type:2 Rm:4       -> bic_reg
1110101 0010 S:1 Rn:4 (0) imm5:3 Rd:4 imm5:2 type:2 Rm:4       -> orr_reg
1110101 0010 S:1 1111 (0) imm5:3 Rd:4 imm5:2 type:2 Rm:4       -> mov_reg
1110101 0011 S:1 Rn:4 (0) imm5:3 Rd:4 imm5:2 type:2 Rm:4       -> orn_reg
1110101 0011 S:1 1111 (0) imm5:3 Rd:4 imm5:2 type:2 Rm:4       -> mvn_reg
1110101 0100 S:1 Rn:4 (0) imm5:3 Rd:4 imm5:2 type:2 Rm:4       -> eor_reg
1110101 0100 1 Rn:4 (0) imm5:3 1111 imm5:2 type:2 Rm:4         -> teq_reg
1110101 1000 S:1 Rn:4 (0) imm5:3 Rd:4 imm5:2 type:2 Rm:4       -> add_reg
1110101 1000 1 Rn:4 (0) imm5:3 1111 imm5:2 type:2 Rm:4         -> cmn_reg
1110101 1010 S:1 Rn:4 (0) imm5:3 Rd:4 imm5:2 type:2 Rm:4       -> adc_reg
1110101 1011 S:1 Rn:4 (0) imm5:3 Rd:4 imm5:2 type:2 Rm:4       -> sbc_reg
1110101 1101 S:1 Rn:4 (0) imm5:3 Rd:4 imm5:2 type:2 Rm:4       -> sub_reg
1110101 1101 1 Rn:4 (0) imm5:3 1111 imm5:2 type:2 Rm:4         -> cmp_reg
1110101 1110 S:1 Rn:4 (0) imm5:3 Rd:4 imm5:2 type:2 Rm:4       -> rsb_reg

11111010 0 type:2 S:1 Rm:4 1111 Rd:4 0000 Rs:4                 -> mov_rsr
11110 imm12:1 1 00000 Rn:4 0 imm12:3 Rd:4 imm12:8              -> addw
11110 imm12:1 1 00000 1111 0 imm12:3 Rd:4 imm12:8              -> adr_add
11110 imm12:1 1 01010 Rn:4 0 imm12:3 Rd:4 imm12:8              -> subw
11110 imm12:1 1 01010 1111 0 imm12:3 Rd:4 imm12:8              -> adr_sub
11110 i:1 1 00100 imm4:4 0 imm3:3 Rd:4 imm8:8                  -> movw imm16=imm4:i:imm3:imm8
11110 i:1 1 01100 imm4:4 0 imm3:3 Rd:4 imm8:8                  -> movt imm16=imm4:i:imm3:imm8

[multiply]
11111011 0 000 Rn:4 Ra:4 Rd:4 0000 Rm:4                        -> mla
11111011 0 000 Rn:4 1111 Rd:4 0000 Rm:4                        -> mul
11111011 0 000 Rn:4 Ra:4 Rd:4 0001 Rm:4                        -> mls
11111011 0 001 Rn:4 Ra:4 Rd:4 00 N:1 M:1 Rm:4                  -> smla_xy
11111011 0 001 Rn:4 1111 Rd:4 00 N:1 M:1 Rm:4                  -> smul_xy
11111011 0 010 Rn:4 Ra:4 Rd:4 000 M:1 Rm:4                     -> smlad
11111011 0 010 Rn:4 1111 Rd:4 000 M:1 Rm:4                     -> smuad
11111011 0 011 Rn:4 Ra:4 Rd:4 000 M:1 Rm:4                     -> smlaw_y
11111011 0 011 Rn:4 1111 Rd:4 000 M:1 Rm:4                     -> smulw_y
11111011 0 100 Rn:4 Ra:4 Rd:4 000 M:1 Rm:4                     -> smlsd
11111011 0 100 Rn:4 1111 Rd:4 000 M:1 Rm:4                     -> smusd
11111011 0 101 Rn:4 Ra:4 Rd:4 000 R:1 Rm:4                     -> smmla
11111011 0 101 Rn:4 1111 Rd:4 000 R:1 Rm:4                     -> smmul
11111011 0 110 Rn:4 Ra:4 Rd:4 000 R:1 Rm:4                     -> smmls
11111011 1 000 Rn:4 RdLo:4 RdHi:4 0000 Rm:4                    -> smull
11111011 1 010 Rn:4 RdLo:4 RdHi:4 0000 Rm:4                    -> umull
11111011 1 100 Rn:4 RdLo:4 RdHi:4 0000 Rm:4                    -> smlal
11111011 1 100 Rn:4 RdLo:4 RdHi:4 10 N:1 M:1 Rm:4              -> smlal_xy
11111011 1 100 Rn:4 RdLo:4 RdHi:4 110 M:1 Rm:4                 -> smlald
11111011 1 101 Rn:4 RdLo:4 RdHi:4 110 M:1 Rm:4                 -> smlsld
11111011 1 110 Rn:4 RdLo:4 RdHi:4 0000 Rm:4                    -> umlal
11111011 1 110 Rn:4 RdLo:4 RdHi:4 0110 Rm:4                    -> umaal
11111011 1 001 Rn:4 (1111) Rd:4 1111 Rm:4                      -> sdiv
11111011 1 011 Rn:4 (1111) Rd:4 1111 Rm:4                      -> udiv

[saturate]
11111010 1000 Rn:4 1111 Rd:4 10 00 Rm:4                        -> qadd
11111010 1000 Rn:4 1111 Rd:4 10 01 Rm:4                        -> qdadd
11111010 1000 Rn:4 1111 Rd:4 10 10 Rm:4                        -> qsub
11111010 1000 Rn:4 1111 Rd:4 10 11 Rm:4                        -> qdsub
11110 (0) 1 100 sh:1 0 Rn:4 0 imm5:3 Rd:4 imm5:2 (0) sat_imm:5 -> ssat
11110 (0) 1 100 1 0 Rn:4 0 000 Rd:4 00 (00) sat_imm:4          -> ssat16
11110 (0) 1 110 sh:1 0 Rn:4 0 imm5:3 Rd:4 imm5:2 (0) sat_imm:5 -> usat
11110 (0) 1 110 1 0 Rn:4 0 000 Rd:4 00 (00) sat_imm:4          -> usat16

[parallel]
11111010 1 001 Rn:4 1111 Rd:4 0 000 Rm:4                       -> sadd16
11111010 1 010 Rn:4 1111 Rd:4 0 000 Rm:4                       -> sasx
11111010 1 110 Rn:4 1111 Rd:4 0 000 Rm:4                       -> ssax
11111010 1 101 Rn:4 1111 Rd:4 0 000 Rm:4                       -> ssub16
11111010 1 000 Rn:4 1111 Rd:4 0 000 Rm:4                       -> sadd8
11111010 1 100 Rn:4 1111 Rd:4 0 000 Rm:4                       -> ssub8
11111010 1 001 Rn:4 1111 Rd:4 0 001 Rm:4                       -> qadd16
11111010 1 010 Rn:4 1111 Rd:4 0 001 Rm:4                       -> qasx
11111010 1 110 Rn:4 1111 Rd:4 0 001 Rm:4                       -> qsax
11111010 1 101 Rn:4 1111 Rd:4 0 001 Rm:4                       -> qsub16
11111010 1 000 Rn:4 1111 Rd:4 0 001 Rm:4                       -> qadd8
11111010 1 100 Rn:4 1111 Rd:4 0 001 Rm:4                       -> qsub8
11111010 1 001 Rn:4 1111 Rd:4 0 010 Rm:4                       -> shadd16
11111010 1 010 Rn:4 1111 Rd:4 0 010 Rm:4                       -> shasx
11111010 1 110 Rn:4 1111 Rd:4 0 010 Rm:4                       -> shsax
11111010 1 101 Rn:4 1111 Rd:4 0 010 Rm:4                       -> shsub16
11111010 1 000 Rn:4 1111 Rd:4 0 010 Rm:4                       -> shadd8
11111010 1 100 Rn:4 1111 Rd:4 0 010 Rm:4                       -> shsub8
11111010 1 001 Rn:4 1111 Rd:4 0 100 Rm:4                       -> uadd16
11111010 1 010 Rn:4 1111 Rd:4 0 100 Rm:4                       -> uasx
11111010 1 110 Rn:4 1111 Rd:4 0 100 Rm:4                       -> usax
11111010 1 101 Rn:4 1111 Rd:4 0 100 Rm:4                       -> usub16
11111010 1 000 Rn:4 1111 Rd:4 0 100 Rm:4                       -> uadd8
11111010 1 100 Rn:4 1111 Rd:4 0 100 Rm:4                       -> usub8
11111010 1 001 Rn:4 1111 Rd:4 0 101 Rm:4                       -> uqadd16
11111010 1 010 Rn:4 1111 Rd:4 0 101 Rm:4                       -> uqasx
11111010 1 110 Rn:4 1111 Rd:4 0 101 Rm:4                       -> uqsax
11111010 1 101 Rn:4 1111 Rd:4 0 101 Rm:4                       -> uqsub16
11111010 1 000 Rn:4 1111 Rd:4 0 101 Rm:4                       -> uqadd8
11111010 1 100 Rn:4 1111 Rd:4 0 101 Rm:4                       -> uqsub8
11111010 1 001 Rn:4 1111 Rd:4 0 110 Rm:4                       -> uhadd16
11111010 1 010 Rn:4 1111 Rd:4 0 110 Rm:4                       -> uhasx
11111010 1 110 Rn:4 1111 Rd:4 0 110 Rm:4                       -> uhsax
11111010 1 101 Rn:4 1111 Rd:4 0 110 Rm:4                       -> uhsub16
11111010 1 000 Rn:4 1111 Rd:4 0 110 Rm:4                       -> uhadd8
11111010 1 100 Rn:4 1111 Rd:4 0 110 Rm:4                       -> uhsub8
11111010 1010 Rn:4 1111 Rd:4 1000 Rm:4                         -> sel
11111011 0111 Rn:4 Ra:4 Rd:4 0000 Rm:4                         -> usada8
11111011 0111 Rn:4 1111 Rd:4 0000 Rm:4                         -> usad8

[bitfield]
11111010 0 000 Rn:4 1111 Rd:4 1 (0) rotate:2 Rm:4              -> sxtah
11111010 0 000 1111 1111 Rd:4 1 (0) rotate:2 Rm:4              -> sxth
11111010 0 001 Rn:4 1111 Rd:4 1 (0) rotate:2 Rm:4              -> uxtah
11111010 0 001 1111 1111 Rd:4 1 (0) rotate:2 Rm:4              -> uxth
11111010 0 010 Rn:4 1111 Rd:4 1 (0) rotate:2 Rm:4              -> sxtab16
11111010 0 010 1111 1111 Rd:4 1 (0) rotate:2 Rm:4              -> sxtb16
11111010 0 011 Rn:4 1111 Rd:4 1 (0) rotate:2 Rm:4              -> uxtab16
11111010 0 011 1111 1111 Rd:4 1 (0) rotate:2 Rm:4              -> uxtb16
11111010 0 100 Rn:4 1111 Rd:4 1 (0) rotate:2 Rm:4              -> sxtab
11111010 0 100 1111 1111 Rd:4 1 (0) rotate:2 Rm:4              -> sxtb
11111010 0 101 Rn:4 1111 Rd:4 1 (0) rotate:2 Rm:4              -> uxtab
11111010 0 101 1111 1111 Rd:4 1 (0) rotate:2 Rm:4              -> uxtb
1110101 0110 0 Rn:4 (0) imm5:3 Rd:4 imm5:2 tb:1 0 Rm:4         -> pkh
11111010 1001 xxxx 1111 Rd:4 10 00 Rm:4                        -> rev
11111010 1001 xxxx 1111 Rd:4 10 01 Rm:4                        -> rev16
11111010 1001 xxxx 1111 Rd:4 10 10 Rm:4                        -> rbit
11111010 1001 xxxx 1111 Rd:4 10 11 Rm:4                        -> revsh
11111010 1011 xxxx 1111 Rd:4 1000 Rm:4                         -> clz
11111010 1100 Rn:4 1111 Rd:4 10 sz:2 Rm:4                      -> crc32
11111010 1101 Rn:4 1111 Rd:4 10 sz:2 Rm:4                      -> crc32c
11110 (0) 1 10100 Rn:4 0 lsb:3 Rd:4 lsb:2 (0) widthm1:5        -> sbfx
11110 (0) 1 11100 Rn:4 0 lsb:3 Rd:4 lsb:2 (0) widthm1:5        -> ubfx
11110 (0) 1 10110 Rn:4 0 lsb:3 Rd:4 lsb:2 (0) msb:5            -> bfi
11110 (0) 1 10110 1111 0 lsb:3 Rd:4 lsb:2 (0) msb:5            -> bfc

[load_store]
1111100 0 1 00 0 Rn:4 Rt:4 imm:12                              -> strb_imm Rn!=15
1111100 0 0 00 0 Rn:4 Rt:4 1 1 U:1 W:1 imm:8                   -> strb_imm Rn!=15
1111100 0 0 00 0 Rn:4 Rt:4 1 0 U:1 1 imm:8                     -> strb_imm P=0 W=1 Rn!=15
1111100 0 0 00 0 Rn:4 Rt:4 0 00000 imm5:2 Rm:4                 -> strb_reg Rn!=15
1111100 0 1 01 0 Rn:4 Rt:4 imm:12                              -> strh_imm Rn!=15
1111100 0 0 01 0 Rn:4 Rt:4 1 1 U:1 W:1 imm:8                   -> strh_imm Rn!=15
1111100 0 0 01 0 Rn:4 Rt:4 1 0 U:1 1 imm:8                     -> strh_imm P=0 W=1 Rn!=15
1111100 0 0 01 0 Rn:4 Rt:4 0 00000 imm5:2 Rm:4                 -> strh_reg Rn!=15
1111100 0 1 10 0 Rn:4 Rt:4 imm:12                              -> str_imm Rn!=15
1111100 0 0 10 0 Rn:4 Rt:4 1 1 U:1 W:1 imm:8                   -> str_imm Rn!=15
1111100 0 0 10 0 Rn:4 Rt:4 1 0 U:1 1 imm:8                     -> str_imm P=0 W=1 Rn!=15
1111100 0 0 10 0 Rn:4 Rt:4 0 00000 imm5:2 Rm:4                 -> str_reg Rn!=15
1111100 0 1 00 1 Rn:4 Rt:4 imm:12                              -> ldrb_imm Rn!=15
1111100 0 0 00 1 Rn:4 Rt:4 1 1 U:1 W:1 imm:8                   -> ldrb_imm Rn!=15
1111100 0 0 00 1 Rn:4 Rt:4 1 0 U:1 1 imm:8                     -> ldrb_imm P=0 W=1 Rn!=15
1111100 0 0 00 1 Rn:4 Rt:4 0 00000 imm5:2 Rm:4                 -> ldrb_reg Rn!=15
1111100 0 U:1 00 1 1111 Rt:4 imm:12                            -> ldrb_imm Rn=15
1111100 0 1 01 1 Rn:4 Rt:4 imm:12                              -> ldrh_imm Rn!=15
1111100 0 0 01 1 Rn:4 Rt:4 1 1 U:1 W:1 imm:8                   -> ldrh_imm Rn!=15
1111100 0 0 01 1 Rn:4 Rt:4 1 0 U:1 1 imm:8                     -> ldrh_imm P=0 W=1 Rn!=15
1111100 0 0 01 1 Rn:4 Rt:4 0 00000 imm5:2 Rm:4                 -> ldrh_reg Rn!=15
1111100 0 U:1 01 1 1111 Rt:4 imm:12                            -> ldrh_imm Rn=15
1111100 0 1 10 1 Rn:4 Rt:4 imm:12                              -> ldr_imm Rn!=15
1111100 0 0 10 1 Rn:4 Rt:4 1 1 U:1 W:1 imm:8                   -> ldr_imm Rn!=15
1111100 0 0 10 1 Rn:4 Rt:4 1 0 U:1 1 imm:8                     -> ldr_imm P=0 W=1 Rn!=15
1111100 0 0 10 1 Rn:4 Rt:4 0 00000 imm5:2 Rm:4                 -> ldr_reg Rn!=15
1111100 0 U:1 10 1 1111 Rt:4 imm:12                            -> ldr_imm Rn=15
1111100 1 1 00 1 Rn:4 Rt:4 imm:12                              -> ldrsb_imm Rn!=15
1111100 1 0 00 1 Rn:4 Rt:4 1 1 U:1 W:1 imm:8                   -> ldrsb_imm Rn!=15
1111100 1 0 00 1 Rn:4 Rt:4 1 0 U:1 1 imm:8                     -> ldrsb_imm P=0 W=1 Rn!=15
1111100 1 0 00 1 Rn:4 Rt:4 0 00000 imm5:2 Rm:4                 -> ldrsb_reg Rn!=15
1111100 1 U:1 00 1 1111 Rt:4 imm:12                            -> ldrsb_imm Rn=15
1111100 1 1 01 1 Rn:4 Rt:4 imm:12                              -> ldrsh_imm Rn!=15
1111100 1 0 01 1 Rn:4 Rt:4 1 1 U:1 W:1 imm:8                   -> ldrsh_imm Rn!=15
1111100 1 0 01 1 Rn:4 Rt:4 1 0 U:1 1 imm:8                     -> ldrsh_imm P=0 W=1 Rn!=15
1111100 1 0 01 1 Rn:4 Rt:4 0 00000 imm5:2 Rm:4                 -> ldrsh_reg Rn!=15
1111100 1 U:1 01 1 1111 Rt:4 imm:12                            -> ldrsh_imm Rn=15
1111100 0 1 00 1 _n:4 1111 xxxxxxxxxxxx                        -> preload _n!=15
1111100 0 0 00 1 _n:4 1111 1100 xxxxxxxx                       -> preload _n!=15
1111100 0 0 00 1 _n:4 1111 0 00000 xx xxxx                     -> preload _n!=15
1111100 0 x 00 1 1111 1111 xxxxxxxxxxxx                        -> preload
1111100 0 1 01 1 _n:4 1111 xxxxxxxxxxxx                        -> preload _n!=15
1111100 0 0 01 1 _n:4 1111 1100 xxxxxxxx                       -> preload _n!=15
1111100 0 0 01 1 _n:4 1111 0 00000 xx xxxx                     -> preload _n!=15
1111100 0 x 01 1 1111 1111 xxxxxxxxxxxx                        -> preload
1111100 1 1 00 1 _n:4 1111 xxxxxxxxxxxx                        -> preload _n!=15
1111100 1 0 00 1 _n:4 1111 1100 xxxxxxxx                       -> preload _n!=15
1111100 1 0 00 1 _n:4 1111 0 00000 xx xxxx                     -> preload _n!=15
1111100 1 x 00 1 1111 1111 xxxxxxxxxxxx                        -> preload
1111100 1 1 01 1 _n:4 1111 xxxxxxxxxxxx                        -> preload _n!=15
1111100 1 0 01 1 _n:4 1111 1100 xxxxxxxx                       -> preload _n!=15
1111100 1 0 01 1 _n:4 1111 0 00000 xx xxxx                     -> preload _n!=15
1111100 1 x 01 1 1111 1111 xxxxxxxxxxxx                        -> preload
1110100 1 U:1 1 W:1 1 Rn:4 Rt:4 Rt2:4 imm:8                    -> ldrd_imm P=1 scale=2
1110100 0 U:1 1 1 1 Rn:4 Rt:4 Rt2:4 imm:8                      -> ldrd_imm P=0 W=1 scale=2
1110100 1 U:1 1 W:1 0 Rn:4 Rt:4 Rt2:4 imm:8                    -> strd_imm P=1 scale=2
1110100 0 U:1 1 1 0 Rn:4 Rt:4 Rt2:4 imm:8                      -> strd_imm P=0 W=1 scale=2

[load_store_multiple]
1110100 01 0 W:1 1 Rn:4 register_list:16                       -> ldm P=0 U=1
1110100 10 0 W:1 1 Rn:4 register_list:16                       -> ldm P=1 U=0
1110100 01 0 W:1 0 Rn:4 register_list:16                       -> stm P=0 U=1
1110100 10 0 W:1 0 Rn:4 register_list:16                       -> stm P=1 U=0

[branch]
11110 S:1 condition:4 imm6:6 10 J1:1 0 J2:1 imm11:11           -> b_t3 imm20=S:J2:J1:imm6:imm11 condition!=14 condition!=15
11110 S:1 imm21:10 10 J1:1 1 J2:1 imm21:11                     -> b_t4
11110 S:1 imm21:10 11 J1:1 1 J2:1 imm21:11                     -> bl_t1
11110 S:1 imm20:10 11 J1:1 0 J2:1 imm20:10 0                   -> blx_t2
11110 0111100 Rm:4 10 (0) 0 (1111) (00000000)                  -> bx
111010001101 Rn:4 (1111) (0000) 0000 Rm:4                      -> tbb
111010001101 Rn:4 (1111) (0000) 0001 Rm:4                      -> tbh

[synchronization]
111010000100 Rn:4 Rt:4 Rd:4 imm8:8                             -> strex size=2
111010000101 Rn:4 Rt:4 (1111) imm8:8                           -> ldrex size=2
111010001100 Rn:4 Rt:4 (1111) 0100 Rd:4                        -> strex size=0
111010001101 Rn:4 Rt:4 (1111) 0100 (1111)                      -> ldrex size=0
111010001100 Rn:4 Rt:4 (1111) 0101 Rd:4                        -> strex size=1
111010001101 Rn:4 Rt:4 (1111) 0101 (1111)                      -> ldrex size=1
111010001100 Rn:4 Rt:4 Rt2:4 0111 Rd:4                         -> strex size=3
111010001101 Rn:4 Rt:4 Rt2:4 0111 (1111)                       -> ldrex size=3
111010001100 Rn:4 Rt:4 (1111) 1000 (1111)                      -> stl size=0
111010001101 Rn:4 Rt:4 (1111) 1000 (1111)                      -> lda size=0
111010001100 Rn:4 Rt:4 (1111) 1100 Rd:4                        -> stlex size=0
111010001101 Rn:4 Rt:4 (1111) 1100 (1111)                      -> ldaex size=0
111010001100 Rn:4 Rt:4 (1111) 1001 (1111)                      -> stl size=1
111010001101 Rn:4 Rt:4 (1111) 1001 (1111)                      -> lda size=1
111010001100 Rn:4 Rt:4 (1111) 1101 Rd:4                        -> stlex size=1
111010001101 Rn:4 Rt:4 (1111) 1101 (1111)                      -> ldaex size=1
111010001100 Rn:4 Rt:4 (1111) 1010 (1111)                      -> stl size=2
111010001101 Rn:4 Rt:4 (1111) 1010 (1111)                      -> lda size=2
111010001100 Rn:4 Rt:4 (1111) 1110 Rd:4                        -> stlex size=2
111010001101 Rn:4 Rt:4 (1111) 1110 (1111)                      -> ldaex size=2
111010001100 Rn:4 Rt:4 Rt2:4 1111 Rd:4                         -> stlex size=3
111010001101 Rn:4 Rt:4 Rt2:4 1111 (1111)                       -> ldaex size=3
11110 0111011 (1111) 10 (0) 0 (1111) 0010 (1111)               -> clrex
11110 0111011 (1111) 10 (0) 0 (1111) 0100 xxxx                 -> dsb
11110 0111011 (1111) 10 (0) 0 (1111) 0101 option:4             -> dmb
11110 0111011 (1111) 10 (0) 0 (1111) 0110 xxxx                 -> isb

[system]
11110 0111110 (1111) 10 (0) 0 Rd:4 (00) 0 (00000)              -> mrs
11110 0111000 Rn:4 10 (0) 0 mask:4 (00) 0 (00000)              -> msr_reg
11110 0111010 (1111) 10 (0) 0 (0) 000 xxxxxxxx                 -> nop
11110 0111010 (1111) 10 (0) 0 (0) 000 00000001                 -> yield_
11110 0111010 (1111) 10 (0) 0 (0) 000 00000010                 -> yield_
11110 0111010 (1111) 10 (0) 0 (0) 000 00000011                 -> wfi
11110 0111010 (1111) 10 (0) 0 (0) xx 1 xxxxxxxx                -> cps
11110 0111010 (1111) 10 (0) 0 (0) 10 0 xxxxxxxx                -> cps
11110 1111111 imm16:4 1010 imm16:12                            -> udf
"""
