"""Three-byte opcodes 0F 38 xx and 0F 3A xx (SDM vol. 2D, tables A-4 and A-5) of general registers."""

ROWS = """
[bit_byte]
F2 0F 38 F0   Gy,Eb     -> crc32
F2 0F 38 F1   Gy,Ev     -> crc32
"""
