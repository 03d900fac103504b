/* job_line: what goes on in a domain, on one line: for its row, for the screens about it. Pure. */
#ifndef TUI_JOB_LINE_H
#define TUI_JOB_LINE_H

#include "tui/model.h"

#define JOB_LINE_MAX 512

/* "attach disk vdb to web1  62%  step 3/5: the guest takes vdb into use  root(0)  1 waits"; "" where nothing goes on. */
void job_line_text(const struct vm_entry *e, char out[JOB_LINE_MAX]);
/* Per cent that are done, -1 where nobody knows. */
int job_line_percent(const struct vm_entry *e);

#endif
