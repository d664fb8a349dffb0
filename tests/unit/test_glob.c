/* Patterns, against the definition by recursion. */
#include "base/glob.h"

#include "test.h"

static bool
slow(const char *p, const char *t)
{
    if (!*p)
        return !*t;
    if (*p == '*')
        return slow(p + 1, t) || (*t && slow(p, t + 1));
    return *t && (*p == '?' || *p == *t) && slow(p + 1, t + 1);
}

static void
test_words(void)
{
    CHECK(fl_glob("*norm*", "layers.0.input_layernorm.weight") && fl_glob("*", ""));
    CHECK(!fl_glob("*norm", "layers.0.norm.weight") && !fl_glob("", "a") && fl_glob("", ""));
    CHECK(fl_glob("a?c", "abc") && !fl_glob("a?c", "ac") && fl_glob("[ab]", "[ab]"));
}

/* All patterns of up to five of "ab?*" against all texts of up to five of "ab". */
static void
test_twin(void)
{
    char p[6], t[6];
    size_t wrong = 0;

    for (unsigned i = 0; i < 4 * 4 * 4 * 4 * 4; i++)
        for (int pn = 0; pn <= 5; pn++)
            for (unsigned j = 0; j < 32; j++)
                for (int tn = 0; tn <= 5; tn++) {
                    for (int k = 0; k < pn; k++)
                        p[k] = "ab?*"[i >> 2 * k & 3];
                    for (int k = 0; k < tn; k++)
                        t[k] = "ab"[j >> k & 1];
                    p[pn] = t[tn] = '\0';
                    wrong += fl_glob(p, t) != slow(p, t);
                }
    CHECK(wrong == 0);
}

int
main(void)
{
    RUN(test_words);
    RUN(test_twin);
    return test_end();
}
