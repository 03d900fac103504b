/* model_impl: what the files of the model share (model.c the rows, model_scan.c the names, model_facts.c what the pages
 * say). Not for others. */
#ifndef TUI_MODEL_IMPL_H
#define TUI_MODEL_IMPL_H

#include "tui/model.h"
#include "tui/tree.h"

struct folder {
	char *path;
	struct timespec mtime;
	bool unsure; /* read again next time */
};

struct model {
	const struct home *home;
	bool readonly;
	struct folder definitions, runs;
	int run_fd;
	struct vm_entry **all; /* by name */
	size_t n_all, cap;
	struct vm_entry **vms; /* that pass the filter, in order */
	unsigned n_vms;
	struct vm_entry **rows; /* the same, or the tree over them */
	unsigned n_rows;
	bool rows_stale;
	struct tree *tree;
	bool as_tree;
	unsigned first, shown;
	enum sort_column sort;
	bool inverted;
	char *filter;
	uint64_t now_ns, watch_ms;
	void (*changed)(void *arg, const struct vm_entry *e, const char *before);
	void *changed_arg;
	struct status_page *head; /* STATUS_HEAD_SIZE bytes to read into */
};

/* The entry of that name, made when there is none yet. */
struct vm_entry *model_entry(struct model *m, const char *name);
void model_text_set(char **to, const char *s);
/* Looks at the folders where they have changed. An unreadable one is said in err, the other is looked at all the same. */
int model_scan(struct model *m, struct err *err);
/* What the rows that are shown need beyond the rest: history, and live counters. */
void model_refresh_window(struct model *m);

#endif
