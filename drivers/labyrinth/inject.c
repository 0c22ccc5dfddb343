// SPDX-License-Identifier: GPL-2.0
/*
 * Failure on purpose: distribution kernels have no fault injection.
 */
#include <kunit/visibility.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "internal.h"

static void inject_rearm(struct labyrinth_injector *injector)
{
	bool armed = atomic_read(&injector->next) || READ_ONCE(injector->every);

	WRITE_ONCE(injector->armed, armed);
}

/* Shall this request fail? Any context. */
bool labyrinth_inject_hit(struct labyrinth_injector *injector)
{
	unsigned int every = READ_ONCE(injector->every);

	if (atomic_dec_if_positive(&injector->next) >= 0)
		return true;
	if (!every)
		return false;
	return (unsigned int)atomic_inc_return(&injector->seen) % every == 0;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_inject_hit);

/* Understands "next N", "every N" and "off"; one trailing newline is allowed. */
int labyrinth_inject_parse(struct labyrinth_injector *injector, char *text)
{
	char *word = strim(text);
	unsigned int number;
	char *argument;
	int err;

	if (!strcmp(word, "off")) {
		atomic_set(&injector->next, 0);
		WRITE_ONCE(injector->every, 0);
		inject_rearm(injector);
		return 0;
	}

	argument = strchr(word, ' ');
	if (!argument)
		return -EINVAL;
	*argument++ = '\0';
	err = kstrtouint(skip_spaces(argument), 10, &number);
	if (err)
		return err;
	if (number > INT_MAX)
		return -ERANGE;

	if (!strcmp(word, "next"))
		atomic_set(&injector->next, number);
	else if (!strcmp(word, "every"))
		WRITE_ONCE(injector->every, number);
	else
		return -EINVAL;
	inject_rearm(injector);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_inject_parse);

void labyrinth_inject_show(struct labyrinth_injector *injector,
			   struct seq_file *seq)
{
	seq_printf(seq, "next %d\nevery %u\n", atomic_read(&injector->next),
		   READ_ONCE(injector->every));
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_inject_show);
