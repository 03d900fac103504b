/* domain_words: small enumerations that many parts of struct domain share. */
#ifndef CORE_DOMAIN_WORDS_H
#define CORE_DOMAIN_WORDS_H

enum domain_switch { SWITCH_ABSENT, SWITCH_ON, SWITCH_OFF };

#endif
