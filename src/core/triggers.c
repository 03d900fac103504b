#include "core/triggers.h"

#include <string.h>

#include "core/domain_meta.h"
#include "core/mem.h"
#include "core/str.h"

_Static_assert(TRIGGER_NAME_MAX == sizeof(((struct status_page *)0)->badge_name), "of one size");

/* Linux: kernel/panic.c, mm/oom_kill.c, block/blk-core.c, fs/buffer.c, kernel/hung_task.c, kernel/watchdog.c, kernel/rcu;
 * systemd's and Debian's words for what waits at a prompt. A floppy drive without a disk is no fault. */
const struct trigger_rule trigger_defaults[] = {
    {.name = TRIGGER_PANIC, .pattern = "Kernel panic - not syncing", .badge = STATUS_BADGE_BAD},
    {.name = "oom-killer",
        .pattern = "invoked oom-killer|Out of memory: Kill",
        .badge = STATUS_BADGE_BAD},
    {.name = "I/O error",
        .pattern =
            "I/O error, dev [^f]|Buffer I/O error on |EXT4-fs error |XFS .*I/O error|BTRFS error ",
        .badge = STATUS_BADGE_BAD},
    {.name = "emergency shell",
        .pattern =
            "You are in (emergency|rescue) mode|Entering emergency mode|password for maintenance"
            "|^\\(initramfs\\)|^dracut:/#",
        .badge = STATUS_BADGE_BAD},
    {.name = "soft lockup",
        .pattern = "soft lockup - CPU#|detected stall|hard LOCKUP",
        .badge = STATUS_BADGE_WARN},
    {.name = "hung task",
        .pattern = "blocked for more than [0-9]+ seconds",
        .badge = STATUS_BADGE_WARN},
    {.name = "login", .pattern = "login:$", .badge = STATUS_BADGE_INFO},
};
const unsigned trigger_n_defaults = ARRAY_LEN(trigger_defaults);

const struct trigger_rule *trigger_default_find(const char *name)
{
	for (unsigned i = 0; i < trigger_n_defaults; i++)
		if (str_eq(trigger_defaults[i].name, name))
			return &trigger_defaults[i];
	return NULL;
}

static const char *const badges[] = {
    [STATUS_BADGE_NONE] = "none",
    [STATUS_BADGE_INFO] = "info",
    [STATUS_BADGE_WARN] = "warn",
    [STATUS_BADGE_BAD] = "bad",
};

const char *status_badge_word(enum status_badge b)
{
	return (unsigned)b < ARRAY_LEN(badges) ? badges[b] : badges[STATUS_BADGE_NONE];
}

int status_badge_parse(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(badges); i++)
		if (str_eq(badges[i], word))
			return (int)i;
	return -1;
}

static const struct domain_trigger *said_of(const struct domain_meta *m, const char *name)
{
	for (size_t i = 0; i < m->n_triggers; i++)
		if (str_eq(m->triggers[i].name, name))
			return &m->triggers[i];
	return NULL;
}

/* What a domain says of a trigger, over what is said by default (NULL for one of its own). */
static struct triggers_entry join(
    const struct trigger_rule *by_default, const struct domain_trigger *said)
{
	struct triggers_entry e = {.rule = {.badge = STATUS_BADGE_WARN}};
	if (by_default != NULL)
		e.rule = *by_default;
	if (said == NULL)
		return e;
	e.rule.name = said->name;
	e.rule.pattern = said->pattern != NULL ? said->pattern : e.rule.pattern;
	e.rule.badge = said->badge >= 0 ? (enum status_badge)said->badge : e.rule.badge;
	e.rule.every_ms = said->every != 0 ? said->every * 1000 : e.rule.every_ms;
	e.rule.port = said->port;
	e.hook = said->hook;
	return e;
}

/* One without a badge and without a hook is switched off. */
static unsigned put(struct triggers_entry *out, unsigned n, const struct triggers_entry *e)
{
	bool idle = e->rule.badge == STATUS_BADGE_NONE && e->hook == NULL && e->send == NULL;
	if (!idle && n < TRIGGER_RULES_MAX)
		out[n++] = *e;
	return n;
}

unsigned triggers_of(const struct domain_meta *m, struct triggers_entry out[TRIGGER_RULES_MAX])
{
	unsigned n = 0;
	for (unsigned i = 0; i < trigger_n_defaults; i++) {
		const struct trigger_rule *r = &trigger_defaults[i];
		struct triggers_entry e = join(r, said_of(m, r->name));
		n = put(out, n, &e);
	}
	for (size_t i = 0; i < m->n_triggers; i++) {
		struct triggers_entry e = join(NULL, &m->triggers[i]);
		if (trigger_default_find(m->triggers[i].name) == NULL)
			n = put(out, n, &e);
	}
	for (size_t i = 0; i < m->n_responds; i++) {
		const struct domain_respond *r = &m->responds[i];
		struct triggers_entry e = {.rule = {.name = "respond",
		                               .pattern = r->pattern,
		                               .port = r->port,
		                               .once = true},
		    .send = r->send,
		    .n_send = r->n_send};
		n = put(out, n, &e);
	}
	return n;
}
