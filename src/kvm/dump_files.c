#include "kvm/dump_files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/mem.h"

struct dump {
	char *file;
	struct timespec time;
};

bool dump_files_match(const char *file, const char *name)
{
	static const char date[] = "-dddd-dd-dd-dd:dd:dd";
	size_t digits = strspn(file, "0123456789"), n = strlen(name);
	if (digits == 0 || file[digits] != '-' || strncmp(file + digits + 1, name, n) != 0)
		return false;
	const char *p = file + digits + 1 + n;
	if (strlen(p) != sizeof(date) - 1)
		return false;
	for (size_t i = 0; date[i] != '\0'; i++)
		if (date[i] == 'd' ? !isdigit((unsigned char)p[i]) : p[i] != date[i])
			return false;
	return true;
}

static int newest_first(const void *a, const void *b)
{
	const struct dump *x = a, *y = b;
	if (x->time.tv_sec != y->time.tv_sec)
		return x->time.tv_sec > y->time.tv_sec ? -1 : 1;
	if (x->time.tv_nsec != y->time.tv_nsec)
		return x->time.tv_nsec > y->time.tv_nsec ? -1 : 1;
	return strcmp(y->file, x->file);
}

void dump_files_prune(const char *folder, const char *name, unsigned keep)
{
	struct dump *all = NULL;
	size_t n = 0;
	DIR *d = opendir(folder);
	if (d == NULL)
		return;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		struct stat st;
		if (!dump_files_match(e->d_name, name) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		all = xreallocarray(all, n + 1, sizeof(*all));
		all[n++] = (struct dump){xstrdup(e->d_name), st.st_mtim};
	}
	if (n > 0)
		qsort(all, n, sizeof(*all), newest_first);
	for (size_t i = 0; i < n; i++) {
		if (i >= keep && unlinkat(dirfd(d), all[i].file, 0) == 0)
			log_info(
			    "the dump '%s/%s' is removed: the newest %u are kept (crash_dumps)",
			    folder, all[i].file, keep);
		else if (i >= keep)
			log_warn("cannot remove the dump '%s/%s': %s", folder, all[i].file,
			    strerror(errno));
		free(all[i].file);
	}
	free(all);
	closedir(d);
}
