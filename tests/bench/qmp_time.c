/* qmp_time SOCKET (COMMAND | +TEXT)…: QEMU's own time for QMP commands, JSON each: sent one after the other, each answer awaited; +TEXT
 * waits until that has come (an event), seen since the last command. Prints milliseconds; the greeting does not count. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char seen[1 << 20];
static size_t n;

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int await(int fd, const char *text)
{
	while (!strstr(seen, text)) {
		ssize_t got = read(fd, seen + n, sizeof(seen) - 1 - n);

		if (got <= 0 || strstr(seen, "\"error\""))
			return -1;
		n += (size_t)got;
		seen[n] = '\0';
	}
	return 0;
}

static int say(int fd, const char *words)
{
	n = 0;
	seen[0] = '\0';
	if (write(fd, words, strlen(words)) != (ssize_t)strlen(words) || write(fd, "\n", 1) != 1)
		return -1;
	return await(fd, "\"return\"");
}

int main(int argc, char **argv)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	double start;

	if (argc < 3 || fd < 0)
		return 2;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", argv[1]);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || await(fd, "\"QMP\"") < 0 ||
	    say(fd, "{\"execute\":\"qmp_capabilities\"}") < 0)
		return 1;
	start = now_ms();
	for (int i = 2; i < argc; i++)
		if ((argv[i][0] == '+' ? await(fd, argv[i] + 1) : say(fd, argv[i])) < 0) {
			fprintf(stderr, "qmp_time: %s: %.300s\n", argv[i], seen);
			return 1;
		}
	printf("%.3f\n", now_ms() - start);
	return 0;
}
