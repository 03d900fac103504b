/* driver: main() of the fuzz targets tests/fuzz/fuzz_NAME.c, for a compiler without a fuzzer of its own. A target
 * defines LLVMFuzzerTestOneInput, so that libFuzzer and AFL take it as it is.
 *
 *	fuzz_NAME [-s SEED] [-t SECONDS] [FILE|DIR]...
 *
 * Runs every input of the corpus (the arguments, else tests/fuzz/corpus/NAME), then mutations of them with a fixed seed
 * until the time is up (FUZZ_SECONDS, 3 by default; 0: the corpus alone). An input that crashes, or takes longer than
 * HANG_SECONDS, is left as crash-fuzz_NAME in the build folder: run it again by giving it as the argument with -t 0.
 * Speaks TAP. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"

#define INPUT_MAX (64u << 10)
#define CORPUS_MAX 4096u
#define HANG_SECONDS 10u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __sanitizer_set_death_callback(void (*callback)(void));
const char *__asan_default_options(void);

/* abort() and assert() count as crashes too. */
const char *__asan_default_options(void)
{
	return "handle_abort=1";
}

struct input {
	uint8_t *data;
	size_t size;
};

static struct input corpus[CORPUS_MAX];
static size_t n_corpus;
static uint64_t random_state;
static const char *target;
static char crash_path[512];
static const uint8_t *current;
static size_t current_size;

/* xorshift64*: the same numbers everywhere. */
static uint64_t random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 2685821657736338717ull;
}

static size_t random_below(size_t n)
{
	return n ? (size_t)(random_next() % n) : 0;
}

/* Async-signal-safe: the process is past saving. */
static void save_current(void)
{
	int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t n;

	if (fd < 0)
		return;
	n = write(fd, current, current_size);
	(void)n;
	close(fd);
}

static void on_hang(int sig)
{
	static const char words[] = "not ok - an input takes too long\n";
	ssize_t n;

	(void)sig;
	save_current();
	n = write(STDOUT_FILENO, words, sizeof(words) - 1);
	(void)n;
	_exit(1);
}

static void run(const uint8_t *data, size_t size)
{
	current = data;
	current_size = size;
	alarm(HANG_SECONDS);
	LLVMFuzzerTestOneInput(data, size);
}

static void add_input(const char *path)
{
	struct input in = {0};
	FILE *f = fopen(path, "rbe");

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	in.data = xmalloc(INPUT_MAX);
	in.size = fread(in.data, 1, INPUT_MAX, f);
	fclose(f);
	/* Exactly as large as its content, so that the sanitizer sees a read past the end. */
	in.data = xrealloc(in.data, in.size ? in.size : 1);
	if (n_corpus < CORPUS_MAX)
		corpus[n_corpus++] = in;
	else
		free(in.data);
}

/* In the order of names: the same mutations on every machine. */
static void add_path(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);

	if (n < 0) {
		add_input(path);
		return;
	}
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.') {
			char *file = xasprintf("%s/%s", path, entries[i]->d_name);

			add_input(file);
			free(file);
		}
		free(entries[i]);
	}
	free(entries);
}

static size_t graft(uint8_t *out, size_t size)
{
	const struct input *other = &corpus[random_below(n_corpus)];
	size_t from = random_below(other->size), at = random_below(size + 1);
	size_t n = random_below(other->size - from + 1);

	if (n > INPUT_MAX - at)
		n = INPUT_MAX - at;
	memcpy(out + at, other->data + from, n);
	return at + n > size ? at + n : size;
}

static size_t insert(uint8_t *out, size_t size)
{
	size_t at = random_below(size + 1), n = 1 + random_below(random_below(16) ? 8 : 1024);
	uint8_t byte = (uint8_t)random_next();

	if (n > INPUT_MAX - size)
		n = INPUT_MAX - size;
	memmove(out + at + n, out + at, size - at);
	if (at >= n && random_below(2))
		memmove(out + at, out + at - n, n); /* again what stands before it */
	else
		memset(out + at, byte, n);
	return size + n;
}

static size_t cut(uint8_t *out, size_t size)
{
	size_t at = random_below(size), n = 1 + random_below(random_below(4) ? 8 : size);

	if (n > size - at)
		n = size - at;
	memmove(out + at, out + at + n, size - at - n);
	return size - n;
}

static void change_byte(uint8_t *out, size_t size)
{
	static const uint8_t odd[] = {
	    0, 1, 0x7f, 0x80, 0xff, 0x1b, '"', '<', '>', '&', '{', '}', '\n', ';', '-', '9'};
	uint8_t *p = out + random_below(size);

	switch (random_below(3)) {
	case 0:
		*p ^= (uint8_t)(1u << random_below(8));
		break;
	case 1:
		*p = odd[random_below(sizeof(odd))];
		break;
	default:
		*p = (uint8_t)random_next();
	}
}

static size_t mutate(uint8_t *out, size_t size)
{
	for (size_t n = 1 + random_below(6); n > 0; n--) {
		switch (random_below(6)) {
		case 0:
			size = graft(out, size);
			break;
		case 1:
			size = insert(out, size);
			break;
		case 2:
			if (size > 0)
				size = cut(out, size);
			break;
		default:
			if (size > 0)
				change_byte(out, size);
		}
	}
	return size;
}

/* Each mutation in memory of its own size. */
static unsigned long run_mutations(double seconds)
{
	uint8_t *work = xmalloc(INPUT_MAX);
	struct timespec start, now;
	unsigned long runs = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;; runs++) {
		const struct input *in = &corpus[random_below(n_corpus)];
		size_t size;
		uint8_t *exact;

		clock_gettime(CLOCK_MONOTONIC, &now);
		if ((double)(now.tv_sec - start.tv_sec) +
		        (double)(now.tv_nsec - start.tv_nsec) / 1e9 >=
		    seconds)
			break;
		memcpy(work, in->data, in->size);
		size = mutate(work, in->size);
		exact = xmalloc(size ? size : 1);
		memcpy(exact, work, size);
		run(exact, size);
		free(exact);
	}
	free(work);
	return runs;
}

int main(int argc, char **argv)
{
	const char *seconds_word = getenv("FUZZ_SECONDS"), *src = getenv("HVMUX_SRC"),
	           *build = getenv("HVMUX_BUILD");
	double seconds = seconds_word ? strtod(seconds_word, NULL) : 3;
	unsigned long runs;
	int opt;

	random_state = 20261121;
	while ((opt = getopt(argc, argv, "s:t:")) != -1) {
		if (opt == 's')
			random_state = strtoull(optarg, NULL, 0) | 1;
		else if (opt == 't')
			seconds = strtod(optarg, NULL);
		else
			return 2;
	}
	target = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	snprintf(crash_path, sizeof(crash_path), "%s/crash-%s", build ? build : ".", target);
	if (optind < argc) {
		for (int i = optind; i < argc; i++)
			add_path(argv[i]);
	} else {
		char *dir =
		    xasprintf("%s/tests/fuzz/corpus/%s", src ? src : ".", target + strlen("fuzz_"));

		if (access(dir, R_OK) == 0)
			add_path(dir);
		free(dir);
	}
	if (n_corpus == 0)
		corpus[n_corpus++] = (struct input){.data = xcalloc(1, 1), .size = 0};

	signal(SIGALRM, on_hang);
	__sanitizer_set_death_callback(save_current);
	for (size_t i = 0; i < n_corpus; i++)
		run(corpus[i].data, corpus[i].size);
	printf("ok 1 - %s: %zu inputs of the corpus\n", target, n_corpus);
	runs = run_mutations(seconds);
	alarm(0);
	printf("ok 2 - %s: %lu mutations\n1..2\n", target, runs);
	for (size_t i = 0; i < n_corpus; i++)
		free(corpus[i].data);
	return 0;
}
