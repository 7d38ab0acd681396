"""A32 encodings of the integer instructions, in the manual's order of chapters (ARM ARM A5; see ``dbt.frontend.decode`` for the notation)."""

ROWS = """
[data_processing]
cond:4 001 0000 S:1 Rn:4 Rd:4 imm12:12                         -> and_imm
cond:4 001 0001 S:1 Rn:4 Rd:4 imm12:12                         -> eor_imm
cond:4 001 0010 S:1 Rn:4 Rd:4 imm12:12                         -> sub_imm
cond:4 001 0011 S:1 Rn:4 Rd:4 imm12:12                         -> rsb_imm
cond:4 001 0100 S:1 Rn:4 Rd:4 imm12:12                         -> add_imm
cond:4 001 0101 S:1 Rn:4 Rd:4 imm12:12                         -> adc_imm
cond:4 001 0110 S:1 Rn:4 Rd:4 imm12:12                         -> sbc_imm
cond:4 001 0111 S:1 Rn:4 Rd:4 imm12:12                         -> rsc_imm
cond:4 001 1000 1 Rn:4 (0000) imm12:12                         -> tst_imm
cond:4 001 1001 1 Rn:4 (0000) imm12:12                         -> teq_imm
cond:4 001 1010 1 Rn:4 (0000) imm12:12                         -> cmp_imm
cond:4 001 1011 1 Rn:4 (0000) imm12:12                         -> cmn_imm
cond:4 001 1100 S:1 Rn:4 Rd:4 imm12:12                         -> orr_imm
cond:4 001 1101 S:1 (0000) Rd:4 imm12:12                       -> mov_imm
cond:4 001 1110 S:1 Rn:4 Rd:4 imm12:12                         -> bic_imm
cond:4 001 1111 S:1 (0000) Rd:4 imm12:12                       -> mvn_imm

cond:4 000 0000 S:1 Rn:4 Rd:4 imm5:5 type:2 0 Rm:4             -> and_reg
cond:4 000 0001 S:1 Rn:4 Rd:4 imm5:5 type:2 0 Rm:4             -> eor_reg
cond:4 000 0010 S:1 Rn:4 Rd:4 imm5:5 type:2 0 Rm:4             -> sub_reg
cond:4 000 0011 S:1 Rn:4 Rd:4 imm5:5 type:2 0 Rm:4             -> rsb_reg
cond:4 000 0100 S:1 Rn:4 Rd:4 imm5:5 type:2 0 Rm:4             -> add_reg
cond:4 000 0101 S:1 Rn:4 Rd:4 imm5:5 type:2 0 Rm:4             -> adc_reg
cond:4 000 0110 S:1 Rn:4 Rd:4 imm5:5 type:2 0 Rm:4             -> sbc_reg
cond:4 000 0111 S:1 Rn:4 Rd:4 imm5:5 type:2 0 Rm:4             -> rsc_reg
cond:4 000 1000 1 Rn:4 (0000) imm5:5 type:2 0 Rm:4             -> tst_reg
cond:4 000 1001 1 Rn:4 (0000) imm5:5 type:2 0 Rm:4             -> teq_reg
cond:4 000 1010 1 Rn:4 (0000) imm5:5 type:2 0 Rm:4             -> cmp_reg
cond:4 000 1011 1 Rn:4 (0000) imm5:5 type:2 0 Rm:4             -> cmn_reg
cond:4 000 1100 S:1 Rn:4 Rd:4 imm5:5 type:2 0 Rm:4             -> orr_reg
cond:4 000 1101 S:1 (0000) Rd:4 imm5:5 type:2 0 Rm:4           -> mov_reg
cond:4 000 1110 S:1 Rn:4 Rd:4 imm5:5 type:2 0 Rm:4             -> bic_reg
cond:4 000 1111 S:1 (0000) Rd:4 imm5:5 type:2 0 Rm:4           -> mvn_reg

cond:4 000 0000 S:1 Rn:4 Rd:4 Rs:4 0 type:2 1 Rm:4             -> and_rsr
cond:4 000 0001 S:1 Rn:4 Rd:4 Rs:4 0 type:2 1 Rm:4             -> eor_rsr
cond:4 000 0010 S:1 Rn:4 Rd:4 Rs:4 0 type:2 1 Rm:4             -> sub_rsr
cond:4 000 0011 S:1 Rn:4 Rd:4 Rs:4 0 type:2 1 Rm:4             -> rsb_rsr
cond:4 000 0100 S:1 Rn:4 Rd:4 Rs:4 0 type:2 1 Rm:4             -> add_rsr
cond:4 000 0101 S:1 Rn:4 Rd:4 Rs:4 0 type:2 1 Rm:4             -> adc_rsr
cond:4 000 0110 S:1 Rn:4 Rd:4 Rs:4 0 type:2 1 Rm:4             -> sbc_rsr
cond:4 000 0111 S:1 Rn:4 Rd:4 Rs:4 0 type:2 1 Rm:4             -> rsc_rsr
cond:4 000 1000 1 Rn:4 (0000) Rs:4 0 type:2 1 Rm:4             -> tst_rsr
cond:4 000 1001 1 Rn:4 (0000) Rs:4 0 type:2 1 Rm:4             -> teq_rsr
cond:4 000 1010 1 Rn:4 (0000) Rs:4 0 type:2 1 Rm:4             -> cmp_rsr
cond:4 000 1011 1 Rn:4 (0000) Rs:4 0 type:2 1 Rm:4             -> cmn_rsr
cond:4 000 1100 S:1 Rn:4 Rd:4 Rs:4 0 type:2 1 Rm:4             -> orr_rsr
cond:4 000 1101 S:1 (0000) Rd:4 Rs:4 0 type:2 1 Rm:4           -> mov_rsr
cond:4 000 1110 S:1 Rn:4 Rd:4 Rs:4 0 type:2 1 Rm:4             -> bic_rsr
cond:4 000 1111 S:1 (0000) Rd:4 Rs:4 0 type:2 1 Rm:4           -> mvn_rsr

cond:4 001 0100 0 1111 Rd:4 imm12:12                           -> adr_add
cond:4 001 0010 0 1111 Rd:4 imm12:12                           -> adr_sub
cond:4 0011 0000 imm16:4 Rd:4 imm16:12                         -> movw
cond:4 0011 0100 imm16:4 Rd:4 imm16:12                         -> movt

[multiply]
cond:4 0000000 S:1 Rd:4 (0000) Rm:4 1001 Rn:4                  -> mul
cond:4 0000001 S:1 Rd:4 Ra:4 Rm:4 1001 Rn:4                    -> mla
cond:4 00000100 RdHi:4 RdLo:4 Rm:4 1001 Rn:4                   -> umaal
cond:4 00000110 Rd:4 Ra:4 Rm:4 1001 Rn:4                       -> mls
cond:4 0000100 S:1 RdHi:4 RdLo:4 Rm:4 1001 Rn:4                -> umull
cond:4 0000101 S:1 RdHi:4 RdLo:4 Rm:4 1001 Rn:4                -> umlal
cond:4 0000110 S:1 RdHi:4 RdLo:4 Rm:4 1001 Rn:4                -> smull
cond:4 0000111 S:1 RdHi:4 RdLo:4 Rm:4 1001 Rn:4                -> smlal
cond:4 00010000 Rd:4 Ra:4 Rm:4 1 M:1 N:1 0 Rn:4                -> smla_xy
cond:4 00010010 Rd:4 Ra:4 Rm:4 1 M:1 0 0 Rn:4                  -> smlaw_y
cond:4 00010010 Rd:4 (0000) Rm:4 1 M:1 1 0 Rn:4                -> smulw_y
cond:4 00010100 RdHi:4 RdLo:4 Rm:4 1 M:1 N:1 0 Rn:4            -> smlal_xy
cond:4 00010110 Rd:4 (0000) Rm:4 1 M:1 N:1 0 Rn:4              -> smul_xy
cond:4 01110000 Rd:4 Ra:4 Rm:4 00 M:1 1 Rn:4                   -> smlad
cond:4 01110000 Rd:4 1111 Rm:4 00 M:1 1 Rn:4                   -> smuad
cond:4 01110000 Rd:4 Ra:4 Rm:4 01 M:1 1 Rn:4                   -> smlsd
cond:4 01110000 Rd:4 1111 Rm:4 01 M:1 1 Rn:4                   -> smusd
cond:4 01110001 Rd:4 (1111) Rm:4 0001 Rn:4                     -> sdiv
cond:4 01110011 Rd:4 (1111) Rm:4 0001 Rn:4                     -> udiv
cond:4 01110100 RdHi:4 RdLo:4 Rm:4 00 M:1 1 Rn:4               -> smlald
cond:4 01110100 RdHi:4 RdLo:4 Rm:4 01 M:1 1 Rn:4               -> smlsld
cond:4 01110101 Rd:4 Ra:4 Rm:4 00 R:1 1 Rn:4                   -> smmla
cond:4 01110101 Rd:4 1111 Rm:4 00 R:1 1 Rn:4                   -> smmul
cond:4 01110101 Rd:4 Ra:4 Rm:4 11 R:1 1 Rn:4                   -> smmls

[saturate]
cond:4 00010000 Rn:4 Rd:4 (0000) 0101 Rm:4                     -> qadd
cond:4 00010010 Rn:4 Rd:4 (0000) 0101 Rm:4                     -> qsub
cond:4 00010100 Rn:4 Rd:4 (0000) 0101 Rm:4                     -> qdadd
cond:4 00010110 Rn:4 Rd:4 (0000) 0101 Rm:4                     -> qdsub
cond:4 0110101 sat_imm:5 Rd:4 imm5:5 sh:1 01 Rn:4              -> ssat
cond:4 0110111 sat_imm:5 Rd:4 imm5:5 sh:1 01 Rn:4              -> usat
cond:4 01101010 sat_imm:4 Rd:4 (1111) 0011 Rn:4                -> ssat16
cond:4 01101110 sat_imm:4 Rd:4 (1111) 0011 Rn:4                -> usat16

[parallel]
cond:4 01100 001 Rn:4 Rd:4 (1111) 000 1 Rm:4                   -> sadd16
cond:4 01100 001 Rn:4 Rd:4 (1111) 001 1 Rm:4                   -> sasx
cond:4 01100 001 Rn:4 Rd:4 (1111) 010 1 Rm:4                   -> ssax
cond:4 01100 001 Rn:4 Rd:4 (1111) 011 1 Rm:4                   -> ssub16
cond:4 01100 001 Rn:4 Rd:4 (1111) 100 1 Rm:4                   -> sadd8
cond:4 01100 001 Rn:4 Rd:4 (1111) 111 1 Rm:4                   -> ssub8
cond:4 01100 010 Rn:4 Rd:4 (1111) 000 1 Rm:4                   -> qadd16
cond:4 01100 010 Rn:4 Rd:4 (1111) 001 1 Rm:4                   -> qasx
cond:4 01100 010 Rn:4 Rd:4 (1111) 010 1 Rm:4                   -> qsax
cond:4 01100 010 Rn:4 Rd:4 (1111) 011 1 Rm:4                   -> qsub16
cond:4 01100 010 Rn:4 Rd:4 (1111) 100 1 Rm:4                   -> qadd8
cond:4 01100 010 Rn:4 Rd:4 (1111) 111 1 Rm:4                   -> qsub8
cond:4 01100 011 Rn:4 Rd:4 (1111) 000 1 Rm:4                   -> shadd16
cond:4 01100 011 Rn:4 Rd:4 (1111) 001 1 Rm:4                   -> shasx
cond:4 01100 011 Rn:4 Rd:4 (1111) 010 1 Rm:4                   -> shsax
cond:4 01100 011 Rn:4 Rd:4 (1111) 011 1 Rm:4                   -> shsub16
cond:4 01100 011 Rn:4 Rd:4 (1111) 100 1 Rm:4                   -> shadd8
cond:4 01100 011 Rn:4 Rd:4 (1111) 111 1 Rm:4                   -> shsub8
cond:4 01100 101 Rn:4 Rd:4 (1111) 000 1 Rm:4                   -> uadd16
cond:4 01100 101 Rn:4 Rd:4 (1111) 001 1 Rm:4                   -> uasx
cond:4 01100 101 Rn:4 Rd:4 (1111) 010 1 Rm:4                   -> usax
cond:4 01100 101 Rn:4 Rd:4 (1111) 011 1 Rm:4                   -> usub16
cond:4 01100 101 Rn:4 Rd:4 (1111) 100 1 Rm:4                   -> uadd8
cond:4 01100 101 Rn:4 Rd:4 (1111) 111 1 Rm:4                   -> usub8
cond:4 01100 110 Rn:4 Rd:4 (1111) 000 1 Rm:4                   -> uqadd16
cond:4 01100 110 Rn:4 Rd:4 (1111) 001 1 Rm:4                   -> uqasx
cond:4 01100 110 Rn:4 Rd:4 (1111) 010 1 Rm:4                   -> uqsax
cond:4 01100 110 Rn:4 Rd:4 (1111) 011 1 Rm:4                   -> uqsub16
cond:4 01100 110 Rn:4 Rd:4 (1111) 100 1 Rm:4                   -> uqadd8
cond:4 01100 110 Rn:4 Rd:4 (1111) 111 1 Rm:4                   -> uqsub8
cond:4 01100 111 Rn:4 Rd:4 (1111) 000 1 Rm:4                   -> uhadd16
cond:4 01100 111 Rn:4 Rd:4 (1111) 001 1 Rm:4                   -> uhasx
cond:4 01100 111 Rn:4 Rd:4 (1111) 010 1 Rm:4                   -> uhsax
cond:4 01100 111 Rn:4 Rd:4 (1111) 011 1 Rm:4                   -> uhsub16
cond:4 01100 111 Rn:4 Rd:4 (1111) 100 1 Rm:4                   -> uhadd8
cond:4 01100 111 Rn:4 Rd:4 (1111) 111 1 Rm:4                   -> uhsub8
cond:4 01101000 Rn:4 Rd:4 (1111) 1011 Rm:4                     -> sel
cond:4 01111000 Rd:4 Ra:4 Rm:4 0001 Rn:4                       -> usada8
cond:4 01111000 Rd:4 1111 Rm:4 0001 Rn:4                       -> usad8

[bitfield]
cond:4 01101000 Rn:4 Rd:4 imm5:5 tb:1 01 Rm:4                  -> pkh
cond:4 01101000 Rn:4 Rd:4 rotate:2 (00) 0111 Rm:4              -> sxtab16
cond:4 01101000 1111 Rd:4 rotate:2 (00) 0111 Rm:4              -> sxtb16
cond:4 01101010 Rn:4 Rd:4 rotate:2 (00) 0111 Rm:4              -> sxtab
cond:4 01101010 1111 Rd:4 rotate:2 (00) 0111 Rm:4              -> sxtb
cond:4 01101011 Rn:4 Rd:4 rotate:2 (00) 0111 Rm:4              -> sxtah
cond:4 01101011 1111 Rd:4 rotate:2 (00) 0111 Rm:4              -> sxth
cond:4 01101100 Rn:4 Rd:4 rotate:2 (00) 0111 Rm:4              -> uxtab16
cond:4 01101100 1111 Rd:4 rotate:2 (00) 0111 Rm:4              -> uxtb16
cond:4 01101110 Rn:4 Rd:4 rotate:2 (00) 0111 Rm:4              -> uxtab
cond:4 01101110 1111 Rd:4 rotate:2 (00) 0111 Rm:4              -> uxtb
cond:4 01101111 Rn:4 Rd:4 rotate:2 (00) 0111 Rm:4              -> uxtah
cond:4 01101111 1111 Rd:4 rotate:2 (00) 0111 Rm:4              -> uxth
cond:4 01101011 (1111) Rd:4 (1111) 0011 Rm:4                   -> rev
cond:4 01101011 (1111) Rd:4 (1111) 1011 Rm:4                   -> rev16
cond:4 01101111 (1111) Rd:4 (1111) 0011 Rm:4                   -> rbit
cond:4 01101111 (1111) Rd:4 (1111) 1011 Rm:4                   -> revsh
cond:4 00010110 (1111) Rd:4 (1111) 0001 Rm:4                   -> clz
cond:4 0111101 widthm1:5 Rd:4 lsb:5 101 Rn:4                   -> sbfx
cond:4 0111111 widthm1:5 Rd:4 lsb:5 101 Rn:4                   -> ubfx
cond:4 0111110 msb:5 Rd:4 lsb:5 001 Rn:4                       -> bfi
cond:4 0111110 msb:5 Rd:4 lsb:5 001 1111                       -> bfc
cond:4 00010 sz:2 0 Rn:4 Rd:4 (00) 0 (0) 0100 Rm:4             -> crc32
cond:4 00010 sz:2 0 Rn:4 Rd:4 (00) 1 (0) 0100 Rm:4             -> crc32c

[load_store]
cond:4 010 P:1 U:1 0 W:1 0 Rn:4 Rt:4 imm:12                    -> str_imm
cond:4 011 P:1 U:1 0 W:1 0 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4      -> str_reg
cond:4 010 P:1 U:1 0 W:1 1 Rn:4 Rt:4 imm:12                    -> ldr_imm
cond:4 011 P:1 U:1 0 W:1 1 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4      -> ldr_reg
cond:4 010 P:1 U:1 1 W:1 0 Rn:4 Rt:4 imm:12                    -> strb_imm
cond:4 011 P:1 U:1 1 W:1 0 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4      -> strb_reg
cond:4 010 P:1 U:1 1 W:1 1 Rn:4 Rt:4 imm:12                    -> ldrb_imm
cond:4 011 P:1 U:1 1 W:1 1 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4      -> ldrb_reg
cond:4 000 P:1 U:1 1 W:1 0 Rn:4 Rt:4 imm:4 1 01 1 imm:4        -> strh_imm
cond:4 000 P:1 U:1 0 W:1 0 Rn:4 Rt:4 (0000) 1 01 1 Rm:4        -> strh_reg
cond:4 000 P:1 U:1 1 W:1 1 Rn:4 Rt:4 imm:4 1 01 1 imm:4        -> ldrh_imm
cond:4 000 P:1 U:1 0 W:1 1 Rn:4 Rt:4 (0000) 1 01 1 Rm:4        -> ldrh_reg
cond:4 000 P:1 U:1 1 W:1 0 Rn:4 Rt:4 imm:4 1 10 1 imm:4        -> ldrd_imm
cond:4 000 P:1 U:1 0 W:1 0 Rn:4 Rt:4 (0000) 1 10 1 Rm:4        -> ldrd_reg
cond:4 000 P:1 U:1 1 W:1 0 Rn:4 Rt:4 imm:4 1 11 1 imm:4        -> strd_imm
cond:4 000 P:1 U:1 0 W:1 0 Rn:4 Rt:4 (0000) 1 11 1 Rm:4        -> strd_reg
cond:4 000 P:1 U:1 1 W:1 1 Rn:4 Rt:4 imm:4 1 10 1 imm:4        -> ldrsb_imm
cond:4 000 P:1 U:1 0 W:1 1 Rn:4 Rt:4 (0000) 1 10 1 Rm:4        -> ldrsb_reg
cond:4 000 P:1 U:1 1 W:1 1 Rn:4 Rt:4 imm:4 1 11 1 imm:4        -> ldrsh_imm
cond:4 000 P:1 U:1 0 W:1 1 Rn:4 Rt:4 (0000) 1 11 1 Rm:4        -> ldrsh_reg
1111 0101 xx 01 xxxx (1111) xxxxxxxxxxxx                       -> preload
1111 0100 x 101 xxxx (1111) xxxxxxxxxxxx                       -> preload
1111 0111 xx 01 xxxx (1111) xxxxx xx 0 xxxx                    -> preload
1111 0110 x 101 xxxx (1111) xxxxx xx 0 xxxx                    -> preload
1111 0100 x 001 xxxxxxxxxxxxxxxxxxxx                           -> preload  # unallocated memory hints: no operation
1111 0110 x 001 xxxxxxxxxxxxxxx 0 xxxx                         -> preload

[load_store_multiple]
cond:4 100 P:1 U:1 0 W:1 1 Rn:4 register_list:16               -> ldm
cond:4 100 P:1 U:1 0 W:1 0 Rn:4 register_list:16               -> stm

[branch]
cond:4 1010 imm24:24                                           -> b
cond:4 1011 imm24:24                                           -> bl
1111 101 H:1 imm24:24                                          -> blx_imm
cond:4 00010010 (1111 1111 1111) 0001 Rm:4                     -> bx
cond:4 00010010 (1111 1111 1111) 0010 Rm:4                     -> bx
cond:4 00010010 (1111 1111 1111) 0011 Rm:4                     -> blx_reg

[synchronization]
cond:4 00010 000 Rn:4 Rt:4 (0000) 1001 Rt2:4                   -> swp size=2
cond:4 00010 100 Rn:4 Rt:4 (0000) 1001 Rt2:4                   -> swp size=0
cond:4 00011 000 Rn:4 Rd:4 (11) 11 1001 Rt:4                   -> strex size=2
cond:4 00011 001 Rn:4 Rt:4 (11) 11 1001 (1111)                 -> ldrex size=2
cond:4 00011 010 Rn:4 Rd:4 (11) 11 1001 Rt:4                   -> strex size=3
cond:4 00011 011 Rn:4 Rt:4 (11) 11 1001 (1111)                 -> ldrex size=3
cond:4 00011 100 Rn:4 Rd:4 (11) 11 1001 Rt:4                   -> strex size=0
cond:4 00011 101 Rn:4 Rt:4 (11) 11 1001 (1111)                 -> ldrex size=0
cond:4 00011 110 Rn:4 Rd:4 (11) 11 1001 Rt:4                   -> strex size=1
cond:4 00011 111 Rn:4 Rt:4 (11) 11 1001 (1111)                 -> ldrex size=1
cond:4 00011 000 Rn:4 Rd:4 (11) 10 1001 Rt:4                   -> stlex size=2
cond:4 00011 001 Rn:4 Rt:4 (11) 10 1001 (1111)                 -> ldaex size=2
cond:4 00011 010 Rn:4 Rd:4 (11) 10 1001 Rt:4                   -> stlex size=3
cond:4 00011 011 Rn:4 Rt:4 (11) 10 1001 (1111)                 -> ldaex size=3
cond:4 00011 100 Rn:4 Rd:4 (11) 10 1001 Rt:4                   -> stlex size=0
cond:4 00011 101 Rn:4 Rt:4 (11) 10 1001 (1111)                 -> ldaex size=0
cond:4 00011 110 Rn:4 Rd:4 (11) 10 1001 Rt:4                   -> stlex size=1
cond:4 00011 111 Rn:4 Rt:4 (11) 10 1001 (1111)                 -> ldaex size=1
cond:4 00011 000 Rn:4 (1111) (11) 00 1001 Rt:4                 -> stl size=2
cond:4 00011 001 Rn:4 Rt:4 (11) 00 1001 (1111)                 -> lda size=2
cond:4 00011 100 Rn:4 (1111) (11) 00 1001 Rt:4                 -> stl size=0
cond:4 00011 101 Rn:4 Rt:4 (11) 00 1001 (1111)                 -> lda size=0
cond:4 00011 110 Rn:4 (1111) (11) 00 1001 Rt:4                 -> stl size=1
cond:4 00011 111 Rn:4 Rt:4 (11) 00 1001 (1111)                 -> lda size=1
1111 01010111 (1111 1111 0000) 0001 (1111)                     -> clrex
1111 01010111 (1111 1111 0000) 0100 xxxx                   -> dsb
1111 01010111 (1111 1111 0000) 0101 option:4               -> dmb
1111 01010111 (1111 1111 0000) 0110 xxxx                   -> isb

[system]
cond:4 00010 000 (1111) Rd:4 (00) 0 (0) 0000 (0000)            -> mrs
cond:4 00010 010 mask:4 (1111) (00) 0 (0) 0000 Rn:4            -> msr_reg
cond:4 00110 010 mask:4 (1111) imm12:12                        -> msr_imm
cond:4 00110 010 0000 (1111 0000) xxxxxxxx                     -> nop
cond:4 00110 010 0000 (1111 0000) 00000001                     -> yield_
cond:4 00110 010 0000 (1111 0000) 00000010                     -> yield_
cond:4 00110 010 0000 (1111 0000) 00000011                     -> wfi
1111 0001 0000 (000) 1 (000000) E:1 (0) 0000 (0000)            -> setend
1111 0001 0000 xx x 0 0000000 xxx 0 xxxxx                    -> cps
cond:4 1111 imm:24                                             -> svc
cond:4 00010 010 imm16:12 0111 imm16:4                         -> bkpt
cond:4 01111111 imm16:12 1111 imm16:4                          -> udf
cond:4 1110 0001 1101 Rt:4 1111 010 1 0000                     -> mrc_tpidrurw Rt!=15
cond:4 1110 0000 1101 Rt:4 1111 010 1 0000                     -> mcr_tpidrurw Rt!=15
cond:4 1110 0001 1101 Rt:4 1111 011 1 0000                     -> mrc_tpidruro Rt!=15
cond:4 1110 0000 0111 Rt:4 1111 100 1 0101                     -> mcr_barrier
cond:4 1110 0000 0111 Rt:4 1111 100 1 1010                     -> mcr_barrier
cond:4 1110 0000 0111 Rt:4 1111 101 1 1010                     -> mcr_barrier
"""
