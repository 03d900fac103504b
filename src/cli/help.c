#include "cli/help.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "cli/dispatch.h"
#include "cli/help_text.h"
#include "cli/out.h"
#include "config.h"
#include "core/domain_rules.h"
#include "core/mem.h"

#define WIDTH 80

static void format_option(struct buf *out, const struct verb_opt *o)
{
	char head[64], letter[8] = "";
	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	if (opt_positional(o))
		snprintf(head, sizeof(head), "[--%s] %s", o->name, o->value);
	else if (opt_takes_value(o))
		snprintf(head, sizeof(head), "%s--%s %s", letter, o->name, o->value);
	else
		snprintf(head, sizeof(head), "%s--%s", letter, o->name);
	buf_addf(out, "    %-16s %s", head, o->help);
	if (o->words)
		buf_addf(out, " (%s)", o->words);
	buf_addc(out, '\n');
}

void help_format_verb(const struct verb *v, struct buf *out)
{
	CLEANUP_FREE char *synopsis = verb_synopsis(v);
	buf_addf(out, "  NAME\n    %s - %s\n", v->name, v->summary);
	buf_addf(out, "\n  SYNOPSIS\n    %s\n", synopsis);
	if (v->text) {
		buf_adds(out, "\n  DESCRIPTION\n");
		help_text_fold(out, v->text, 4, WIDTH);
	}
	if (v->opts[0].name)
		buf_adds(out, "\n  OPTIONS\n");
	for (const struct verb_opt *o = v->opts; o->name; o++)
		format_option(out, o);
	buf_addc(out, '\n');
}

static void family_keyword(const char *family, char out[32])
{
	size_t i;
	for (i = 0; i < 31 && family[i]; i++)
		out[i] = (char)tolower((unsigned char)family[i]);
	out[i] = '\0';
}

static bool family_matches(const char *family, const char *keyword)
{
	size_t n = strlen(keyword);
	/* virsh's "domain" and "monitor" find "Domains" and "Monitoring". */
	return n >= 4 && strncasecmp(family, keyword, n) == 0;
}

static bool family_seen(size_t before, const char *family)
{
	for (size_t i = 0; i < before; i++)
		if (strcmp(verb_table[i]->family, family) == 0)
			return true;
	return false;
}

bool help_format_family(const char *keyword, struct buf *out)
{
	bool found = false;
	for (size_t i = 0; i < VERB_COUNT; i++) {
		const char *family = verb_table[i]->family;
		char word[32];
		if (family_seen(i, family) || (keyword && !family_matches(family, keyword)))
			continue;
		found = true;
		family_keyword(family, word);
		buf_addf(out, " %s (help keyword '%s'):\n", family, word);
		for (size_t k = i; k < VERB_COUNT; k++) {
			const struct verb *v = verb_table[k];
			if (strcmp(v->family, family) == 0 && !(v->flags & VERB_HIDDEN))
				buf_addf(out, "    %-30s %s\n", v->name, v->summary);
		}
		buf_addc(out, '\n');
	}
	return found;
}

static void print_buf(struct buf *b)
{
	fputs(b->data ? b->data : "", stdout);
	buf_fini(b);
}

void help_print_short(const char *prog, FILE *f)
{
	fprintf(f,
	    "usage: %s                      the dashboard, on a terminal\n"
	    "       %s COMMAND [WORD]...    one command; '%s help' lists them\n",
	    prog, prog, prog);
}

void help_print_all(const char *prog)
{
	struct buf b = BUF_INIT;
	buf_addf(&b, "%s [OPTION]...                      open the dashboard\n", prog);
	buf_addf(&b, "%s [OPTION]... COMMAND [WORD]...    run one command\n\n  OPTIONS\n", prog);
	for (const struct verb_opt *o = global_opts; o->name; o++)
		format_option(&b, o);
	buf_addc(&b, '\n');
	help_format_family(NULL, &b);
	print_buf(&b);
}

void help_print_verb(const struct verb *v)
{
	struct buf b = BUF_INIT;
	help_format_verb(v, &b);
	print_buf(&b);
}

/* --- mdoc --- */

/* Punctuation that an mdoc macro would take for a delimiter cannot stand alone in a word of ours.
 */
static void man_option(struct buf *out, const struct verb_opt *o)
{
	buf_adds(out, ".It ");
	if (opt_positional(o))
		buf_addf(out, "Ar %s\n", o->value);
	else {
		if (o->letter)
			buf_addf(out, "Fl %c , ", o->letter);
		buf_addf(out, "Fl \\-%s", o->name);
		if (opt_takes_value(o))
			buf_addf(out, " Ar %s", o->value);
		buf_addc(out, '\n');
	}
	help_text_man(out, o->help, strlen(o->help));
	if (o->words)
		buf_addf(out, " (%s)", o->words);
	buf_adds(out, ".\n");
}

static void man_options(struct buf *out, const struct verb_opt *opts)
{
	if (!opts[0].name)
		return;
	buf_adds(out, ".Bl -tag -width Ds -compact\n");
	for (; opts->name; opts++)
		man_option(out, opts);
	buf_adds(out, ".El\n");
}

static void man_verb(struct buf *out, const struct verb *v)
{
	buf_addf(out, ".It Xo\n.Ic %s\n", v->name);
	for (const struct verb_opt *o = v->opts; o->name; o++) {
		const char *dots = o->many || o->kind == OPT_REST ? " ..." : "";
		if (opt_positional(o))
			buf_addf(out, ".%sAr %s%s\n", o->required ? "" : "Op ", o->value, dots);
		else if (opt_takes_value(o))
			buf_addf(out, ".Op Fl \\-%s Ar %s\n", o->name, o->value);
		else
			buf_addf(out, ".Op Fl \\-%s\n", o->name);
	}
	buf_adds(out, ".Xc\n");
	buf_addc(out, (char)toupper((unsigned char)v->summary[0]));
	help_text_man(out, v->summary + 1, strlen(v->summary + 1));
	buf_adds(out, ".\n");
	if (v->alias)
		buf_addf(out, "Also called\n.Ic %s .\n", v->alias);
	if (v->text)
		help_text_man_paragraphs(out, v->text);
	man_options(out, v->opts);
}

void help_format_man(struct buf *out)
{
	buf_adds(out, ".Sh OPTIONS\nThese stand before the command or among its words.\n");
	man_options(out, global_opts);
	buf_adds(out, ".Sh COMMANDS\n");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		const char *family = verb_table[i]->family;
		if (family_seen(i, family))
			continue;
		buf_addf(out, ".Ss %s\n.Bl -tag -width Ds\n", family);
		for (size_t k = i; k < VERB_COUNT; k++)
			if (strcmp(verb_table[k]->family, family) == 0 &&
			    !(verb_table[k]->flags & VERB_HIDDEN))
				man_verb(out, verb_table[k]);
		buf_adds(out, ".El\n");
	}
}

int verb_help(struct cli *c)
{
	const char *word = cli_value(c, "command");
	const struct verb *v = word ? verb_find(word) : NULL;
	struct buf b = BUF_INIT;
	bool man = cli_flag(c, "man"), elements = cli_flag(c, "elements");
	if (man || elements) {
		c->bare = true;
		if (man)
			help_format_man(&b);
		if (elements)
			domain_rules_format(&b);
	} else if (v)
		help_format_verb(v, &b);
	else if (!word)
		buf_adds(&b, "Grouped commands:\n\n");
	if (!man && !elements && !v && !help_format_family(word, &b)) {
		out_error("command or command group '%s' doesn't exist", word);
		return CLI_FAILED;
	}
	print_buf(&b);
	return CLI_DONE;
}
