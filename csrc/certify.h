/* certify.h - proofs that a rule set terminates on every word, for the generator: cheap, and silent where it fails. */
#ifndef MK_CERTIFY_H
#define MK_CERTIFY_H

#include "example.h"

/* Whether a proof was found.  Two kinds are tried.  An order of the letters under which every rule makes the word
 * shorter, or as long and lexicographically smaller (length-lexicographic order).  Weights of the letters, whole
 * numbers, by which every rule makes the word lighter (F. Baader, T. Nipkow, "Term Rewriting and All That", 1998,
 * section 5.4, for words).  Terminal rules end the run and need no proof.  Letters are below `letters` <= 256.
 * O(total letters of the rules + letters^2) for the order; the search for weights gives up after a fixed number of
 * corrections, so that "no proof" does not mean that there is none. */
bool mk_certify(const mk_example_rule *rules, size_t count, uint32_t letters, mk_certificate *certificate);

/* Whether a certificate holds for the rules: the test that the proof is one. */
bool mk_certificate_holds(const mk_certificate *certificate, const mk_example_rule *rules, size_t count,
                          uint32_t letters);

#endif
