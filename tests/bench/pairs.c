/* pairs ROUNDS COMMAND ::: COMMAND …: runs the commands in turn, round after round, and prints the median wall time of each
 * in milliseconds, one a line. The machine's drift then hits all of them alike, and only their ratios are to be believed.
 * "{n}" in an argument is the round, from 1, and "{n+1}" the next one. A command that starts with '@' times itself: the first number on its standard output is taken. One that fails ends
 * everything. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 1000
#define COMMANDS_MAX 24

struct command {
	char **argv;
	int self_timed;
	double ms[ROUNDS_MAX];
};

static struct command commands[COMMANDS_MAX];

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* The child's own copy: it is not freed. */
static char *with_round(const char *arg, long n)
{
	size_t size = 8 * strlen(arg) + 1;
	char *s = malloc(size), *to = s;

	while (s && *arg) {
		int next = strncmp(arg, "{n+1}", 5) == 0;

		if (next || strncmp(arg, "{n}", 3) == 0) {
			to += sprintf(to, "%ld", n + next); /* up to 4 digits in the place of 3 */
			arg += next ? 5 : 3;
		} else {
			*to++ = *arg++;
		}
	}
	if (s)
		*to = '\0';
	return s;
}

static void child(const struct command *c, int out, long n)
{
	int null = open("/dev/null", O_RDWR);

	for (char **a = c->argv; *a; a++) {
		char *s = with_round(*a, n);

		if (s)
			*a = s;
	}
	dup2(null, STDIN_FILENO);
	dup2(out >= 0 ? out : null, STDOUT_FILENO);
	execvp(c->argv[0], c->argv);
	fprintf(stderr, "pairs: %s: %s\n", c->argv[0], strerror(errno));
	_exit(127);
}

/* Wall time from before the fork until the child is reaped, or what it says of itself. */
static double run(const struct command *c, long n_round)
{
	char words[256] = "";
	int fds[2] = {-1, -1}, status = 0;
	double start, end;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	if (c->self_timed && pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	start = now_ms();
	pid = fork();
	if (pid == 0)
		child(c, fds[1], n_round);
	if (c->self_timed) {
		close(fds[1]);
		while (n < sizeof(words) - 1 &&
		       (got = read(fds[0], words + n, sizeof(words) - 1 - n)) > 0)
			n += (size_t)got;
		close(fds[0]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	end = now_ms();
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "pairs: %s failed (status %d)\n", c->argv[0], status);
		return -1;
	}
	return c->self_timed ? strtod(words, NULL) : end - start;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static size_t split_commands(char **argv)
{
	size_t n = 0;

	while (*argv && n < COMMANDS_MAX) {
		struct command *c = &commands[n++];

		if (**argv == '@') {
			c->self_timed = 1;
			++*argv;
		}
		c->argv = argv;
		while (*argv && strcmp(*argv, ":::") != 0)
			argv++;
		if (*argv)
			*argv++ = NULL;
	}
	return n;
}

int main(int argc, char **argv)
{
	long rounds = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	size_t n;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: pairs ROUNDS COMMAND [::: COMMAND]...\n");
		return 2;
	}
	n = split_commands(argv + 2);
	for (long r = 0; r < rounds; r++) {
		for (size_t i = 0; i < n; i++) {
			commands[i].ms[r] = run(&commands[i], r + 1);
			if (commands[i].ms[r] < 0)
				return 1;
		}
	}
	for (size_t i = 0; i < n; i++) {
		qsort(commands[i].ms, (size_t)rounds, sizeof(double), by_size);
		printf("%.3f\n", commands[i].ms[rounds / 2]);
	}
	return 0;
}
