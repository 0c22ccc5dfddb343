/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM labyrinth

#if !defined(_TRACE_LABYRINTH_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_LABYRINTH_H

#include <linux/labyrinth.h>
#include <linux/mm.h>
#include <linux/tracepoint.h>

/* A page changes its state. */
TRACE_EVENT(labyrinth_move,
	TP_PROTO(const struct labyrinth_zone *zone,
		 const struct labyrinth_entry *page, u8 to),
	TP_ARGS(zone, page, to),
	TP_STRUCT__entry(
		__array(char, zone, LABYRINTH_ZONE_NAME)
		__field(unsigned long, pfn)
		__field(u32, index)
		__field(u8, from)
		__field(u8, to)
	),
	TP_fast_assign(
		strscpy(__entry->zone, labyrinth_zone_name(zone), LABYRINTH_ZONE_NAME);
		__entry->pfn = page_to_pfn(page->page);
		__entry->index = page->index;
		__entry->from = page->state;
		__entry->to = to;
	),
	TP_printk("zone=%s page=%u pfn=0x%lx %s -> %s",
		  __entry->zone, __entry->index, __entry->pfn,
		  labyrinth_state_name(__entry->from),
		  labyrinth_state_name(__entry->to))
);

/* A request for a page failed. */
TRACE_EVENT(labyrinth_fail,
	TP_PROTO(const struct labyrinth_zone *zone, u8 cause, u8 context),
	TP_ARGS(zone, cause, context),
	TP_STRUCT__entry(
		__array(char, zone, LABYRINTH_ZONE_NAME)
		__field(u8, cause)
		__field(u8, context)
	),
	TP_fast_assign(
		strscpy(__entry->zone, labyrinth_zone_name(zone), LABYRINTH_ZONE_NAME);
		__entry->cause = cause;
		__entry->context = context;
	),
	TP_printk("zone=%s cause=%s context=%s", __entry->zone,
		  labyrinth_counter_name(__entry->cause),
		  __print_symbolic(__entry->context,
				   { 0, "irq" }, { 1, "napi" }, { 2, "task" }))
);

/* A page is not what it has to be. */
TRACE_EVENT(labyrinth_violation,
	TP_PROTO(const struct labyrinth_zone *zone,
		 const struct labyrinth_entry *page, u8 violation),
	TP_ARGS(zone, page, violation),
	TP_STRUCT__entry(
		__array(char, zone, LABYRINTH_ZONE_NAME)
		__field(unsigned long, pfn)
		__field(u32, index)
		__field(u8, state)
		__field(u8, violation)
	),
	TP_fast_assign(
		strscpy(__entry->zone, labyrinth_zone_name(zone), LABYRINTH_ZONE_NAME);
		__entry->pfn = page_to_pfn(page->page);
		__entry->index = page->index;
		__entry->state = page->state;
		__entry->violation = violation;
	),
	TP_printk("zone=%s page=%u pfn=0x%lx state=%s %s",
		  __entry->zone, __entry->index, __entry->pfn,
		  labyrinth_state_name(__entry->state),
		  labyrinth_counter_name(__entry->violation))
);

#endif /* _TRACE_LABYRINTH_H */

#include <trace/define_trace.h>
