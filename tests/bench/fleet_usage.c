/* fleet_usage HOME: what all supervisors under HVMUX_HOME=HOME use, in one line: how many there are, CPU time of all of them
 * in ms since they started, and the median and the largest private memory of one in KiB. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES_MAX 10000

static size_t read_file(const char *pid, const char *file, char *out, size_t size)
{
	char path[300];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, out, size - 1);
	close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static bool is_supervisor(const char *pid, const char *home)
{
	static char environment[1 << 16];
	char path[300], exe[300], want[300];
	ssize_t n;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n <= 0)
		return false;
	exe[n] = '\0';
	if (!strstr(exe, "/hvmux"))
		return false;
	snprintf(want, sizeof(want), "HVMUX_HOME=%s", home);
	len = read_file(pid, "environ", environment, sizeof(environment));
	for (const char *p = environment; p < environment + len; p += strlen(p) + 1)
		if (strcmp(p, want) == 0)
			return true;
	return false;
}

static double cpu_ms(const char *pid)
{
	char words[128];

	return read_file(pid, "schedstat", words, sizeof(words)) ? strtod(words, NULL) / 1e6 : 0;
}

static long private_kib(const char *pid)
{
	static const char *const keys[] = {"\nPrivate_Clean:", "\nPrivate_Dirty:"};
	char words[4096];
	long total = 0;

	if (!read_file(pid, "smaps_rollup", words, sizeof(words)))
		return 0;
	for (size_t i = 0; i < 2; i++) {
		const char *p = strstr(words, keys[i]);

		total += p ? strtol(p + strlen(keys[i]), NULL, 10) : 0;
	}
	return total;
}

static int by_size(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static long kib[PROCESSES_MAX];
	DIR *proc = opendir("/proc");
	const struct dirent *e;
	double cpu = 0;
	size_t n = 0;

	if (argc != 2 || !proc)
		return 2;
	while ((e = readdir(proc)) && n < PROCESSES_MAX) {
		if (!isdigit((unsigned char)e->d_name[0]) || !is_supervisor(e->d_name, argv[1]))
			continue;
		cpu += cpu_ms(e->d_name);
		kib[n++] = private_kib(e->d_name);
	}
	closedir(proc);
	qsort(kib, n, sizeof(kib[0]), by_size);
	printf("%zu %.3f %ld %ld\n", n, cpu, n ? kib[n / 2] : 0, n ? kib[n - 1] : 0);
	return 0;
}
