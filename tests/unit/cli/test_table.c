/* The table is well-formed: what dispatch, help, completion and the dashboard take for granted. */
#include "unit/cm.h"

#include "cli/table.h"

static bool lower_words(const char *s)
{
	if (*s < 'a' || *s > 'z')
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-'))
			return false;
	return true;
}

static void check_text(const char *where, const char *s)
{
	size_t n = s ? strlen(s) : 0;
	if (n == 0 || s[n - 1] == '.' || strchr(s, '\n'))
		fail_msg(
		    "%s: '%s' is empty, ends in a full stop or has a line end", where, s ? s : "");
}

static void check_opts(const char *verb, const struct verb_opt *opts)
{
	bool optional_seen = false, many_seen = false;
	for (const struct verb_opt *o = opts; o->name; o++) {
		if (!lower_words(o->name))
			fail_msg("%s: option name '%s'", verb, o->name);
		check_text(verb, o->help);
		if (opt_takes_value(o) != (o->value != NULL))
			fail_msg("%s --%s: a value has a word in the synopsis, a flag none", verb,
			    o->name);
		if (opt_positional(o)) {
			if (o->required && optional_seen)
				fail_msg(
				    "%s: %s is required after an optional word", verb, o->name);
			if (many_seen)
				fail_msg("%s: %s can never be reached by position", verb, o->name);
			optional_seen |= !o->required;
			many_seen |= o->many || o->kind == OPT_REST;
		}
		for (const struct verb_opt *k = opts; k < o; k++) {
			if (strcmp(k->name, o->name) == 0)
				fail_msg("%s: --%s twice", verb, o->name);
			if (o->letter && k->letter == o->letter)
				fail_msg("%s: -%c twice", verb, o->letter);
		}
	}
}

static void test_every_verb_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERB_COUNT; i++) {
		const struct verb *v = verb_table[i];
		assert_non_null(v->name);
		assert_true(lower_words(v->name));
		assert_non_null(v->opts);
		check_text(v->name, v->summary);
		assert_non_null(v->family);
		check_opts(v->name, v->opts);
		assert_ptr_equal(verb_find(v->name), v);
		if (v->alias)
			assert_ptr_equal(verb_find(v->alias), v);
	}
	check_opts("(global)", global_opts);
}

/* A dashboard must know whether to ask, and what to say then. */
static void test_every_verb_has_one_danger(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERB_COUNT; i++) {
		const struct verb *v = verb_table[i];
		unsigned danger =
		    v->flags & (VERB_READS | VERB_CHANGES | VERB_DISRUPTS | VERB_DELETES);
		if (danger == 0 || (danger & (danger - 1)))
			fail_msg("%s: exactly one of reads, changes, disrupts, deletes", v->name);
		if ((danger >= VERB_DISRUPTS) != (v->losses != NULL))
			fail_msg(
			    "%s: what it loses is said exactly when something is lost", v->name);
	}
}

/* A verb's option must not hide a global one. */
static void test_global_names_are_free(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERB_COUNT; i++)
		for (const struct verb_opt *o = verb_table[i]->opts; o->name; o++)
			for (const struct verb_opt *g = global_opts; g->name; g++)
				if (strcmp(o->name, g->name) == 0 ||
				    (g->letter && g->letter == o->letter))
					fail_msg("%s --%s hides a global option",
					    verb_table[i]->name, o->name);
}

/* Every reading verb speaks JSON, but those whose answer is a text or a stream in itself. */
static void test_reading_verbs_speak_json(void **state)
{
	(void)state;
	static const char *const exempt[] = {"dumpxml", "domxml-to-native", "domxml-from-native",
	    "console", "wall", "record", "replay", "help", "complete", "capabilities",
	    "domcapabilities", "pool-dumpxml", "vol-dumpxml", "vol-download", "snapshot-dumpxml",
	    "managedsave-dumpxml", "save-image-dumpxml"};
	for (size_t i = 0; i < VERB_COUNT; i++) {
		const struct verb *v = verb_table[i];
		bool spared = !(v->flags & VERB_READS);
		for (size_t k = 0; k < sizeof(exempt) / sizeof(exempt[0]); k++)
			spared |= strcmp(v->name, exempt[k]) == 0;
		if (!spared && !opt_find(v->opts, "json", 4))
			fail_msg("%s has no --json", v->name);
	}
}

static void test_synopsis(void **state)
{
	(void)state;
	char *s = verb_synopsis(verb_find("start"));
	assert_string_equal(s,
	    "start DOMAIN... [--paused] [--console] [--force-boot] [--throwaway] [--accept-chains]");
	free(s);
	s = verb_synopsis(verb_find("domxml-to-native"));
	assert_string_equal(s, "domxml-to-native FORMAT [DOMAIN] [--xml FILE]");
	free(s);
}

static void test_find_wants_the_whole_name(void **state)
{
	(void)state;
	assert_null(verb_find("star"));
	assert_null(verb_find("starts"));
	assert_null(verb_find(""));
	assert_string_equal(verb_find("event")->name, "events");
	assert_null(opt_find(verb_find("list")->opts, "al", 2));
	assert_non_null(opt_find(verb_find("list")->opts, "all=3", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_verb_is_whole),
	    cmocka_unit_test(test_every_verb_has_one_danger),
	    cmocka_unit_test(test_global_names_are_free),
	    cmocka_unit_test(test_reading_verbs_speak_json),
	    cmocka_unit_test(test_synopsis),
	    cmocka_unit_test(test_find_wants_the_whole_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
