// SPDX-License-Identifier: GPL-2.0
/*
 * Files: what main.c says of them.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/hex.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "liar.h"

static struct dentry *files_root;

/* The longest command is one with a configuration space or a reply. */
#define FILES_COMMAND_MAX	1024

#define FILES_WORDS_MAX		5

/* Split into at most FILES_WORDS_MAX words. Returns their number, or an error. */
static int files_split(char *text, char **word)
{
	int count = 0;

	while (text) {
		if (count == FILES_WORDS_MAX)
			return -EINVAL;
		word[count++] = strsep(&text, " ");
	}
	return count;
}

static int files_receive(struct liar *liar, char **word, int words)
{
	unsigned int pair, count = 1;
	int err = 0;

	if (words < 2 || words > 3 || kstrtouint(word[1], 0, &pair) ||
	    (words == 3 && kstrtouint(word[2], 0, &count)))
		return -EINVAL;
	while (count-- && !err)
		err = liar_play_receive(liar, pair, &liar->frame);
	return err;
}

static int files_wire(struct liar *liar, char **word, int words)
{
	struct liar *other = NULL;

	if (words != 2)
		return -EINVAL;
	if (strcmp(word[1], "none")) {
		other = liar_find(word[1]);
		if (!other)
			return -EINVAL;
	}
	liar->wire = other;
	return 0;
}

static int files_config(struct liar *liar, char **word, int words)
{
	int err = words == 3 ? liar_set_config(liar, word[1], word[2]) : -EINVAL;

	if (!err)
		virtio_config_changed(&liar->vdev);
	return err;
}

static int files_number_or_any(const char *word, int *number)
{
	u8 value;

	*number = -1;
	if (!strcmp(word, "*"))
		return 0;
	if (kstrtou8(word, 0, &value))
		return -EINVAL;
	*number = value;
	return 0;
}

static int files_verdict(const char *word, int *ack)
{
	if (!strcmp(word, "OK"))
		*ack = VIRTIO_NET_OK;
	else if (!strcmp(word, "ERR"))
		*ack = VIRTIO_NET_ERR;
	else if (!strcmp(word, "none"))
		*ack = LIAR_SILENCE;
	else
		return strcmp(word, "*") ? files_number_or_any(word, ack) : -EINVAL;
	return 0;
}

static int files_answer(struct liar *liar, char **word, int words)
{
	struct liar_answer answer = {};

	if (words == 2 && !strcmp(word[1], "reset")) {
		liar->answer_count = 0;
		return 0;
	}
	if (words < 4 || files_number_or_any(word[1], &answer.class) ||
	    files_number_or_any(word[2], &answer.command) ||
	    files_verdict(word[3], &answer.ack))
		return -EINVAL;
	if (words == 5) {
		answer.len = strlen(word[4]) / 2;
		if (answer.len > LIAR_REPLY_MAX || strlen(word[4]) % 2 ||
		    hex2bin(answer.reply, word[4], answer.len))
			return -EINVAL;
	}
	if (liar->answer_count == LIAR_ANSWERS_MAX)
		return -EINVAL;
	liar->answers[liar->answer_count++] = answer;
	return 0;
}

static int files_lie(struct liar *liar, char **word, int words)
{
	static const char * const kinds[LIAR_KINDS] = {
		[LIAR_RX]	= "rx",
		[LIAR_TX]	= "tx",
		[LIAR_CONTROL]	= "control",
	};
	u64 count = 1;
	int kind;

	if (words < 3 || words > 4 || (words == 4 && kstrtou64(word[3], 0, &count)))
		return -EINVAL;
	kind = match_string(kinds, LIAR_KINDS, word[1]);
	if (kind < 0)
		return -EINVAL;
	return liar_lies_choose(liar, kind, word[2], count);
}

static int files_random(struct liar *liar, char **word, int words)
{
	bool on = words == 2 && strcmp(word[1], "off");
	u64 seed = 0;

	if (words != 2 || (on && kstrtou64(word[1], 0, &seed)))
		return -EINVAL;
	liar_lies_random(liar, on, seed);
	return 0;
}

static int files_give_up(struct liar *liar, char **word, int words)
{
	if (words != 1 || !liar_runs(liar))
		return -EINVAL;
	liar->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_config_changed(&liar->vdev);
	return 0;
}

static int files_stubborn(struct liar *liar, char **word, int words)
{
	return words == 2 ? kstrtobool(word[1], &liar->stubborn) : -EINVAL;
}

static int files_deaf(struct liar *liar, char **word, int words)
{
	return words == 2 ? kstrtobool(word[1], &liar->deaf) : -EINVAL;
}

static int files_interrupt(struct liar *liar, char **word, int words)
{
	unsigned int queue, count;

	if (words != 3 || kstrtouint(word[1], 0, &queue) ||
	    kstrtouint(word[2], 0, &count) || queue >= liar->count ||
	    !liar->queue[queue].vq)
		return -EINVAL;
	while (count--) {
		irq_work_queue(&liar->queue[queue].irq);
		irq_work_sync(&liar->queue[queue].irq);
	}
	return 0;
}

static const struct {
	const char *verb;
	int (*act)(struct liar *liar, char **word, int words);
} files_commands[] = {
	{ "receive",	files_receive },
	{ "wire",	files_wire },
	{ "config",	files_config },
	{ "answer",	files_answer },
	{ "lie",	files_lie },
	{ "random",	files_random },
	{ "give-up",	files_give_up },
	{ "stubborn",	files_stubborn },
	{ "deaf",	files_deaf },
	{ "interrupt",	files_interrupt },
};

static int files_command(struct liar *liar, char *text)
{
	char *word[FILES_WORDS_MAX];
	int words = files_split(text, word);
	unsigned int i;
	int err = -EINVAL;

	if (words < 0)
		return words;
	mutex_lock(&liar_lock);
	for (i = 0; i < ARRAY_SIZE(files_commands); i++)
		if (!strcmp(word[0], files_commands[i].verb))
			err = files_commands[i].act(liar, word, words);
	mutex_unlock(&liar_lock);
	return err;
}

/* The command that is written to a file. */
static char *files_read(const char __user *buffer, size_t count)
{
	char *text;

	if (count > FILES_COMMAND_MAX)
		return ERR_PTR(-EINVAL);
	text = memdup_user_nul(buffer, count);
	if (IS_ERR(text))
		return text;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static ssize_t command_write(struct file *file, const char __user *buffer,
			     size_t count, loff_t *pos)
{
	char *text = files_read(buffer, count);
	int err;

	if (IS_ERR(text))
		return PTR_ERR(text);
	err = files_command(file->private_data, text);
	kfree(text);
	return err ?: count;
}

static const struct file_operations command_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= command_write,
};

static int files_control(char *text)
{
	char *verb = strsep(&text, " ");
	char *name;

	if (!text)
		return -EINVAL;
	if (!strcmp(verb, "add"))
		return liar_add(text);
	if (strcmp(verb, "remove"))
		return -EINVAL;
	name = strsep(&text, " ");
	if (text && strcmp(text, "surprise"))
		return -EINVAL;
	return liar_remove(name, text);
}

static ssize_t control_write(struct file *file, const char __user *buffer,
			     size_t count, loff_t *pos)
{
	char *text = files_read(buffer, count);
	int err;

	if (IS_ERR(text))
		return PTR_ERR(text);
	err = files_control(text);
	kfree(text);
	return err ?: count;
}

static const struct file_operations control_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= control_write,
};

/* A frame may come in several writes, which follow each other. */
static ssize_t frame_write(struct file *file, const char __user *buffer,
			   size_t count, loff_t *pos)
{
	struct liar *liar = file->private_data;
	ssize_t done;

	if (count > sizeof(liar->frame.data) - *pos)
		return -EINVAL;
	mutex_lock(&liar_lock);
	done = simple_write_to_buffer(liar->frame.data, sizeof(liar->frame.data),
				      pos, buffer, count);
	if (done >= 0)
		liar->frame.len = *pos;
	mutex_unlock(&liar_lock);
	return done;
}

static const struct file_operations frame_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= frame_write,
};

static int files_flood(struct liar *liar, char *text)
{
	char *word[FILES_WORDS_MAX];
	unsigned int pair;
	u64 count;

	if (files_split(text, word) != 2 || kstrtouint(word[0], 0, &pair) ||
	    kstrtou64(word[1], 0, &count))
		return -EINVAL;
	return liar_play_flood(liar, pair, count);
}

static ssize_t flood_write(struct file *file, const char __user *buffer,
			   size_t count, loff_t *pos)
{
	char *text = files_read(buffer, count);
	int err;

	if (IS_ERR(text))
		return PTR_ERR(text);
	err = files_flood(file->private_data, text);
	kfree(text);
	return err ?: count;
}

static const struct file_operations flood_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= flood_write,
};

static void status_show_queue(struct seq_file *file,
			      const struct liar_queue *queue)
{
	seq_printf(file, "queue %u %s posted %u used %u kicks %llu interrupts %llu\n",
		   queue->index, queue->vq ? queue->vq->name : "-",
		   queue->vq ? (u16)(virtio16_to_cpu(&queue->liar->vdev,
						     queue->ring->avail->idx) -
				     queue->next) : 0,
		   queue->used, queue->kicks, queue->interrupts);
}

static int status_show(struct seq_file *file, void *unused)
{
	struct liar *liar = file->private;
	unsigned int i;

	mutex_lock(&liar_lock);
	seq_printf(file, "device %s\n", dev_name(&liar->vdev.dev));
	seq_printf(file, "offered %*pbl\n", LIAR_FEATURES, liar->offered);
	seq_printf(file, "taken %*pbl\n", LIAR_FEATURES, liar->taken);
	seq_printf(file, "status %u\n", liar->status);
	seq_printf(file, "resets %llu\n", liar->resets);
	seq_printf(file, "header %u\n", liar_play_header(liar));
	seq_printf(file, "pairs %u\n", liar_play_pairs(liar));
	seq_printf(file, "wire %s\n", liar->wire ? liar->wire->name : "none");
	seq_printf(file, "transmitted %llu\n", liar->transmitted);
	seq_printf(file, "received %llu\n", liar->received);
	seq_printf(file, "dropped %llu\n", liar->dropped);
	seq_printf(file, "unsuited %llu\n", liar->unsuited);
	seq_printf(file, "commanded %llu\n", liar->commanded);
	seq_printf(file, "told %llu\n", liar->told);
	for (i = 0; i < liar->count; i++)
		status_show_queue(file, &liar->queue[i]);
	mutex_unlock(&liar_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

/* The number of the oldest of @count that is still remembered. */
static u64 files_oldest(u64 count)
{
	return count > LIAR_RECORDS ? count - LIAR_RECORDS : 0;
}

static int sent_show(struct seq_file *file, void *unused)
{
	struct liar *liar = file->private;
	const struct liar_sent *sent;
	u64 i;

	mutex_lock(&liar_lock);
	for (i = files_oldest(liar->transmitted); i < liar->transmitted; i++) {
		sent = &liar->sent[i % LIAR_RECORDS];
		seq_printf(file, "%llu %u %u %*phN\n", i, sent->pair, sent->len,
			   min_t(int, sent->len, LIAR_SENT_BYTES), sent->data);
	}
	mutex_unlock(&liar_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sent);

static int commands_show(struct seq_file *file, void *unused)
{
	struct liar *liar = file->private;
	const struct liar_command *command;
	u64 i;

	mutex_lock(&liar_lock);
	for (i = files_oldest(liar->commanded); i < liar->commanded; i++) {
		command = &liar->commands[i % LIAR_RECORDS];
		seq_printf(file, "%llu %u %u %d %u %*phN\n", i, command->class,
			   command->command, command->answer, command->len,
			   min_t(int, command->len, LIAR_COMMAND_BYTES),
			   command->data);
	}
	mutex_unlock(&liar_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(commands);

static int lies_show(struct seq_file *file, void *unused)
{
	liar_lies_show(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(lies);

void liar_files_add(struct liar *liar)
{
	liar->dir = debugfs_create_dir(liar->name, files_root);
	debugfs_create_file("frame", 0200, liar->dir, liar, &frame_fops);
	debugfs_create_file("command", 0200, liar->dir, liar, &command_fops);
	debugfs_create_file("flood", 0200, liar->dir, liar, &flood_fops);
	debugfs_create_file("status", 0400, liar->dir, liar, &status_fops);
	debugfs_create_file("sent", 0400, liar->dir, liar, &sent_fops);
	debugfs_create_file("commands", 0400, liar->dir, liar, &commands_fops);
}

void liar_files_init(void)
{
	files_root = debugfs_create_dir("labyrinth_liar", NULL);
	debugfs_create_file("control", 0200, files_root, NULL, &control_fops);
	debugfs_create_file("lies", 0400, files_root, NULL, &lies_fops);
}

void liar_files_exit(void)
{
	debugfs_remove_recursive(files_root);
}
