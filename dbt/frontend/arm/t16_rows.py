"""16-bit Thumb encodings (ARM ARM A6.2; see ``dbt.frontend.decode`` for the notation). S=2: sets the flags outside an IT block."""

ROWS = """
[data_processing]
000 00 imm5:5 Rm:3 Rd:3                                        -> mov_reg type=0 S=2
000 01 imm5:5 Rm:3 Rd:3                                        -> mov_reg type=1 S=2
000 10 imm5:5 Rm:3 Rd:3                                        -> mov_reg type=2 S=2
000 1100 Rm:3 Rn:3 Rd:3                                        -> add_reg S=2
000 1101 Rm:3 Rn:3 Rd:3                                        -> sub_reg S=2
000 1110 imm12:3 Rn:3 Rd:3                                     -> add_imm S=2
000 1111 imm12:3 Rn:3 Rd:3                                     -> sub_imm S=2
001 00 Rd:3 imm12:8                                            -> mov_imm S=2
001 01 Rn:3 imm12:8                                            -> cmp_imm
001 10 Rdn:3 imm12:8                                           -> add_imm S=2 Rd=Rdn Rn=Rdn
001 11 Rdn:3 imm12:8                                           -> sub_imm S=2 Rd=Rdn Rn=Rdn
010000 0000 Rm:3 Rdn:3                                         -> and_reg S=2 Rd=Rdn Rn=Rdn
010000 0001 Rm:3 Rdn:3                                         -> eor_reg S=2 Rd=Rdn Rn=Rdn
010000 0010 Rs:3 Rdn:3                                         -> mov_rsr type=0 S=2 Rd=Rdn Rm=Rdn
010000 0011 Rs:3 Rdn:3                                         -> mov_rsr type=1 S=2 Rd=Rdn Rm=Rdn
010000 0100 Rs:3 Rdn:3                                         -> mov_rsr type=2 S=2 Rd=Rdn Rm=Rdn
010000 0101 Rm:3 Rdn:3                                         -> adc_reg S=2 Rd=Rdn Rn=Rdn
010000 0110 Rm:3 Rdn:3                                         -> sbc_reg S=2 Rd=Rdn Rn=Rdn
010000 0111 Rs:3 Rdn:3                                         -> mov_rsr type=3 S=2 Rd=Rdn Rm=Rdn
010000 1000 Rm:3 Rn:3                                          -> tst_reg
010000 1001 Rn:3 Rd:3                                          -> rsb_imm imm12=0 S=2
010000 1010 Rm:3 Rn:3                                          -> cmp_reg
010000 1011 Rm:3 Rn:3                                          -> cmn_reg
010000 1100 Rm:3 Rdn:3                                         -> orr_reg S=2 Rd=Rdn Rn=Rdn
010000 1110 Rm:3 Rdn:3                                         -> bic_reg S=2 Rd=Rdn Rn=Rdn
010000 1111 Rm:3 Rd:3                                          -> mvn_reg S=2
010001 00 Rdn:1 Rm:4 Rdn:3                                     -> add_reg S=0 Rd=Rdn Rn=Rdn
010001 01 Rn:1 Rm:4 Rn:3                                       -> cmp_reg
010001 10 Rd:1 Rm:4 Rd:3                                       -> mov_reg S=0
10100 Rd:3 words:8                                             -> add_sp_words Rn=15
10101 Rd:3 words:8                                             -> add_sp_words Rn=13
10110000 0 words:7                                             -> add_sp_words Rd=13 Rn=13
10110000 1 words:7                                             -> sub_sp_words Rd=13 Rn=13

[multiply]
010000 1101 Rn:3 Rdm:3                                         -> mul_t16 Rd=Rdm Rm=Rdm

[bitfield]
10110010 00 Rm:3 Rd:3                                          -> sxth
10110010 01 Rm:3 Rd:3                                          -> sxtb
10110010 10 Rm:3 Rd:3                                          -> uxth
10110010 11 Rm:3 Rd:3                                          -> uxtb
10111010 00 Rm:3 Rd:3                                          -> rev
10111010 01 Rm:3 Rd:3                                          -> rev16
10111010 11 Rm:3 Rd:3                                          -> revsh

[load_store]
01001 Rt:3 imm:8                                               -> ldr_imm Rn=15 scale=2
0101 000 Rm:3 Rn:3 Rt:3                                        -> str_reg
0101 001 Rm:3 Rn:3 Rt:3                                        -> strh_reg
0101 010 Rm:3 Rn:3 Rt:3                                        -> strb_reg
0101 011 Rm:3 Rn:3 Rt:3                                        -> ldrsb_reg
0101 100 Rm:3 Rn:3 Rt:3                                        -> ldr_reg
0101 101 Rm:3 Rn:3 Rt:3                                        -> ldrh_reg
0101 110 Rm:3 Rn:3 Rt:3                                        -> ldrb_reg
0101 111 Rm:3 Rn:3 Rt:3                                        -> ldrsh_reg
0110 0 imm:5 Rn:3 Rt:3                                         -> str_imm scale=2
0110 1 imm:5 Rn:3 Rt:3                                         -> ldr_imm scale=2
0111 0 imm:5 Rn:3 Rt:3                                         -> strb_imm scale=0
0111 1 imm:5 Rn:3 Rt:3                                         -> ldrb_imm scale=0
1000 0 imm:5 Rn:3 Rt:3                                         -> strh_imm scale=1
1000 1 imm:5 Rn:3 Rt:3                                         -> ldrh_imm scale=1
1001 0 Rt:3 imm:8                                              -> str_imm Rn=13 scale=2
1001 1 Rt:3 imm:8                                              -> ldr_imm Rn=13 scale=2

[load_store_multiple]
1011 010 M:1 register_list:8                                   -> push_t16
1011 110 P:1 register_list:8                                   -> pop_t16
1100 0 Rn:3 register_list:8                                    -> stm_t16
1100 1 Rn:3 register_list:8                                    -> ldm_t16

[branch]
010001 110 Rm:4 (000)                                          -> bx
010001 111 Rm:4 (000)                                          -> blx_reg
1011 nonzero:1 0 imm6:1 1 imm6:5 Rn:3                          -> cbz
1011 1111 firstcond:4 mask:4                                   -> it mask!=0
1101 condition:4 imm8:8                                        -> b_t1 condition!=14 condition!=15
11100 imm11:11                                                 -> b_t2

[system]
1011 1111 xxxx 0000                                            -> nop
1011 1111 0001 0000                                            -> yield_
1011 1111 0010 0000                                            -> yield_
1011 1111 0011 0000                                            -> wfi
1011 0110 010 (1) E:1 (000)                                    -> setend
1011 0110 011 x (0) xxx                                        -> cps
1011 1110 imm16:8                                              -> bkpt
1101 1110 imm16:8                                              -> udf
1101 1111 imm:8                                                -> svc
"""
