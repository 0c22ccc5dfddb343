/* SPDX-License-Identifier: GPL-2.0 */
/* Commit a9ca9f9ceff3 ("page_pool: split types and declarations ..."), 6.6 */
#if __has_include_next(<net/page_pool/helpers.h>)
#include_next <net/page_pool/helpers.h>
#else
#include <net/page_pool.h>
#endif
