// SPDX-License-Identifier: GPL-2.0
/*
 * The report: text that grows while the module runs and can be read when it has
 * finished.
 */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/stdarg.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define REPORT_SIZE SZ_1M

static struct debugfs_blob_wrapper report;
static struct dentry *report_file;

int bench_report_create(void)
{
	report.data = vzalloc(REPORT_SIZE);
	return report.data ? 0 : -ENOMEM;
}

/* One line; what does not fit is missing at the end, where the reader looks. */
void bench_report(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report.size += vscnprintf(report.data + report.size,
				  REPORT_SIZE - report.size, format, arguments);
	va_end(arguments);
}

void bench_report_publish(void)
{
	bench_report("end\n");
	report_file = debugfs_create_blob(KBUILD_MODNAME, 0400, NULL, &report);
}

void bench_report_destroy(void)
{
	debugfs_remove(report_file);
	vfree(report.data);
}
