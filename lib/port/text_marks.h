/*
 * What a Hugging Face folder says about the marks around a text beside tokenizer.json: the ids that
 * end it. Source: transformers, GenerationConfig and PretrainedConfig (eos_token_id),
 * PreTrainedTokenizerBase (eos_token, added_tokens_decoder).
 */
#ifndef FL_PORT_TEXT_MARKS_H
#define FL_PORT_TEXT_MARKS_H

#include "base/buf.h"
#include "base/must.h"
#include "text/tokenizer.h"

/*
 * Fill STOPS, which is empty before, with every id that a file of DIR calls an end of text, each
 * once: "eos_token_id" (a number or a list) of generation_config.json, then of config.json, then
 * the token called "eos_token" in tokenizer_config.json, or else in special_tokens_map.json. It
 * stays empty when none says so. -1 when one is no token of T, the tokenizer of DIR. NOTES gets a
 * line for what these files say and this toolkit does otherwise.
 */
FL_MUST int fl_port_stops(const char *dir, const struct fl_tokenizer *t, struct fl_ids *stops,
                          struct fl_buf *notes);

#endif
