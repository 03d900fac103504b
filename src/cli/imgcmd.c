#include "cli/imgcmd.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/imgcmd_help.h"
#include "cli/imgcmd_real.h"
#include "core/mem.h"
#include "core/str.h"

#define IMGCMD_REF(name) &imgcmd_##name,
const struct imgcmd *const imgcmds[] = {IMGCMDS(IMGCMD_REF) NULL};
#undef IMGCMD_REF

const struct imgcmd *imgcmd_find(const char *name)
{
	for (size_t i = 0; imgcmds[i]; i++)
		if (str_eq(imgcmds[i]->name, name))
			return imgcmds[i];
	return NULL;
}

/* --- messages -------------------------------------------------------------------------------------- */

static void tell(const char *program, const char *text)
{
	CLEANUP_FREE char *safe = str_printable_lines(text);
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", program, safe);
}

static int tell_usage(const char *program, const char *text)
{
	tell(program, text);
	fprintf(stderr, "Try '%s --help' for more information\n", program);
	return 1;
}

/* What only reads can do so while a VM writes, where the command has -U. */
static bool force_share_helps(const struct imgcmd_call *c, const struct err *err)
{
	return err->code == ERR_BUSY && c->shorts && strchr(c->shorts, 'U') &&
	       strstr(err->msg, "shared \"write\" lock");
}

int imgcmd_fail(const struct imgcmd_call *c, const struct err *err)
{
	CLEANUP_FREE char *text = xasprintf(
	    "%s%s", err->msg, force_share_helps(c, err) ? " (-U reads it all the same)" : "");
	tell(c->program, text);
	return 1;
}

int imgcmd_usage(const struct imgcmd_call *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	return tell_usage(c->program, text);
}

/* --- options --------------------------------------------------------------------------------------- */

const struct imgcmd_opt imgcmd_common[] = {
    {'h', "help", NULL, "this help"},
    {'v', NULL, NULL, "say so when QEMU's qemu-img does it instead"},
    {0},
};

static void add_options(struct imgcmd_call *c, const struct imgcmd_opt *o, size_t *n, size_t *chars)
{
	for (; o->code; o++) {
		if (o->code < IMGCMD_LONG) {
			c->shorts[(*chars)++] = (char)o->code;
			if (o->value)
				c->shorts[(*chars)++] = ':';
		}
		if (o->name)
			c->longs[(*n)++] = (struct option){
			    o->name, o->value ? required_argument : no_argument, NULL, o->code};
	}
}

static void make_tables(struct imgcmd_call *c)
{
	size_t count = 0, n = 0, chars = 1;
	while (c->command->opts[count].code)
		count++;
	count += ARRAY_LEN(imgcmd_common);
	c->longs = xcalloc(count + 1, sizeof(*c->longs));
	c->shorts = xcalloc(2 * count + 2, 1);
	c->shorts[0] = ':';
	add_options(c, c->command->opts, &n, &chars);
	add_options(c, imgcmd_common, &n, &chars);
}

/* Of the words that getopt may look at. */
static int open_words(const struct imgcmd_call *c)
{
	return c->command->last_word && c->argc >= 3 ? c->argc - 1 : c->argc;
}

static int next_option(struct imgcmd_call *c)
{
	int code = getopt_long(open_words(c), c->argv, c->shorts, c->longs, NULL);
	c->at = optind;
	c->value = optarg;
	return code;
}

int imgcmd_next(struct imgcmd_call *c)
{
	int code;
	do
		code = next_option(c);
	while (code == 'v');
	return code;
}

static void rewind_options(void)
{
	opterr = 0;
	optind = 0; /* glibc: begin anew, whatever the last scan left */
}

/* Looks at every option once. -1 go on, else the exit status. */
static int scan_options(struct imgcmd_call *c)
{
	struct err err = {0};
	bool foreign = false;
	rewind_options();
	for (int code; (code = next_option(c)) != -1;) {
		if (code == ':')
			return imgcmd_usage(
			    c, "missing argument for option '%s'", c->argv[optind - 1]);
		if (code == '?')
			return imgcmd_usage(c, "unrecognized option '%s'", c->argv[optind - 1]);
		if (code == 'h') {
			imgcmd_help_print(c->program, c->command);
			return 0;
		}
		c->verbose |= code == 'v';
		if (code >= IMGCMD_FOREIGN && !foreign) {
			foreign = true;
			err_set(&err, ERR_UNSUPPORTED, "%s is QEMU's own",
			    code == IMGCMD_OBJECT ? "--object" : "--image-opts");
		}
	}
	rewind_options();
	return foreign ? imgcmd_hand_over(c, &err) : -1;
}

/* --- the real qemu-img ----------------------------------------------------------------------------- */

/* Does this word stand alone, or is the next one its value? `-v` among letters is taken out of the word. */
static bool takes_next(const struct imgcmd_opt *opts, char *word)
{
	if (word[1] == '-') {
		size_t n = strcspn(word + 2, "=");
		for (; opts->code; opts++)
			if (opts->name && strncmp(opts->name, word + 2, n) == 0)
				return opts->value && word[2 + n] == '\0';
		return false;
	}
	char *to = word + 1;
	for (const char *from = word + 1; *from; from++) {
		const struct imgcmd_opt *o = opts;
		while (o->code && o->code != *from)
			o++;
		if (o->code && o->value) {
			memmove(to, from, strlen(from) + 1);
			return to[1] == '\0';
		}
		if (*from != 'v')
			*to++ = *from;
	}
	*to = '\0';
	return false;
}

/* The real one knows no -v. */
static void drop_verbose(const struct imgcmd_opt *opts, char **words, int last)
{
	int n = 1;
	bool value = false, options = true;
	for (int i = 1; words[i]; i++) {
		char *word = words[i];
		if (value)
			value = false;
		else if (str_eq(word, "--"))
			options = false;
		else if (options && i != last && word[0] == '-' && word[1]) {
			value = takes_next(opts, word);
			if (word[1] == '\0') {
				free(word);
				continue;
			}
		}
		words[n++] = word;
	}
	words[n] = NULL;
}

int imgcmd_hand_over(const struct imgcmd_call *c, const struct err *why)
{
	return imgcmd_real_run(c->program, c->verbose, c->whole, why->msg);
}

/* --- finding and running --------------------------------------------------------------------------- */

static char **copy_words(int argc, char **argv)
{
	char **words = xcalloc((size_t)argc + 1, sizeof(*words));
	for (int i = 0; i < argc; i++)
		words[i] = xstrdup(argv[i]);
	return words;
}

static void free_words(char **words)
{
	for (char **w = words; *w; w++)
		free(*w);
	free(words);
}

static int run_command(struct imgcmd_call *c, int argc, char **argv)
{
	c->argc = argc;
	c->argv = copy_words(argc, argv);
	c->whole = copy_words(argc, argv);
	make_tables(c);
	drop_verbose(c->command->opts, c->whole, c->command->last_word ? argc - 1 : 0);
	int status = scan_options(c);
	if (status < 0)
		status = c->command->run(c);
	free_words(c->argv);
	free_words(c->whole);
	free(c->shorts);
	free(c->longs);
	return status;
}

/* A command that we do not have: QEMU's may, or know what to say. */
static int run_foreign(const char *program, bool verbose, char **words)
{
	CLEANUP_FREE char *why = xasprintf("Command not found: %s", words[0]);
	return imgcmd_real_run(program, verbose, words, why);
}

static int run_traced(const char *program, bool verbose, int argc, char **argv)
{
	static const struct imgcmd_opt trace[] = {{'T', "trace", "PATTERN", ""}, {0}};
	char **words = copy_words(argc, argv);
	drop_verbose(trace, words, 0);
	int status = imgcmd_real_run(program, verbose, words + 1, "tracing is QEMU's own");
	free_words(words);
	return status;
}

static int run_help(const char *program, const char *word)
{
	const struct imgcmd *command = word ? imgcmd_find(word) : NULL;
	if (word && str_eq(word, "--man")) {
		CLEANUP_BUF struct buf b = BUF_INIT;
		imgcmd_help_man(&b);
		fputs(b.data, stdout);
		return 0;
	}
	if (word && !command) {
		CLEANUP_FREE char *text = xasprintf("Command not found: %s", word);
		return tell_usage(program, text);
	}
	imgcmd_help_print(program, command);
	return 0;
}

static int run_words(const char *program, bool verbose, bool readonly, int argc, char **argv)
{
	const struct imgcmd *command = imgcmd_find(argv[0]);
	if (!command && str_eq(argv[0], "help"))
		return run_help(program, argv[1]);
	if (readonly && !(command && command->reads)) {
		CLEANUP_FREE char *text =
		    xasprintf("operation %s forbidden for read only access", argv[0]);
		tell(program, text);
		return 1;
	}
	if (!command)
		return run_foreign(program, verbose, argv);
	struct imgcmd_call c = {.program = program, .command = command, .verbose = verbose};
	return run_command(&c, argc, argv);
}

int imgcmd_main(const char *program, int argc, char **argv, bool readonly)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'}, {"trace", required_argument, NULL, 'T'}, {0}};
	bool verbose = false, trace = false;
	rewind_options();
	for (int code; (code = getopt_long(argc, argv, "+:hVvT:", longs, NULL)) != -1;) {
		CLEANUP_FREE char *text = NULL;
		switch (code) {
		case 'h':
			return run_help(program, NULL);
		case 'V':
			imgcmd_help_version(program);
			return 0;
		case 'v':
			verbose = true;
			break;
		case 'T':
			trace = true;
			break;
		default:
			text = xasprintf(code == ':' ? "missing argument for option '%s'"
			                             : "unrecognized option '%s'",
			    argv[optind - 1]);
			return tell_usage(program, text);
		}
	}
	if (trace && !readonly)
		return run_traced(program, verbose, argc, argv);
	if (optind >= argc)
		return tell_usage(program, "Not enough arguments");
	return run_words(program, verbose, readonly, argc - optind, argv + optind);
}

/* --- sizes ----------------------------------------------------------------------------------------- */

/* Digits of base 10 or 16; false when the number is too large. */
static bool read_digits(const char **s, unsigned base, uint64_t *out)
{
	bool fits = true;
	for (*out = 0; base == 16 ? isxdigit((unsigned char)**s) : isdigit((unsigned char)**s);
	     ++*s) {
		unsigned char c = (unsigned char)**s;
		unsigned digit = (unsigned)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
		fits &= !__builtin_mul_overflow(*out, base, out) &&
		        !__builtin_add_overflow(*out, digit, out);
	}
	return fits;
}

/* Of what stands behind the point, as a part of 1. */
static double read_fraction(const char **s)
{
	double part = 0, scale = 1;
	for (; isdigit((unsigned char)**s); ++*s)
		part += (**s - '0') * (scale /= 10);
	return part;
}

static int size_invalid(struct err *err, const char *text)
{
	return err_set(err, ERR_INVALID,
	    "Invalid size '%s'. You may use k, M, G, T, P or E suffixes for kilobytes, megabytes, "
	    "gigabytes, terabytes, petabytes and exabytes.",
	    text);
}

static int size_decimal(const char *text, const char *s, uint64_t *bytes, struct err *err)
{
	static const char units[] = "bkmgtpe";
	const char *first = s;
	double part = 0;
	bool fits = read_digits(&s, 10, bytes);
	if (*s == '.') {
		s++;
		part = read_fraction(&s);
		if (s - first < 2)
			return size_invalid(err, text);
	}
	if (s == first)
		return size_invalid(err, text);
	const char *unit = *s ? strchr(units, tolower((unsigned char)*s)) : units;
	if (!unit || (*s && s[1]) || (part > 0 && unit == units))
		return size_invalid(err, text);
	uint64_t scale = 1ull << (10 * (unit - units));
	fits &= !__builtin_mul_overflow(*bytes, scale, bytes) &&
	        !__builtin_add_overflow(*bytes, (uint64_t)(part * (double)scale), bytes);
	return fits ? 0 : err_set(err, ERR_USAGE, "the size '%s' is too large", text);
}

int imgcmd_size(const char *text, uint64_t *bytes, struct err *err)
{
	const char *s = text + strspn(text, " \t\n\v\f\r");
	s += *s == '+';
	if (s[0] != '0' || (s[1] != 'x' && s[1] != 'X'))
		return size_decimal(text, s, bytes, err);
	s += 2;
	if (!isxdigit((unsigned char)*s))
		return size_invalid(err, text);
	bool fits = read_digits(&s, 16, bytes);
	if (*s)
		return size_invalid(err, text);
	return fits ? 0 : err_set(err, ERR_USAGE, "the size '%s' is too large", text);
}

int imgcmd_number(const struct imgcmd_call *c, const char *what, const char *text, uint64_t min,
    uint64_t max, uint64_t *out)
{
	struct err err = {0};
	uint64_t n = 0;
	CLEANUP_FREE char *words = NULL;
	int r = imgcmd_size(text, &n, &err);
	if (r == 0 && n >= min && n <= max) {
		*out = n;
		return 0;
	}
	if (r < 0 && err.code == ERR_INVALID) {
		words = xasprintf(
		    "Invalid %s specified. You may use k, M, G, T, P or E suffixes for", what);
		tell(c->program, words);
		tell(c->program,
		    "kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
		return -1;
	}
	words = xasprintf("Invalid %s specified. Must be between %llu and %llu.", what,
	    (unsigned long long)min, (unsigned long long)max);
	tell(c->program, words);
	return -1;
}

int imgcmd_form(const struct imgcmd_call *c, bool *json)
{
	struct err err = {0};
	*json = strcmp(c->value, "json") == 0;
	if (*json || strcmp(c->value, "human") == 0)
		return 0;
	err_set(&err, ERR_USAGE, "--output must be used with human or json as argument.");
	imgcmd_fail(c, &err);
	return -1;
}
