/* Kernel: product of matrices of single-precision numbers. VFP arithmetic in program order. */
#include "guest.h"

typedef float element;
#include "matmul.h"

static int guest_main(u32 loops) { return run("matmul_float", loops); }
