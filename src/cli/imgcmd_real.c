#include "cli/imgcmd_real.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"

/* Set for the program that we become: should it be a script that leads back to us, the circle ends here. */
#define HANDED_OVER "HVMUX_IMG_HANDED_OVER"

static bool is_self(const char *file)
{
	struct stat self, other;
	return stat("/proc/self/exe", &self) == 0 && stat(file, &other) == 0 &&
	       self.st_dev == other.st_dev && self.st_ino == other.st_ino;
}

char *imgcmd_real_find(void)
{
	const char *path = getenv("PATH");
	if (!path || !*path)
		path = "/usr/local/bin:/usr/bin:/bin";
	while (*path) {
		size_t n = strcspn(path, ":");
		CLEANUP_FREE char *file = xasprintf("%.*s/qemu-img", (int)n, path);
		if (file[0] == '/' && access(file, X_OK) == 0 && !is_self(file))
			return TAKE_PTR(file);
		path += n + (path[n] == ':');
	}
	return NULL;
}

static void tell(const char *program, const char *why, const char *what)
{
	CLEANUP_FREE char *safe = str_printable_lines(why);
	fprintf(stderr, "%s: %s%s\n", program, safe, what);
}

int imgcmd_real_run(const char *program, bool verbose, char *const *words, const char *why)
{
	CLEANUP_FREE char *file = imgcmd_real_find();
	size_t n = 0;
	while (words[n])
		n++;
	CLEANUP_FREE char **argv = xcalloc(n + 2, sizeof(*argv));
	argv[0] = (char *)"qemu-img";
	memcpy(argv + 1, words, n * sizeof(*argv));
	fflush(stdout);
	if (!file || getenv(HANDED_OVER)) {
		tell(program, why,
		    "; QEMU's own qemu-img may be able to do it, but is not installed (Debian: qemu-utils, "
		    "Fedora: qemu-img)");
		return 1;
	}
	if (verbose) {
		CLEANUP_FREE char *what = xasprintf(": handed over to %s", file);
		tell(program, why, what);
	}
	setenv(HANDED_OVER, "1", 1);
	execv(file, argv);
	fprintf(stderr, "%s: cannot run %s: %s\n", program, file, strerror(errno));
	return 1;
}
