/* SPDX-License-Identifier: GPL-2.0 */
/* Commit 5f60d5f6bbc1 ("move asm/unaligned.h to linux/unaligned.h"), 6.12 */
#if __has_include_next(<linux/unaligned.h>)
#include_next <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif
