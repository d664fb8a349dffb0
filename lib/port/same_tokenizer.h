/*
 * Whether two tokenizer.json files say the same. Trainers that save a model write its tokenizer
 * anew, and the bytes differ where nothing else does.
 */
#ifndef FL_PORT_SAME_TOKENIZER_H
#define FL_PORT_SAME_TOKENIZER_H

#include "base/must.h"
#include "flt/object.h"

/*
 * That the tokenizer.json in the folder DIR, if there is one, is that of BASE, if that carries one:
 * the same JSON but for what is null or false in one and missing in the other, both ways to write
 * merges, "use_regex" where it is missing and so true, and how long inputs are cut or filled, which
 * here is said elsewhere. -1 (FL_FAILED) otherwise. Memory: both, parsed.
 */
FL_MUST int fl_same_tokenizer(struct fl_object *base, const char *dir);

#endif
