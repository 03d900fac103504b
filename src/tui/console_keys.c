#include "tui/console_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hostconf.h"
#include "core/str.h"
#include "tui/input.h"

#define ESCAPE "Ctrl+]"
#define DETACH "F12"
#define PREFIX "Ctrl+\\"

/* Some keys are others with Ctrl, and come in as those: Ctrl+[ is Esc. */
static int parse(const char *word, struct vt_key *k)
{
	static const struct {
		uint32_t cp;
		enum vt_key_sym sym;
		uint32_t as;
		unsigned mods;
	} same[] = {{'[', VT_KEY_ESCAPE, 0, 0}, {'m', VT_KEY_ENTER, 0, 0}, {'i', VT_KEY_TAB, 0, 0},
	    {'@', VT_KEY_CHAR, ' ', VT_MOD_CTRL}, {'/', VT_KEY_CHAR, '_', VT_MOD_CTRL}};
	if (input_key_parse(word, k) < 0)
		return -1;
	if (k->sym != VT_KEY_CHAR || k->mods != VT_MOD_CTRL)
		return 0;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		if (k->cp == same[i].cp) {
			*k = (struct vt_key){same[i].sym, same[i].as, same[i].mods};
			break;
		}
	}
	return 0;
}

/* From the environment, else hvmux.conf, else the default. */
static void choose(struct vt_key *k, const char *variable, const char *conf, const char *conf_key,
    const char *normal, char words[256])
{
	const char *word = getenv(variable), *from = variable;
	if (!word || !*word) {
		word = conf;
		from = conf_key;
	}
	if (word && parse(word, k) == 0)
		return;
	parse(normal, k);
	if (word)
		snprintf(
		    words, 256, "%s says '%.40s', which is no key: it is %s", from, word, normal);
}

static bool none(const char *variable, const char *conf)
{
	const char *word = getenv(variable);
	return str_eq(word && *word ? word : conf, "none");
}

static bool answers(const struct hostconf *conf)
{
	const char *word = getenv("HVMUX_CONSOLE_ANSWERS");
	if (!word || !*word)
		return conf->console_answers;
	return !str_eq(word, "no") && !str_eq(word, "off") && !str_eq(word, "0");
}

int console_keys_choose(struct console_keys *k, const struct home *h, const char *escape,
    char words[256], struct err *err)
{
	struct hostconf conf;
	struct err local = {0};
	memset(k, 0, sizeof(*k));
	words[0] = '\0';
	if (parse(escape ? escape : ESCAPE, &k->escape) < 0)
		return err_set(err, ERR_USAGE,
		    "'%s' is no key: write the escape character as ^] or ^A, or a key's name such as F12",
		    escape);
	/* What is wrong there is told by a start; a reader may not be allowed to read it. */
	if (hostconf_load(h, &conf, &local) < 0)
		conf = (struct hostconf){.console_answers = true};
	choose(&k->detach, "HVMUX_DETACH", conf.detach_key, "detach_key", DETACH, words);
	k->has_prefix = !none("HVMUX_PREFIX", conf.prefix_key);
	if (k->has_prefix)
		choose(&k->prefix, "HVMUX_PREFIX", conf.prefix_key, "prefix_key", PREFIX, words);
	k->answers = answers(&conf);
	hostconf_fini(&conf);
	input_key_name(&k->escape, k->escape_name, sizeof(k->escape_name));
	input_key_name(&k->detach, k->detach_name, sizeof(k->detach_name));
	input_key_name(&k->prefix, k->prefix_name, sizeof(k->prefix_name));
	return 0;
}

bool console_keys_same(const struct vt_key *a, const struct vt_key *b)
{
	return a->sym == b->sym && a->cp == b->cp && a->mods == b->mods;
}

bool console_keys_leaves(const struct console_keys *k, const struct vt_key *key)
{
	return console_keys_same(key, &k->escape) || console_keys_same(key, &k->detach);
}

bool console_keys_opens(const struct console_keys *k, const struct vt_key *key)
{
	return k->has_prefix && console_keys_same(key, &k->prefix);
}

static bool ours(const struct console_keys *k, const struct vt_key *key)
{
	return console_keys_leaves(k, key) || console_keys_opens(k, key);
}

bool console_keys_behind_esc(
    const struct console_keys *k, const struct vt_key *key, struct vt_key *plain)
{
	*plain = *key;
	plain->mods &= ~(unsigned)VT_MOD_ALT;
	return (key->mods & VT_MOD_ALT) && !ours(k, key) && ours(k, plain);
}
