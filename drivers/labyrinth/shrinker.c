// SPDX-License-Identifier: GPL-2.0
/*
 * The shrinker: gives back what others need more, down to what is guaranteed.
 */
#include <linux/minmax.h>
#include <linux/shrinker.h>

#include "internal.h"

static struct shrinker *labyrinth_shrinker;

static unsigned long shrinker_count(struct shrinker *shrinker,
				    struct shrink_control *control)
{
	unsigned long pages = labyrinth_commons_level() +
			      labyrinth_zones_surplus();

	return pages ?: SHRINK_EMPTY;
}

static unsigned long shrinker_scan(struct shrinker *shrinker,
				   struct shrink_control *control)
{
	unsigned long wanted = control->nr_to_scan;
	unsigned long given = labyrinth_commons_give_back(wanted);

	given += labyrinth_zones_give_back(wanted - given);
	return given ?: SHRINK_STOP;
}

int labyrinth_shrinker_create(void)
{
	labyrinth_shrinker = shrinker_alloc(0, "labyrinth");
	if (!labyrinth_shrinker)
		return -ENOMEM;
	labyrinth_shrinker->count_objects = shrinker_count;
	labyrinth_shrinker->scan_objects = shrinker_scan;
	labyrinth_shrinker->seeks = DEFAULT_SEEKS;
	shrinker_register(labyrinth_shrinker);
	return 0;
}

void labyrinth_shrinker_destroy(void)
{
	shrinker_free(labyrinth_shrinker);
}
