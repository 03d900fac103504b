#include "cli/imgcmd_help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/help.h"
#include "cli/help_text.h"
#include "config.h"
#include "core/mem.h"

#define WIDTH 80
/* Whose commands, options and output ours are: what scripts ask `qemu-img --version` for. */
#define QEMU_IMG_VERSION "7.2.0"

void imgcmd_help_version(const char *program)
{
	printf("%s version %s (hvmux %s: options and output are those of that qemu-img)\n", program,
	    QEMU_IMG_VERSION, HVMUX_VERSION);
}

static void format_options(const struct imgcmd_opt *o, struct buf *out)
{
	for (; o->code; o++) {
		CLEANUP_BUF struct buf head = BUF_INIT;
		if (o->code < IMGCMD_LONG)
			buf_addf(&head, "-%c%s", o->code, o->name ? ", " : "");
		if (o->name)
			buf_addf(&head, "--%s", o->name);
		if (o->value)
			buf_addf(&head, " %s", o->value);
		buf_addf(out, "    %-24s ", head.data);
		CLEANUP_BUF struct buf text = BUF_INIT;
		help_text_fold(&text, o->help, 29, WIDTH);
		buf_adds(out, text.data + 29);
	}
}

static void format_command(const char *program, const struct imgcmd *c, struct buf *out)
{
	buf_addf(out, "usage: %s %s %s\n\n", program, c->name, c->args);
	help_text_fold(out, c->summary, 2, WIDTH);
	if (c->text) {
		buf_addc(out, '\n');
		help_text_fold(out, c->text, 2, WIDTH);
	}
	buf_adds(out, "\n  Options:\n");
	format_options(c->opts, out);
	format_options(imgcmd_common, out);
}

static void format_all(const char *program, struct buf *out)
{
	buf_addf(out,
	    "usage: %s [-v] COMMAND [WORD]...\nDisk images, with qemu-img's commands.\n\n",
	    program);
	buf_adds(out,
	    "    -h, --help       this help; behind a command: its options\n"
	    "    -V, --version    the version of hvmux, and of the qemu-img whose options these are\n"
	    "    -v               say so when QEMU's qemu-img does it instead\n"
	    "    -T, --trace PATTERN    QEMU's tracing: QEMU's qemu-img does it\n\nCommands:\n");
	for (size_t i = 0; imgcmds[i]; i++)
		buf_addf(out, "  %s %s\n", imgcmds[i]->name, imgcmds[i]->args);
	buf_addf(out,
	    "\nFormats read: raw qcow2 vmdk vdi vhdx vpc qed; written: raw qcow2. What else QEMU's qemu-img "
	    "can do is\nhanded over to it where it is installed.\n");
}

void imgcmd_help_format(const char *program, const struct imgcmd *command, struct buf *out)
{
	if (command)
		format_command(program, command, out);
	else
		format_all(program, out);
}

void imgcmd_help_print(const char *program, const struct imgcmd *command)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	imgcmd_help_format(program, command, &b);
	fputs(b.data, stdout);
}

/* --- the manual: mdoc ------------------------------------------------------------------------------ */

static void man_option(struct buf *out, const struct imgcmd_opt *o)
{
	buf_adds(out, ".It ");
	if (o->code < IMGCMD_LONG)
		buf_addf(out, "Fl %c%s", o->code, o->name ? " , " : "");
	if (o->name)
		buf_addf(out, "Fl \\-%s", o->name);
	if (o->value)
		buf_addf(out, " Ar %s", o->value);
	buf_addc(out, '\n');
	help_text_man(out, o->help, strlen(o->help));
	buf_adds(out, ".\n");
}

static void man_command(struct buf *out, const struct imgcmd *c)
{
	buf_addf(out, ".It Xo\n.Ic %s\n", c->name);
	help_text_man(out, c->args, strlen(c->args));
	buf_adds(out, "\n.Xc\n");
	buf_addc(out, (char)toupper((unsigned char)c->summary[0]));
	help_text_man(out, c->summary + 1, strlen(c->summary + 1));
	buf_adds(out, ".\n");
	if (c->text)
		help_text_man_paragraphs(out, c->text);
	buf_adds(out, ".Bl -tag -width Ds -compact\n");
	for (const struct imgcmd_opt *o = c->opts; o->code; o++)
		man_option(out, o);
	buf_adds(out, ".El\n");
}

void imgcmd_help_man(struct buf *out)
{
	buf_adds(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; imgcmds[i]; i++)
		man_command(out, imgcmds[i]);
	buf_adds(out, ".El\n");
}
