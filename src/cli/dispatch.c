#include "cli/dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/help.h"
#include "cli/out.h"
#include "config.h"
#include "core/pending.h"
#include "tui/tui.h"

#define VERB_FN(id, name) [VERB_##id] = verb_##id,
static int (*const verb_fns[VERB_COUNT])(struct cli *c) = {VERB_LIST(VERB_FN)};
#undef VERB_FN

/* A descriptor below 3 that is closed would be taken by the next file that is opened. */
static void open_std_fds(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

static int open_dashboard(struct cli *c)
{
	struct err err = {0};
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		err_errno(&err, errno, "cannot read /proc/self/exe");
	else {
		self[n] = '\0';
		struct tui_options options = {.readonly = c->readonly, .self = self};
		int status = tui_run(&c->home, &options, &err);
		if (err.code == ERR_NONE)
			return status;
	}
	out_error("%s", err.msg);
	return out_status(&err);
}

static size_t verb_index(const struct verb *v)
{
	size_t i = 0;
	while (verb_table[i] != v)
		i++;
	return i;
}

static int run_verb(struct cli *c)
{
	if (c->readonly && !(c->verb->flags & (VERB_READS | VERB_SHOWS))) {
		out_error("operation %s forbidden for read only access", c->verb->name);
		return CLI_FAILED;
	}
	int status = verb_fns[verb_index(c->verb)](c);
	bool blank = (c->verb->flags & VERB_VIRSH) && !c->json && !c->bare && !c->quiet;
	if (blank && status != CLI_USAGE)
		putchar('\n');
	return status;
}

static int run(struct cli *c)
{
	struct err err = {0};
	if (c->version) {
		puts(c->prog[0] == 'h' ? "hvmux " HVMUX_VERSION : HVMUX_VERSION);
		return CLI_DONE;
	}
	if (c->help) {
		if (c->verb)
			help_print_verb(c->verb);
		else
			help_print_all(c->prog);
		return CLI_DONE;
	}
	if (!c->verb && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))) {
		help_print_short(c->prog, stderr);
		return CLI_USAGE;
	}
	if (c->verb && (c->verb->flags & VERB_TOOL))
		return run_verb(c);
	if (home_init(&c->home, c->uri, &err) < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	pending_settle(&c->home);
	int status = c->verb ? run_verb(c) : open_dashboard(c);
	home_fini(&c->home);
	return status;
}

/* A full disk or a closed descriptor must not look like success to a script. */
static int check_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	out_error("cannot write to standard output: %s", strerror(errno));
	return status == CLI_DONE ? CLI_FAILED : status;
}

int cli_main(int argc, char **argv)
{
	struct err err = {0};
	struct cli c;
	int status;
	open_std_fds();
	if (cli_parse(&c, argc, argv, &err) == 0)
		status = run(&c);
	else {
		out_error("%s", err.msg);
		status = CLI_USAGE;
	}
	cli_fini(&c);
	return check_output(status);
}
