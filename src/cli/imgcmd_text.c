#include "cli/imgcmd_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"
#include "core/str.h"

void imgcmd_text_size(uint64_t bytes, char out[IMGCMD_TEXT_SIZE])
{
	static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
	double value = (double)bytes;
	size_t unit = 0;
	/* 999.5 would be four digits */
	while (value >= 999.5 && unit + 1 < ARRAY_LEN(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(out, IMGCMD_TEXT_SIZE, "%0.3g %sB", value, units[unit]);
}

static void print_one(const struct img_snapshot *s)
{
	char size[IMGCMD_TEXT_SIZE], date[64] = "", clock[64], icount[32] = "";
	time_t when = (time_t)s->date;
	struct tm tm;
	if (localtime_r(&when, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	uint64_t seconds = s->clock_ns / 1000000000;
	snprintf(clock, sizeof(clock), "%02" PRIu64 ":%02u:%02u.%03u", seconds / 3600,
	    (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60),
	    (unsigned)(s->clock_ns / 1000000 % 1000));
	imgcmd_text_size(s->vm_state, size);
	if (s->icount != UINT64_MAX)
		snprintf(icount, sizeof(icount), "%" PRIu64, s->icount);
	CLEANUP_FREE char *id = str_printable(s->id, strlen(s->id), 256);
	CLEANUP_FREE char *name = str_printable(s->name, strlen(s->name), 256);
	printf("%-9s %-16s %8s%20s%13s%11s\n", id, name, size, date, clock, icount);
}

void imgcmd_text_snapshots(const struct img_info *info)
{
	if (info->n_snapshots == 0)
		return;
	printf("Snapshot list:\n%-9s %-16s %8s%20s%13s%11s\n", "ID", "TAG", "VM SIZE", "DATE",
	    "VM CLOCK", "ICOUNT");
	for (size_t i = 0; i < info->n_snapshots; i++)
		print_one(&info->snapshots[i]);
}
