/*
 * Folding by utf8proc's tables; large plain blocks are answered without them, since a shingle of
 * every word of a corpus goes through here.
 */
#include "text/fold.h"

#include <stdbool.h>
#include <utf8proc.h>

/* Blocks that neither case nor compatibility changes: Kana and Han. */
static bool
is_same(uint32_t c)
{
    return (c >= 0x3041 && c <= 0x3096) || (c >= 0x30a1 && c <= 0x30fa) ||
           (c >= 0x3400 && c <= 0x9fff) || (c >= 0x20000 && c <= 0x2a6df);
}

size_t
fl_fold_point(uint32_t c, uint32_t *out)
{
    utf8proc_int32_t parts[FL_FOLD_MOST];

    if (c < 0x80 || is_same(c)) {
        out[0] = c - 'A' < 26 ? c | 32 : c;
        return 1;
    }
    utf8proc_ssize_t n =
        utf8proc_decompose_char((utf8proc_int32_t)c, parts, FL_FOLD_MOST,
                                UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD, NULL);
    if (n < 0 || n > FL_FOLD_MOST) {
        out[0] = c;
        return 1;
    }
    for (utf8proc_ssize_t i = 0; i < n; i++)
        out[i] = (uint32_t)parts[i];
    return (size_t)n;
}

enum fl_fold_kind
fl_fold_kind(uint32_t c)
{
    static const uint32_t alone[][2] = {
        {0x0e01, 0x0e46}, {0x0e80, 0x0eff}, {0x1000, 0x109f},   {0x1780, 0x17ff},
        {0x3005, 0x3007}, {0x3041, 0x30ff}, {0x31f0, 0x31ff},   {0x3400, 0x4dbf},
        {0x4e00, 0x9fff}, {0xf900, 0xfaff}, {0x1b000, 0x1b16f}, {0x20000, 0x323af},
    };

    if (c < 0x80)
        return (c | 32) - 'a' < 26 || c - '0' < 10 ? FL_FOLD_LETTER : FL_FOLD_OTHER;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: break;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return FL_FOLD_LETTER;
    default: return FL_FOLD_OTHER;
    }
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
        if (c >= alone[i][0] && c <= alone[i][1])
            return FL_FOLD_WORD;
    return FL_FOLD_LETTER;
}
