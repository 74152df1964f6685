/* dispatch.h - which vector kernel runs on this machine. */
#ifndef MK_DISPATCH_H
#define MK_DISPATCH_H

#include "kernel.h"

/* The best kernels that this CPU can run, or those that mk_simd_force chose. */
const mk_kernels *mk_dispatch(void);

#endif
