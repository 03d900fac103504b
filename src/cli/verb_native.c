/* domxml-from-native: a QEMU command line, of a file or of a process, as domain XML. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/mem.h"
#include "kvm/native.h"

/* A file, a pipe of the shell's or standard input. */
static int read_text(const char *path, struct buf *out, struct err *err)
{
	bool input = strcmp(path, "-") == 0;
	CLEANUP_CLOSE int opened = input ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	int fd = input ? STDIN_FILENO : opened;
	const char *shown = input ? "standard input" : path;
	if (fd < 0)
		return err_errno(err, errno, "cannot read '%s'", shown);
	for (;;) {
		ssize_t n = read(fd, buf_reserve(out, 65536), 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "cannot read '%s'", shown);
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len > NATIVE_TEXT_MAX)
			return err_set(err, ERR_INVALID, "'%s' is larger than %u bytes", shown,
			    NATIVE_TEXT_MAX);
	}
}

static int read_command(struct cli *c, struct native_cmd *cmd, struct err *err)
{
	const char *file = cli_value(c, "file"), *format = cli_value(c, "format");
	uint64_t pid = cli_number(c, "pid", 0);
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (format != NULL && strcmp(format, "qemu-argv") != 0)
		return err_set(
		    err, ERR_USAGE, "unsupported format '%s', only qemu-argv is there", format);
	if ((file == NULL) == (pid == 0))
		return err_set(err, ERR_USAGE, "either a file or --pid PID is needed");
	if (pid != 0)
		return native_process((pid_t)pid, cmd, err);
	if (read_text(file, &text, err) < 0)
		return -1;
	if (native_split(text.len > 0 ? text.data : "", text.len, cmd, err) < 0)
		return err_wrap(err, "%s", strcmp(file, "-") == 0 ? "standard input" : file);
	cmd->cwd = getcwd(NULL, 0); /* where its relative paths lead if it is run from here */
	return 0;
}

int verb_domxml_from_native(struct cli *c)
{
	struct err err = {0};
	struct native_cmd cmd = {0};
	CLEANUP_BUF struct buf notes = BUF_INIT;
	char *xml = NULL;
	if (read_command(c, &cmd, &err) == 0)
		xml = native_to_xml(&cmd, &notes, &err);
	native_cmd_fini(&cmd);
	for (char *line = notes.data, *end; line != NULL && *line != '\0'; line = end) {
		end = line + strcspn(line, "\n");
		*end++ = '\0';
		out_warning("%s", line);
	}
	if (xml == NULL) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	fputs(xml, stdout);
	free(xml);
	return CLI_DONE;
}
