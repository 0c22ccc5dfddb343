// SPDX-License-Identifier: GPL-2.0
/*
 * Looking in from outside: /sys/kernel/debug/labyrinth. Nothing depends on it.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"

static struct dentry *labyrinth_dir;
static struct dentry *labyrinth_zones_dir;

static void balance_show(struct seq_file *seq,
			 const struct labyrinth_balance *balance)
{
	unsigned int i;

	seq_printf(seq, "taken %llu\n", balance->taken);
	for (i = LABYRINTH_RELEASED + 1; i < LABYRINTH_STATES; i++)
		seq_printf(seq, "%s %llu\n", labyrinth_state_name(i),
			   balance->state[i]);
	seq_printf(seq, "released %llu\nbalance %lld\n", balance->released,
		   balance->balance);
}

static int ledger_show(struct seq_file *seq, void *unused)
{
	struct labyrinth_balance balance;

	labyrinth_zone_balance(seq->private, &balance);
	balance_show(seq, &balance);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(ledger);

static void state_show(struct labyrinth_zone *zone, enum labyrinth_state state,
		       struct seq_file *seq)
{
	const char *name = labyrinth_state_name(state);
	u64 now = labyrinth_state_tally(zone, state);

	seq_printf(seq, "now_%s %llu\n", name, now);
	seq_printf(seq, "low_%s %llu\n", name,
		   min(READ_ONCE(zone->marks.low[state]), now));
	seq_printf(seq, "high_%s %llu\n", name,
		   max(READ_ONCE(zone->marks.high[state]), now));
}

static int stats_show(struct seq_file *seq, void *unused)
{
	struct labyrinth_zone *zone = seq->private;
	unsigned int i;

	for (i = 0; i < LABYRINTH_COUNTERS_MAX; i++)
		seq_printf(seq, "%s %llu\n", labyrinth_counter_name(i),
			   labyrinth_counter(zone, i));
	for (i = LABYRINTH_RELEASED + 1; i < LABYRINTH_STATES; i++)
		state_show(zone, i, seq);
	seq_printf(seq, "now_stash %u\nnow_reserve %u\n",
		   labyrinth_stash_level(&zone->stash),
		   labyrinth_stash_level(&zone->reserve));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static void page_show(struct labyrinth_zone *zone,
		      const struct labyrinth_entry *entry, struct seq_file *seq)
{
	seq_printf(seq, "page %u pfn 0x%lx %s for %u ms, reused %u, taken by %pS\n",
		   entry->index, page_to_pfn(entry->page),
		   labyrinth_state_name(READ_ONCE(entry->state)),
		   jiffies_to_msecs((u32)jiffies - READ_ONCE(entry->since)),
		   READ_ONCE(entry->reused), (void *)entry->site);
	labyrinth_ledger_history(&zone->ledger, entry, seq);
}

/* Pages come and go meanwhile: a line is right for the moment it was written. */
static int pages_show(struct seq_file *seq, void *unused)
{
	struct labyrinth_zone *zone = seq->private;
	unsigned int size = labyrinth_ledger_size(&zone->ledger);
	struct labyrinth_entry *entry;
	unsigned int i;

	for (i = 0; i < size; i++) {
		entry = labyrinth_ledger_entry(&zone->ledger, i);
		if (READ_ONCE(entry->state) != LABYRINTH_RELEASED)
			page_show(zone, entry, seq);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pages);

static int failures_show(struct seq_file *seq, void *unused)
{
	labyrinth_cause_show(seq->private, seq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(failures);

static int holders_show(struct seq_file *seq, void *unused)
{
	struct labyrinth_zone *zone = seq->private;
	unsigned int i, lent, age;

	for (i = 0; i < LABYRINTH_HOLDERS; i++) {
		lent = labyrinth_holder_lent(zone, i, &age);
		if (lent)
			seq_printf(seq, "holder %u pages %u age %u ms\n", i,
				   lent, age);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(holders);

static int map_show(struct seq_file *seq, void *unused)
{
	labyrinth_map_show(seq);
	labyrinth_zones_show(seq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(map);

static int destroyed_show(struct seq_file *seq, void *unused)
{
	struct labyrinth_balance sum;
	u64 zones;

	labyrinth_zones_destroyed(&sum, &zones);
	seq_printf(seq, "zones %llu\n", zones);
	balance_show(seq, &sum);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(destroyed);

static int inject_show(struct seq_file *seq, void *unused)
{
	struct labyrinth_zone *zone = seq->private;

	labyrinth_inject_show(&zone->injector, seq);
	return 0;
}

static int inject_open(struct inode *inode, struct file *file)
{
	return single_open(file, inject_show, inode->i_private);
}

static ssize_t inject_write(struct file *file, const char __user *buffer,
			    size_t count, loff_t *pos)
{
	struct seq_file *seq = file->private_data;
	struct labyrinth_zone *zone = seq->private;
	char text[32];
	int err;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buffer, count))
		return -EFAULT;
	text[count] = '\0';
	err = labyrinth_inject_parse(&zone->injector, text);
	return err ?: count;
}

static const struct file_operations inject_fops = {
	.owner		= THIS_MODULE,
	.open		= inject_open,
	.read		= seq_read,
	.write		= inject_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

void labyrinth_debugfs_add(struct labyrinth_zone *zone)
{
	zone->dir = debugfs_create_dir(zone->name, labyrinth_zones_dir);
	debugfs_create_file("ledger", 0444, zone->dir, zone, &ledger_fops);
	debugfs_create_file("stats", 0444, zone->dir, zone, &stats_fops);
	debugfs_create_file("pages", 0400, zone->dir, zone, &pages_fops);
	debugfs_create_file("failures", 0400, zone->dir, zone, &failures_fops);
	debugfs_create_file("holders", 0444, zone->dir, zone, &holders_fops);
	debugfs_create_file("inject", 0644, zone->dir, zone, &inject_fops);
}

void labyrinth_debugfs_remove(struct labyrinth_zone *zone)
{
	debugfs_remove_recursive(zone->dir);
}

void labyrinth_debugfs_init(void)
{
	labyrinth_dir = debugfs_create_dir("labyrinth", NULL);
	labyrinth_zones_dir = debugfs_create_dir("zones", labyrinth_dir);
	debugfs_create_file("map", 0444, labyrinth_dir, NULL, &map_fops);
	debugfs_create_file("destroyed", 0444, labyrinth_dir, NULL,
			    &destroyed_fops);
}

void labyrinth_debugfs_exit(void)
{
	debugfs_remove_recursive(labyrinth_dir);
}
