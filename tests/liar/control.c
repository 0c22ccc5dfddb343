// SPDX-License-Identifier: GPL-2.0
/*
 * The control queue: remembers each command, and answers as it was told to.
 */
#include "liar.h"

static struct liar_chain control_chain;	/* under liar_lock */
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
static unsigned int control_answer(const struct liar_chain *chain,
				   const struct liar_answer *answer)
{
	u8 text[LIAR_REPLY_MAX + 1] = {};
	unsigned int i, room = 0;

	for (i = 0; i < chain->ins; i++)
		room += chain->in[i].iov_len;
	if (!room || room > sizeof(text))
		return 0;
	memcpy(text, answer->reply, min(answer->len, room - 1));
	text[room - 1] = answer->ack;
	return liar_ring_write(chain, text, room);
}

/* Whatever commands the driver has posted. */
void liar_control(struct liar_queue *queue)
{
	struct virtio_net_ctrl_hdr *hdr = (void *)control_text;
	struct liar_chain *chain = &control_chain;
	const struct liar_answer *answer;
	struct liar *liar = queue->liar;
	unsigned int len;

	while (liar_ring_pop(queue, chain)) {
		len = liar_ring_read(chain, control_text, sizeof(control_text));
		if (len < sizeof(*hdr)) {
			liar_ring_push(queue, chain->id, 0);
			continue;
		}
		answer = control_find(liar, hdr->class, hdr->cmd);
		control_remember(liar, hdr, len - sizeof(*hdr), answer->ack);
		if (answer->ack == LIAR_SILENCE)
			continue;
		len = control_answer(chain, answer);
		liar_ring_push(queue, chain->id, len);
		liar_ring_interrupt(queue);
	}
}
