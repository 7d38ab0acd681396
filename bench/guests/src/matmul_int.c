/* Kernel: product of matrices of 32-bit integers. Multiply-accumulate, a load with a stride. */
#include "guest.h"

typedef u32 element;
#include "matmul.h"

static int guest_main(u32 loops) { return run("matmul_int", loops); }
