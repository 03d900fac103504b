/* qemu_ready ready|quit QEMU ARGS…: the physical floor of a start and of an end. Spawns QEMU with a QMP socket, and prints
 * in milliseconds how long it took from the fork until qmp_capabilities was answered (ready), or from sending "quit" until
 * the process was reaped (quit). */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX 256
#define QMP_FD 9

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Reads until text has been seen. */
static int await(int fd, const char *text)
{
	static char seen[65536];
	static size_t n;
	ssize_t got;

	while (!strstr(seen, text)) {
		if (n > sizeof(seen) - 2)
			n = 0;
		got = read(fd, seen + n, sizeof(seen) - 1 - n);
		if (got <= 0)
			return -1;
		n += (size_t)got;
		seen[n] = '\0';
	}
	n = 0;
	seen[0] = '\0';
	return 0;
}

static int say(int fd, const char *words)
{
	return write(fd, words, strlen(words)) == (ssize_t)strlen(words) ? 0 : -1;
}

int main(int argc, char **argv)
{
	char *args[ARGS_MAX + 8];
	int n = 0, fds[2], status;
	double start, ready, quit, end;
	pid_t pid;

	if (argc < 3 || argc > ARGS_MAX ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return 2;
	for (int i = 2; i < argc; i++)
		args[n++] = argv[i];
	args[n++] = (char *)"-chardev";
	args[n++] = (char *)"socket,id=qmp,fd=9";
	args[n++] = (char *)"-mon";
	args[n++] = (char *)"chardev=qmp,mode=control";
	args[n] = NULL;
	start = now_ms();
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], QMP_FD);
		execvp(args[0], args);
		_exit(127);
	}
	close(fds[1]);
	if (await(fds[0], "\"QMP\"") < 0 ||
	    say(fds[0], "{\"execute\":\"qmp_capabilities\"}\n") < 0 ||
	    await(fds[0], "\"return\"") < 0) {
		fprintf(stderr, "qemu_ready: %s did not answer\n", args[0]);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return 1;
	}
	ready = now_ms();
	say(fds[0], "{\"execute\":\"quit\"}\n");
	quit = now_ms();
	waitpid(pid, &status, 0);
	end = now_ms();
	printf("%.3f\n", strcmp(argv[1], "quit") == 0 ? end - quit : ready - start);
	return 0;
}
