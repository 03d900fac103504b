#include "tui/job_line.h"

#include <stdio.h>
#include <string.h>

int job_line_percent(const struct vm_entry *e)
{
	if (!e->job_total)
		return -1;
	return e->job_done >= e->job_total
	           ? 100
	           : (int)((double)e->job_done * 100 / (double)e->job_total);
}

void job_line_text(const struct vm_entry *e, char out[JOB_LINE_MAX])
{
	char percent[16] = "", step[48] = "", waits[48] = "";
	bool words = *e->job_words && strcmp(e->job_words, e->job) != 0;
	out[0] = '\0';
	if (!*e->job)
		return;
	if (e->job_total)
		snprintf(percent, sizeof(percent), " %d%%", job_line_percent(e));
	else if (!e->job_steps && !words)
		snprintf(percent, sizeof(percent), " …");
	if (e->job_steps)
		snprintf(step, sizeof(step), "  step %u/%u", e->job_step, e->job_steps);
	if (e->job_waiting)
		snprintf(waits, sizeof(waits), "  %u %s", e->job_waiting,
		    e->job_waiting == 1 ? "waits" : "wait");
	snprintf(out, JOB_LINE_MAX, "%s%s%s%s%s%s%s%s", e->job, percent, step,
	    !words  ? ""
	    : *step ? ": "
	            : "  ",
	    words ? e->job_words : "", *e->job_who ? "  " : "", e->job_who, waits);
}
