/* A tokenizer whose tokens have several bytes, for tests of what happens at their edges. */
#ifndef FL_TEST_MERGING_H
#define FL_TEST_MERGING_H

#include "base/buf.h"
#include "text/tokenizer.h"
#include "test.h"

enum { MERGING_VOCAB = 259 }; /* 257 is "ab", 258 "abc" */

/* The byte tokenizer and two merges: pieces of 1 to 3 bytes, and the end of text, 256, of none. */
static inline struct fl_tokenizer *
merging_tokenizer(void)
{
    static const char end[] = "\"<|endoftext|>\":256},\"merges\":[]}}";
    static const char more[] =
        "\"<|endoftext|>\":256,\"ab\":257,\"abc\":258},\"merges\":[\"a b\",\"ab c\"]}}";
    struct fl_tokenizer *bytes = fl_tokenizer_bytes();
    size_t len;
    const char *json = fl_tokenizer_json(bytes, &len);
    const char *at = strstr(json, end);
    struct fl_buf text = {0};
    struct fl_tokenizer *t = NULL;

    if (at && !fl_buf_add(&text, json, (size_t)(at - json)) && !fl_buf_add_text(&text, more))
        t = fl_tokenizer_parse("test", text.data, text.len);
    CHECK(t && fl_tokenizer_vocab(t) == MERGING_VOCAB);
    fl_buf_release(&text);
    fl_tokenizer_free(bytes);
    return t;
}

#endif
