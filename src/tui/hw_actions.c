#include "tui/hw_actions.h"

#include <string.h>

#include "cli/table.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"
#include "tui/actions.h"
#include "tui/hw_forms.h"
#include "tui/plug_forms.h"

/* --- which part is which --- */

static bool is_kind(const struct hw_row *r, const char *kind)
{
	return strcmp(r->part.kind, kind) == 0;
}

static bool has_word(const struct hw_row *r, const char *word)
{
	size_t n = strlen(word);
	for (const char *s = r->part.text; *s; s += strspn(s, " ")) {
		size_t k = strcspn(s, " ");
		if (k == n && strncmp(s, word, n) == 0)
			return true;
		s += k;
	}
	return false;
}

static bool is_drive(const struct hw_row *r, bool runs)
{
	(void)runs;
	return is_kind(r, "disk") && (has_word(r, "cdrom") || has_word(r, "floppy"));
}

static bool is_disk(const struct hw_row *r, bool runs)
{
	(void)runs;
	return is_kind(r, "disk") && !is_drive(r, runs);
}

static bool is_running_disk(const struct hw_row *r, bool runs)
{
	return runs && is_disk(r, runs);
}

static bool is_nic(const struct hw_row *r, bool runs)
{
	(void)runs;
	return is_kind(r, "interface");
}

static bool is_cpu(const struct hw_row *r, bool runs)
{
	(void)runs;
	return is_kind(r, "cpu");
}

/* Cores that were plugged in, and the guest has not brought online. */
static bool is_cpu_offline(const struct hw_row *r, bool runs)
{
	return runs && is_kind(r, "cpu") && *r->advice;
}

/* The memory as a whole, not a device of it. */
static bool is_memory(const struct hw_row *r, bool runs)
{
	(void)runs;
	return is_kind(r, "memory") && !*r->part.alias && !*r->part.address;
}

/* Devices that have no other name. */
static bool is_aliased(const struct hw_row *r, bool runs)
{
	static const char *const stay[] = {"disk", "interface", "video", "graphics", "serial",
	    "console", "controller", "emulator", "memballoon", "tpm", "panic"};
	for (size_t i = 0; i < ARRAY_LEN(stay); i++)
		if (is_kind(r, stay[i]))
			return false;
	return runs && *r->part.alias;
}

/* --- what is done --- */

static void act_medium(struct app *app, const char *domain, const struct hw_row *r)
{
	plug_form_medium(app, domain, r->part.name);
}

static void act_vcpus(struct app *app, const char *domain, const struct hw_row *r)
{
	(void)r;
	plug_form_vcpus(app, domain);
}

static void act_balloon(struct app *app, const char *domain, const struct hw_row *r)
{
	(void)r;
	plug_form_balloon(app, domain);
}

static void act_link(struct app *app, const char *domain, const struct hw_row *r)
{
	const char *const words[] = {
	    "domif-setlink", domain, r->part.name, has_word(r, "link=down") ? "up" : "down", NULL};
	action_line(app, (char *const *)(uintptr_t)words);
}

/* As many as are plugged. */
static void act_online(struct app *app, const char *domain, const struct hw_row *r)
{
	CLEANUP_FREE char *count = xstrndup(r->live, strspn(r->live, "0123456789"));
	const char *const words[] = {"setvcpus", domain, count, "--guest", NULL};
	action_line(app, (char *const *)(uintptr_t)words);
}

const struct hw_action hw_actions[] = {
    {"U", "unplug", "unplug it: the guest is asked to let go of it, and waited for", "detach-disk",
        is_disk, hw_form_unplug},
    {"U", "unplug", "unplug it: the same of a network card", "detach-interface", is_nic,
        hw_form_unplug},
    {"U", "unplug", "unplug it: the same of another device", "detach-device-alias", is_aliased,
        hw_form_unplug},
    {"m", "medium", "insert, change or eject what is in the drive", "change-media", is_drive,
        act_medium},
    {"r", "resize", "another size, while the guest runs", "blockresize", is_running_disk,
        hw_form_resize},
    {"t", "limits", "limits: bytes and requests a second", "blkdeviotune", is_disk, hw_form_limits},
    {"t", "limits", "limits: KiB a second, in and out", "domiftune", is_nic, hw_form_limits},
    {"l", "link", "the cable: pull it out, or put it back", "domif-setlink", is_nic, act_link},
    {"v", "how many", "vCPUs: more or fewer", "setvcpus", is_cpu, act_vcpus},
    {"o", "bring online", "have the guest's agent bring online what was plugged in", "setvcpus",
        is_cpu_offline, act_online},
    {"m", "how much", "the balloon: give and take of the guest's memory", "setmem", is_memory,
        act_balloon},
};
const unsigned hw_action_count = ARRAY_LEN(hw_actions);

bool hw_action_offered(const struct hw_action *a, const struct hw_row *r, bool runs)
{
	return r->mark != HW_COMES && verb_find(a->verb) && a->fits(r, runs);
}

char *hw_actions_text(const struct hw_row *r, bool runs)
{
	struct buf b = BUF_INIT;
	for (unsigned i = 0; i < hw_action_count; i++)
		if (hw_action_offered(&hw_actions[i], r, runs))
			buf_addf(&b, "%s%s %s", b.len ? "   " : "", hw_actions[i].key,
			    hw_actions[i].label);
	return b.len ? buf_take(&b) : xstrdup("");
}
