/* words.h - one attempt at the word of an example. */
#ifndef MK_WORDS_H
#define MK_WORDS_H

#include "sample.h"

/* Draws a word for the example at hand (its instruction, no_op and near_miss are set, and what the sampler asks of it)
 * into sampler->word and sets example->length.  MK_INVALID: this attempt met no such word. */
mk_status mk_words_draw(mk_sampler *sampler, mk_draws *draws, mk_example *example);

#endif
