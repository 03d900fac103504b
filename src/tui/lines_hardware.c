/* What the machine is made of, as it runs; and what its next start would change. */
#include <string.h>

#include "core/mem.h"
#include "tui/hw_rows.h"
#include "tui/lines.h"

bool lines_hardware(struct app *app, const char *name, bool whole, struct lines *l)
{
	const struct vm_entry *e = model_find(app->model, name);
	struct hw_rows r;
	(void)whole;
	lines_clear(l);
	hw_rows_read(&r, app->home, name, e, e && e->live ? model_page(app->model, e) : NULL);
	if (*r.trouble)
		lines_add(l, STYLE_BAD, "  %s", r.trouble);
	if (!r.runs && !r.defined)
		lines_add(l, STYLE_DIM, "  nothing is known of its hardware");
	else
		lines_add(l, STYLE_COLUMNS, "  %-11s %-20s %-14s %s%s", "DEVICE", "NAME", "ADDRESS",
		    "WHAT", r.runs ? "" : "   (as defined; it is off)");
	if (e && (*e->group || *e->tags || e->protect))
		lines_add(l, STYLE_NORMAL, "  %-11s %s%s%s%s%s", "hvmux", *e->group ? "group " : "",
		    e->group, *e->group ? "  " : "", e->tags,
		    e->protect ? "  protected from deletion" : "");
	for (size_t i = 0; i < r.n; i++) {
		CLEANUP_FREE char *text = hw_row_text(&r.row[i]);
		lines_add(l, hw_row_style(&r.row[i]), "%s", text);
		if (*r.row[i].advice)
			lines_add(l, STYLE_WARN, "  %-11s %s", "", r.row[i].advice);
	}
	hw_rows_fini(&r);
	return true;
}
