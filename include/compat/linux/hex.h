/* SPDX-License-Identifier: GPL-2.0 */
/* 6.1 has it in <linux/kernel.h>, 7.2 no longer */
#if __has_include_next(<linux/hex.h>)
#include_next <linux/hex.h>
#else
#include <linux/kernel.h>
#endif
