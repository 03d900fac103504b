#include "core/progress.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"

#define SHOW_NS 200000000ull      /* between two */
#define BAR_AFTER_NS 500000000ull /* what is over by then needs no bar */
#define WIDTH_DEFAULT 80u
#define STEP 1.0 /* percent between two lines of PROGRESS_PERCENT, as in qemu-img */
#define SECOND 1000000000ull

static volatile sig_atomic_t asked, interrupted;

static void on_ask(int sig)
{
	(void)sig;
	asked = 1;
}

static void on_interrupt(int sig)
{
	interrupted = sig;
}

static const struct caught {
	int sig;
	void (*handler)(int);
	int flags;
} caught[] = {
    {SIGUSR1, on_ask, SA_RESTART},
    {SIGINT, on_interrupt, (int)SA_RESETHAND | SA_RESTART},
    {SIGTERM, on_interrupt, (int)SA_RESETHAND | SA_RESTART},
    {SIGPIPE, SIG_IGN, 0}, /* who looked has gone: the work goes on */
    {SIGHUP, on_interrupt, (int)SA_RESETHAND | SA_RESTART},
};
static struct sigaction before[ARRAY_LEN(caught)];

/* What is ignored (nohup) stays so. */
static void catch_signals(void)
{
	asked = 0;
	interrupted = 0;
	for (size_t i = 0; i < ARRAY_LEN(caught); i++) {
		struct sigaction sa = {
		    .sa_handler = caught[i].handler, .sa_flags = caught[i].flags};
		sigemptyset(&sa.sa_mask);
		sigaction(caught[i].sig, NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN || caught[i].sig == SIGUSR1)
			sigaction(caught[i].sig, &sa, NULL);
	}
}

static uint64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static unsigned width_of(int fd)
{
	struct winsize w;
	if (ioctl(fd, TIOCGWINSZ, &w) < 0 || w.ws_col == 0)
		return WIDTH_DEFAULT;
	return w.ws_col;
}

static double percent(uint64_t done, uint64_t total)
{
	return total == 0 ? 0.0 : 100.0 * ((double)done / (double)total);
}

static void left_text(uint64_t done, uint64_t total, uint64_t elapsed_ns, char *out, size_t n)
{
	double s = 0;
	if (done > 0 && total >= done)
		s = (double)elapsed_ns / (double)SECOND * ((double)(total - done) / (double)done);
	if (done == 0 || elapsed_ns < SECOND / 2 || s > 359999)
		snprintf(out, n, "   -:-- left");
	else if (s >= 3600)
		snprintf(out, n, "%2u:%02u:%02u left", (unsigned)s / 3600, (unsigned)s / 60 % 60,
		    (unsigned)s % 60);
	else
		snprintf(out, n, "%4u:%02u left", (unsigned)s / 60, (unsigned)s % 60);
}

void progress_bar(
    uint64_t done, uint64_t total, uint64_t elapsed_ns, unsigned width, char out[PROGRESS_BAR_MAX])
{
	char amount[STR_HUMAN_MAX], speed[STR_HUMAN_MAX], left[32] = "", words[PROGRESS_BAR_MAX];
	if (total > 0 && done > total)
		done = total;
	str_human(done, amount);
	str_human(
	    elapsed_ns == 0 ? 0 : (uint64_t)((double)done * (double)SECOND / (double)elapsed_ns),
	    speed);
	if (total == 0) {
		snprintf(out, PROGRESS_BAR_MAX, "%s  %s/s", amount, speed);
		return;
	}
	left_text(done, total, elapsed_ns, left, sizeof(left));
	int n = snprintf(words, sizeof(words), "%3u%%  %6s  %6s/s %s",
	    (unsigned)percent(done, total), amount, speed, left);
	if (width >= PROGRESS_BAR_MAX)
		width = PROGRESS_BAR_MAX - 1;
	if (width < (unsigned)n + 8) { /* no room for a bar that says something */
		snprintf(out, PROGRESS_BAR_MAX, "%.*s", (int)width, words);
		return;
	}
	unsigned room = width - (unsigned)n - 4;
	unsigned full = (unsigned)((double)room * percent(done, total) / 100.0);
	out[0] = '[';
	for (unsigned i = 0; i < room; i++)
		out[1 + i] = i < full ? '=' : i == full ? '>' : ' ';
	snprintf(out + 1 + room, PROGRESS_BAR_MAX - 1 - room, "]  %s", words);
}

static void put(int fd, const char *text, size_t n)
{
	if (write(fd, text, n) < 0)
		return;
}

static void show_file(const struct progress *p, uint64_t done, uint64_t total)
{
	char line[PROGRESS_FILE_BYTES + 1];
	if (p->file < 0)
		return;
	snprintf(line, sizeof(line), "%-*s", PROGRESS_FILE_BYTES, "");
	int n = snprintf(
	    line, sizeof(line), "%llu %llu", (unsigned long long)done, (unsigned long long)total);
	line[n] = ' ';
	line[PROGRESS_FILE_BYTES - 1] = '\n';
	if (pwrite(p->file, line, PROGRESS_FILE_BYTES, 0) < 0)
		return; /* a full disk is told by the work itself */
}

static void show_bar(struct progress *p, uint64_t done, uint64_t total, uint64_t elapsed)
{
	char bar[PROGRESS_BAR_MAX], line[PROGRESS_BAR_MAX + 8];
	if (elapsed < BAR_AFTER_NS && !p->drawn)
		return;
	/* The last column stays free: a cursor behind it wraps on some terminals. */
	progress_bar(done, total, elapsed, width_of(p->fd) - 1, bar);
	int n = snprintf(line, sizeof(line), "\r%s\033[K", bar);
	put(p->fd, line, (size_t)n);
	p->drawn = true;
}

static void show_percent(struct progress *p, uint64_t done, uint64_t total)
{
	char line[64];
	double now = percent(done, total);
	if (p->shown >= 0 && now < p->shown + STEP && now < 100.0)
		return;
	int n = snprintf(line, sizeof(line), "    (%3.2f/100%%)\r", now);
	put(p->fd, line, (size_t)n);
	p->shown = now;
}

static void show_asked(uint64_t done, uint64_t total)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "    (%3.2f/100%%)\n", percent(done, total));
	asked = 0;
	put(STDERR_FILENO, line, (size_t)n);
}

/* By one thread at a time. */
static void show(struct progress *p, uint64_t now)
{
	uint64_t done = atomic_load(&p->done), total = atomic_load(&p->total);
	if (total > 0 && done > total)
		done = total;
	show_file(p, done, total);
	if (p->form == PROGRESS_BAR)
		show_bar(p, done, total, now - p->start_ns);
	else if (p->form == PROGRESS_PERCENT)
		show_percent(p, done, total);
	if (asked)
		show_asked(done, total);
}

static int open_file(void)
{
	const char *path = getenv(PROGRESS_FILE_ENV);
	if (path == NULL || path[0] == '\0')
		return -1;
	return open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
}

void progress_start(struct progress *p, enum progress_form form, int fd, uint64_t total)
{
	memset(p, 0, sizeof(*p));
	p->form = form;
	p->fd = fd;
	p->file = open_file();
	p->shown = -1;
	p->start_ns = now_ns();
	atomic_store(&p->total, total);
	atomic_flag_clear(&p->busy);
	catch_signals();
	show(p, p->start_ns);
	atomic_store(&p->next_ns, p->start_ns + SHOW_NS);
}

void progress_add(struct progress *p, uint64_t bytes)
{
	if (p == NULL)
		return;
	atomic_fetch_add(&p->done, bytes);
	uint64_t now = now_ns();
	if ((now < atomic_load(&p->next_ns) && !asked) || atomic_flag_test_and_set(&p->busy))
		return;
	show(p, now);
	atomic_store(&p->next_ns, now + SHOW_NS);
	atomic_flag_clear(&p->busy);
}

void progress_total(struct progress *p, uint64_t total)
{
	if (p != NULL)
		atomic_store(&p->total, total);
}

void progress_stop(struct progress *p, bool whole)
{
	if (p == NULL)
		return;
	if (whole)
		atomic_store(&p->done, atomic_load(&p->total));
	if (p->form == PROGRESS_BAR) {
		if (p->drawn)
			put(p->fd, "\r\033[K", 4);
		p->form = PROGRESS_SILENT;
	}
	bool empty = whole && p->form == PROGRESS_PERCENT && atomic_load(&p->total) == 0;
	show(p, now_ns());
	if (empty)
		put(p->fd, "    (100.00/100%)\r", 18);
	if (p->form == PROGRESS_PERCENT)
		put(p->fd, "\n", 1);
	if (p->file >= 0)
		close(p->file);
	p->file = -1;
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		sigaction(caught[i].sig, &before[i], NULL);
}

int progress_interrupted(void)
{
	return interrupted;
}

int progress_check(struct err *err)
{
	return interrupted == 0 ? 0 : err_set(err, ERR_FAIL, "interrupted");
}

void progress_die(void)
{
	int sig = interrupted;
	if (sig == 0)
		return;
	signal(sig, SIG_DFL);
	raise(sig);
}

enum progress_form progress_form_of(bool percent_wanted, bool quiet)
{
	if (quiet)
		return PROGRESS_SILENT;
	if (percent_wanted)
		return PROGRESS_PERCENT;
	return isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) ? PROGRESS_BAR : PROGRESS_SILENT;
}

int progress_read(const char *path, uint64_t *done, uint64_t *total)
{
	char line[PROGRESS_FILE_BYTES + 1] = "", *blank, *end;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0 || read(fd, line, PROGRESS_FILE_BYTES) != PROGRESS_FILE_BYTES)
		return -1;
	blank = strchr(line, ' ');
	if (blank == NULL)
		return -1;
	*blank++ = '\0';
	end = blank + strcspn(blank, " \n");
	*end = '\0';
	uint64_t d, t;
	if (str_u64(line, UINT64_MAX, &d) < 0 || str_u64(blank, UINT64_MAX, &t) < 0)
		return -1;
	*done = d;
	*total = t;
	return 0;
}
