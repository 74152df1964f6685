/* dispatch.h - which vector kernel runs on this machine. */
#ifndef MK_DISPATCH_H
#define MK_DISPATCH_H

#include "kernel.h"

/* The best kernel that this CPU can run, or the one that mk_simd_force chose. */
mk_kernel *mk_dispatch_kernel(void);

#endif
