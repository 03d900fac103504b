#include "core/domain_rules.h"

#include <stdbool.h>
#include <string.h>

/* A sentence that lists the attributes with this mark, ' ' being none: "Refused: a, b." */
static void add_attrs(struct buf *out, const char *intro, const char *attrs, char mark)
{
	bool any = false;
	for (const char *s = attrs; s != NULL && *s != '\0';) {
		s += strspn(s, " ");
		char has = *s == '!' || *s == '~' ? *s++ : ' ';
		size_t n = strcspn(s, " ");
		if (has == mark && n > 0) {
			buf_addf(out, "%s%.*s", any ? " ,\n.Cm " : intro, (int)n, s);
			any = true;
		}
		s += n;
	}
	if (any)
		buf_adds(out, " .\n");
}

static void add_rule(struct buf *out, const struct rule *r)
{
	static const char *const words[] = {[USED] = NULL,
	    [KEPT] = "Kept, with all that is in it.\n",
	    [IDLE] = "Accepted with a warning: it has no effect.\n",
	    [HARDWARE] = "Refused.\n"};
	buf_addf(out, ".It Ic %s\n", r->path);
	if (words[r->kind] != NULL)
		buf_adds(out, words[r->kind]);
	if (r->kind != USED)
		return;
	add_attrs(out, ".Cm ", r->attrs, ' ');
	add_attrs(out, "Without effect:\n.Cm ", r->attrs, '~');
	add_attrs(out, "Refused:\n.Cm ", r->attrs, '!');
}

void domain_rules_format(struct buf *out)
{
	static const struct {
		const char *heading;
		const struct rule *rules;
	} parts[] = {
	    {"Outside of devices", rules_system},
	    {"Disks and controllers", rules_storage},
	    {"Other devices", rules_devices},
	};
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		buf_addf(out, ".Ss %s\n.Bl -tag -width Ds -compact\n", parts[i].heading);
		for (const struct rule *r = parts[i].rules; r->path != NULL; r++)
			add_rule(out, r);
		buf_adds(out, ".El\n");
	}
}
