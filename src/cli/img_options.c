#include "cli/img_options.h"

#include <stdlib.h>
#include <string.h>

#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/str.h"

enum kind { KIND_BOOL, KIND_SIZE, KIND_NUMBER, KIND_WORD };
#define OPTION(id, text, of, shown) \
	[IMG_OPTION_##id] = {.name = text, .kind = KIND_##of, .implied = shown},
static const struct option {
	const char *name, *implied;
	enum kind kind;
} options[] = {IMG_OPTIONS(OPTION)};
#undef OPTION

/* In the order of qemu-img's help, of the alphabet. `file`: shown when the target is known to be one; "encrypt.*" are not
 * among the options: whoever names one gets the real qemu-img. */
static const struct {
	const char *name, *value, *help;
	bool raw, qcow2, file;
} lines[] = {
    {"backing_file", "str", "File name of a base image", .qcow2 = true},
    {"backing_fmt", "str", "Image format of the base image", .qcow2 = true},
    {"cluster_size", "size", "qcow2 cluster size", .qcow2 = true},
    {"compat", "str", "Compatibility level (v2 [0.10] or v3 [1.1])", .qcow2 = true},
    {"compression_type", "str", "Compression method used for image cluster compression",
        .qcow2 = true},
    {"data_file", "str", "File name of an external data file", .qcow2 = true},
    {"data_file_raw", "bool (on/off)", "The external data file must stay valid as a raw image",
        .qcow2 = true},
    {"encrypt.*", "str", "Encryption: done by QEMU's qemu-img", .qcow2 = true},
    {"extended_l2", "bool (on/off)", "Extended L2 tables", .qcow2 = true},
    {"extent_size_hint", "size", "Extent size hint for the image file, 0 to disable", .raw = true,
        .qcow2 = true, .file = true},
    {"lazy_refcounts", "bool (on/off)", "Postpone refcount updates", .qcow2 = true},
    {"nocow", "bool (on/off)", "Turn off copy-on-write (valid only on btrfs)", .raw = true,
        .qcow2 = true, .file = true},
    {"preallocation", "str", "Preallocation mode (allowed values: off, falloc, full)", .raw = true,
        .file = true},
    {"preallocation", "str", "Preallocation mode (allowed values: off, metadata, falloc, full)",
        .qcow2 = true},
    {"refcount_bits", "num", "Width of a reference count entry in bits", .qcow2 = true},
    {"size", "size", "Virtual disk size", .raw = true, .qcow2 = true},
};

static bool belongs(enum img_option i, bool raw)
{
	if (i == IMG_OPTION_SIZE || i == IMG_OPTION_NOCOW || i == IMG_OPTION_EXTENT_HINT)
		return true;
	return (i == IMG_OPTION_RAW_PREALLOC) == raw;
}

static int find(const char *name, bool raw)
{
	for (unsigned i = 0; i < IMG_OPTION_COUNT; i++)
		if (belongs(i, raw) && strcmp(options[i].name, name) == 0)
			return (int)i;
	return -1;
}

void img_options_set(struct img_options *o, enum img_option option, const char *value)
{
	free(o->values[option]);
	o->values[option] = xstrdup(value);
}

/* "name=value"; "name" and "noname" are on and off. */
static int add_one(struct img_options *o, bool raw, char *item, struct err *err)
{
	char *value = strchr(item, '=');
	if (value != NULL)
		*value++ = '\0';
	int i = find(item, raw);
	if (i < 0 && value == NULL && str_prefix(item, "no")) {
		i = find(item + 2, raw);
		if (i >= 0 && options[i].kind != KIND_BOOL)
			i = -1;
		value = (char *)(uintptr_t) "off";
	}
	if (i < 0 && !raw && str_prefix(item, "encrypt.")) {
		o->foreign = true;
		return 0;
	}
	if (i < 0)
		return err_set(err, ERR_INVALID, "Invalid parameter '%s'", item);
	if (value == NULL && options[i].kind != KIND_BOOL)
		return err_set(err, ERR_INVALID, "Parameter '%s' expects a value", item);
	img_options_set(o, (enum img_option)i, value != NULL ? value : "on");
	return 0;
}

/* Takes the next item off the list, ",," in it as ','; NULL there is none. */
static char *next_item(const char **text)
{
	struct buf item = BUF_INIT;
	const char *s = *text;
	if (*s == '\0')
		return NULL;
	for (; *s != '\0' && (*s != ',' || s[1] == ','); s++) {
		s += *s == ',';
		buf_addc(&item, *s);
	}
	*text = *s == ',' ? s + 1 : s;
	return buf_take(&item);
}

int img_options_add(struct img_options *o, const char *format, const char *text, struct err *err)
{
	bool raw = strcmp(format, "raw") == 0;
	size_t n = strlen(text);
	if (n == 0 || text[0] == ',' || (text[n - 1] == ',' && (n < 2 || text[n - 2] != ',')))
		return err_set(err, ERR_INVALID, "Invalid option list: %s", text);
	for (char *item; (item = next_item(&text)) != NULL; free(item))
		if (add_one(o, raw, item, err) < 0) {
			free(item);
			return -1;
		}
	return 0;
}

void img_options_fini(struct img_options *o)
{
	for (unsigned i = 0; i < IMG_OPTION_COUNT; i++)
		free(o->values[i]);
	*o = (struct img_options){0};
}

/* --- values --------------------------------------------------------------------------------------- */

static int read_bool(struct img_options *o, enum img_option i, bool *to, struct err *err)
{
	static const char *const words[] = {"on", "yes", "true", "y", "off", "no", "false", "n"};
	for (unsigned w = 0; o->values[i] != NULL && w < ARRAY_LEN(words); w++)
		if (strcmp(o->values[i], words[w]) == 0) {
			*to = w < ARRAY_LEN(words) / 2;
			return 0;
		}
	return o->values[i] == NULL ? 0
	                            : err_set(err, ERR_INVALID,
	                                  "Parameter '%s' expects 'on' or 'off'", options[i].name);
}

static int read_size(struct img_options *o, enum img_option i, uint64_t *to, struct err *err)
{
	if (o->values[i] == NULL || imgcmd_size(o->values[i], to, NULL) == 0)
		return 0;
	return err_set(err, ERR_INVALID,
	    "Parameter '%s' expects a non-negative number below 2^64\n"
	    "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\n"
	    "and exabytes, respectively.",
	    options[i].name);
}

static int read_number(struct img_options *o, enum img_option i, uint64_t *to, struct err *err)
{
	if (o->values[i] == NULL || str_u64(o->values[i], UINT64_MAX, to) == 0)
		return 0;
	return err_set(err, ERR_INVALID, "Parameter '%s' expects a number", options[i].name);
}

struct word {
	const char *word;
	unsigned value;
};
static const struct word preallocs[] = {{"off", IMG_PREALLOC_OFF},
    {"metadata", IMG_PREALLOC_METADATA}, {"falloc", IMG_PREALLOC_FALLOC},
    {"full", IMG_PREALLOC_FULL}, {NULL}};
static const struct word versions[] = {{"0.10", 2}, {"v2", 2}, {"1.1", 3}, {"v3", 3}, {NULL}};
static const struct word packers[] = {{"zlib", QCOW2_ZLIB}, {"zstd", QCOW2_ZSTD}, {NULL}};

static int read_word(struct img_options *o, enum img_option i, const struct word *words,
    const char *name, unsigned *to, struct err *err)
{
	const char *told = o->values[i];
	if (told == NULL)
		return 0;
	for (; words->word != NULL; words++)
		if (strcmp(words->word, told) == 0) {
			*to = words->value;
			return 0;
		}
	return err_set(err, ERR_INVALID, "Parameter '%s' does not accept value '%s'", name, told);
}

/* What a file system has to be told, or a key. */
static int read_foreign(struct img_options *o, struct err *err)
{
	bool encrypted = false, nocow = false;
	uint64_t hint = 0;
	if (read_bool(o, IMG_OPTION_ENCRYPTION, &encrypted, err) < 0 ||
	    read_bool(o, IMG_OPTION_NOCOW, &nocow, err) < 0 ||
	    read_size(o, IMG_OPTION_EXTENT_HINT, &hint, err) < 0)
		return -1;
	if (o->foreign || encrypted)
		return err_set(err, ERR_UNSUPPORTED, "encrypted images are QEMU's own");
	if (nocow || hint != 0)
		return err_set(err, ERR_UNSUPPORTED, "the option '%s' is QEMU's own",
		    options[nocow ? IMG_OPTION_NOCOW : IMG_OPTION_EXTENT_HINT].name);
	return 0;
}

int img_options_read(struct img_options *o, struct err *err)
{
	struct qcow2_options *q = &o->qcow2;
	unsigned prealloc = IMG_PREALLOC_OFF;
	*q = (struct qcow2_options){.backing = o->values[IMG_OPTION_BACKING_FILE],
	    .backing_format = o->values[IMG_OPTION_BACKING_FMT],
	    .data_file = o->values[IMG_OPTION_DATA_FILE],
	    .refcount_bits = 16,
	    .cluster = QCOW2_CLUSTER_DEFAULT};
	o->with_size = o->values[IMG_OPTION_SIZE] != NULL;
	if (read_foreign(o, err) < 0 || read_size(o, IMG_OPTION_SIZE, &q->size, err) < 0 ||
	    read_size(o, IMG_OPTION_CLUSTER_SIZE, &q->cluster, err) < 0 ||
	    read_number(o, IMG_OPTION_REFCOUNT_BITS, &q->refcount_bits, err) < 0 ||
	    read_bool(o, IMG_OPTION_EXTENDED_L2, &q->extended_l2, err) < 0 ||
	    read_bool(o, IMG_OPTION_LAZY_REFCOUNTS, &q->lazy_refcounts, err) < 0 ||
	    read_bool(o, IMG_OPTION_DATA_FILE_RAW, &q->data_file_raw, err) < 0 ||
	    read_word(o, IMG_OPTION_COMPAT, versions, "version", &q->version, err) < 0 ||
	    read_word(
	        o, IMG_OPTION_COMPRESSION, packers, "compression-type", &q->compression, err) < 0 ||
	    read_word(o, IMG_OPTION_QCOW2_PREALLOC, preallocs, "preallocation", &prealloc, err) <
	        0 ||
	    read_word(o, IMG_OPTION_RAW_PREALLOC, preallocs, "preallocation", &prealloc, err) < 0)
		return -1;
	q->prealloc = (enum img_prealloc)prealloc;
	/* Zero is "not told" in qcow2_options, and wrong here. */
	if (q->cluster == 0)
		q->cluster = 1;
	if (q->refcount_bits == 0)
		q->refcount_bits = 3;
	return 0;
}

/* --- text ----------------------------------------------------------------------------------------- */

bool img_options_ask(const char *text)
{
	bool asked = false;
	for (char *item; !asked && (item = next_item(&text)) != NULL; free(item))
		asked = strcmp(item, "help") == 0 || strcmp(item, "?") == 0;
	return asked;
}

void img_options_help(const char *format, bool file, struct buf *out)
{
	bool raw = strcmp(format, "raw") == 0;
	if (file)
		buf_adds(out, "Supported options:\n");
	else
		buf_addf(out, "Supported %s options:\n", format);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if ((raw ? !lines[i].raw : !lines[i].qcow2) || (lines[i].file && !file))
			continue;
		CLEANUP_FREE char *left = xasprintf("%s=<%s>", lines[i].name, lines[i].value);
		buf_addf(out, "  %-22s - %s\n", left, lines[i].help);
	}
	if (!file)
		buf_adds(out, "\nThe protocol level may support further options.\n"
		              "Specify the target filename to include those options.\n");
}

static void print_value(enum kind kind, const char *value, struct buf *out)
{
	uint64_t n;
	if (kind == KIND_SIZE && imgcmd_size(value, &n, NULL) == 0) {
		buf_addu(out, n);
		return;
	}
	for (; *value != '\0'; value++)
		buf_adds(out, *value == ',' ? ",," : (char[2]){*value, '\0'});
}

void img_options_print(const struct img_options *o, const char *format, struct buf *out)
{
	bool raw = strcmp(format, "raw") == 0;
	for (unsigned i = 0; i < IMG_OPTION_COUNT; i++) {
		const char *value = o->values[i] != NULL ? o->values[i] : options[i].implied;
		if (value == NULL || !belongs(i, raw))
			continue;
		buf_addf(out, "%s%s=", out->len > 0 ? " " : "", options[i].name);
		print_value(options[i].kind, value, out);
	}
}
