// SPDX-License-Identifier: GPL-2.0
/*
 * The control queue: remembers each command, and answers as it was told to.
 */
#include "liar.h"

/* Under liar_lock. */
static struct liar_buffers control_buffers;
static u8 control_text[sizeof(struct virtio_net_ctrl_hdr) + 65536];

static const struct liar_answer *control_find(const struct liar *liar, u8 class,
					      u8 command)
{
	static const struct liar_answer yes = { .ack = VIRTIO_NET_OK };
	const struct liar_answer *answer;
	unsigned int i;

	for (i = liar->answer_count; i--;) {
		answer = &liar->answers[i];
		if ((answer->class < 0 || answer->class == class) &&
		    (answer->command < 0 || answer->command == command))
			return answer;
	}
	return &yes;
}

static void control_remember(struct liar *liar,
			     const struct virtio_net_ctrl_hdr *hdr,
			     unsigned int len, int answer)
{
	struct liar_command *command;

	command = &liar->commands[liar->commanded % LIAR_RECORDS];
	liar->commanded++;
	command->class = hdr->class;
	command->command = hdr->cmd;
	command->answer = answer;
	command->len = len;
	memcpy(command->data, hdr + 1,
	       min_t(unsigned int, len, LIAR_COMMAND_BYTES));
}

/* The last byte that the driver has room for is the verdict. */
static void control_answer(const struct liar_chain *chain,
			   const struct liar_answer *answer)
{
	u8 text[LIAR_REPLY_MAX + 1] = {};
	unsigned int room = liar_ring_room(chain);

	if (!room || room > sizeof(text))
		return;
	memcpy(text, answer->reply, min(answer->len, room - 1));
	text[room - 1] = answer->ack;
	liar_ring_write(chain, text, room);
}

/* Whatever commands the driver has posted. */
void liar_control(struct liar_queue *queue)
{
	struct virtio_net_ctrl_hdr *hdr = (void *)control_text;
	struct liar_buffers *buffers = &control_buffers;
	struct liar_chain *chain = &buffers->chain[0];
	const struct liar_answer *answer;
	struct liar *liar = queue->liar;
	const struct liar_lie *lie;
	unsigned int len;

	liar_play_begin(buffers, queue);
	while (liar_ring_pop(queue, chain)) {
		len = liar_ring_read(chain, control_text, sizeof(control_text));
		if (len < sizeof(*hdr))
			continue;
		answer = control_find(liar, hdr->class, hdr->cmd);
		control_remember(liar, hdr, len - sizeof(*hdr), answer->ack);
		if (answer->ack == LIAR_SILENCE)
			continue;
		lie = liar_lies_next(liar, LIAR_CONTROL);
		buffers->count = 1;
		buffers->id[0] = chain->id;
		buffers->len[0] = liar_ring_room(chain);
		if (liar_lies_write(lie))
			control_answer(chain, answer);
		liar_lies_complete(buffers, lie);
		liar_play_begin(buffers, queue);
	}
}
