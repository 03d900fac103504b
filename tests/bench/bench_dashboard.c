/* bench_dashboard SECONDS KEYS COMMAND…: runs the dashboard in a 120x40 terminal and prints, one
 * "name value" a line: first_byte_ms, first_frame_ms (the footer's last word was drawn),
 * idle_bytes_per_s, idle_cpu_percent, rss_mib, key_p50_ms, key_p99_ms (from the key's write to the
 * first byte that answers it). The terminal is drained all the time. In the environment: BENCH_UNTIL, the footer's last word
 * ("quit"). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEYS_MAX 10000

static double now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Reads for at most ms; bytes read, *first is when the first of them came (0 none). until: stops
 * after that text. */
static size_t drain(int fd, double ms, double *first, const char *until)
{
	static char tail[16384];
	size_t total = 0, kept = 0;
	double end = now_ms() + ms;
	*first = 0;
	for (double left = ms; left > 0; left = end - now_ms()) {
		struct pollfd p = {fd, POLLIN, 0};
		if (poll(&p, 1, (int)left + 1) <= 0)
			continue;
		char buf[8192];
		ssize_t n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			break;
		if (*first == 0)
			*first = now_ms();
		/* As a terminal does. */
		if (memmem(buf, (size_t)n, "\033[5n", 4) && write(fd, "\033[0n", 4) != 4)
			break;
		total += (size_t)n;
		if (!until)
			continue;
		size_t m = (size_t)n;
		if (kept + m >= sizeof(tail)) {
			memmove(tail, tail + kept / 2, kept - kept / 2);
			kept -= kept / 2;
		}
		memcpy(tail + kept, buf, m);
		kept += m;
		if (memmem(tail, kept, until, strlen(until)))
			break;
	}
	return total;
}

static double cpu_seconds(pid_t pid)
{
	clockid_t clock;
	struct timespec ts = {0};
	if (clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double rss_mib(pid_t pid)
{
	char path[64];
	long pages = 0;
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	FILE *f = fopen(path, "r");
	if (f) {
		if (fscanf(f, "%*s %ld", &pages) != 1)
			pages = 0;
		fclose(f);
	}
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure_keys(int fd, int keys)
{
	static double took[KEYS_MAX];
	double first;
	int n = 0;
	for (int i = 0; i < keys; i++) {
		/* Down and up in turn, at uneven distances so that no timer runs in step with us.
		 */
		drain(fd, 15 + i * 7 % 40, &first, NULL);
		double sent = now_ms();
		if (write(fd, i % 2 ? "k" : "j", 1) != 1)
			break;
		struct pollfd p = {fd, POLLIN, 0};
		if (poll(&p, 1, 2000) <= 0)
			continue; /* counted below as lost */
		took[n++] = now_ms() - sent;
	}
	qsort(took, (size_t)n, sizeof(*took), compare);
	if (n)
		printf("key_p50_ms %.2f\nkey_p99_ms %.2f\nkeys_answered %d\n", took[n / 2],
		    took[n * 99 / 100], n);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: bench_dashboard SECONDS KEYS COMMAND...\n");
		return 2;
	}
	int seconds = atoi(argv[1]), keys = atoi(argv[2]), fd;
	const char *until = getenv("BENCH_UNTIL");
	keys = keys < KEYS_MAX ? keys : KEYS_MAX;
	struct winsize size = {.ws_row = 40, .ws_col = 120};
	double start = now_ms(), first = 0, ignored;
	pid_t pid = forkpty(&fd, NULL, NULL, &size);
	if (pid < 0) {
		perror("forkpty");
		return 1;
	}
	if (pid == 0) {
		setenv("TERM", "xterm-256color", 1);
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	drain(fd, 10000, &first, until ? until : "quit");
	printf("first_byte_ms %.1f\nfirst_frame_ms %.1f\n", first - start, now_ms() - start);
	drain(fd, 3000, &ignored, NULL);
	double cpu = cpu_seconds(pid), began = now_ms();
	size_t bytes = drain(fd, seconds * 1e3, &ignored, NULL);
	double took = (now_ms() - began) / 1e3;
	printf("idle_bytes_per_s %.0f\nidle_cpu_percent %.2f\nrss_mib %.1f\n", (double)bytes / took,
	    (cpu_seconds(pid) - cpu) / took * 100, rss_mib(pid));
	measure_keys(fd, keys);
	if (write(fd, "q", 1) != 1)
		kill(pid, SIGTERM);
	drain(fd, 300, &ignored, NULL);
	int status = 0, left = 0;
	/* The terminal is closed a moment before its process is a zombie. */
	for (int i = 0; i < 100 && (left = waitpid(pid, &status, WNOHANG)) == 0; i++)
		usleep(5000);
	if (left == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		printf("left_by_q no\n");
		return 1;
	}
	printf("exit_status %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	return 0;
}
