/* A roster from YAML to its canonical form and from that to values; its signatures. */
#include "sec/roster.h"

#include "federation.h"
#include "sec/fingerprint.h"

static const char all_lines[] =
    "first_round: 9\npsk: true\napply: {rule: nesterov, lr: 0.7, momentum: 0.9}\n"
    "protection: helpers\nhelpers: [b, \"@aux\"]\nreplay: [aux, c]\nmin_sum: 3\n"
    "weights: {rule: dynamic, floor: 0.5, cap: 1, hide: true}\n"
    "tensors:\n  - {match: \"*norm*\", protect: mask, bits: 32, clip: 0.05}\n"
    "  - {match: embed, protect: frozen}\n"
    "  - {match: \"head*\", protect: plain, bits: 64, clip: 8}\n"
    "  - {match: \"*\", protect: mask, bits: 21, clip: 0.2}\n"
    "steps: 100\nmove: 0\nmax_open: 2\nmax_skip: 64\nmax_age: 12\n";
static const char recipe_line[] =
    "recipe: {steps: 9, length: 8, lr: 0.5, schedule: wsd, document_mask: true}\n";

static void
test_defaults(void)
{
    struct federation f;

    fed_start(&f, 5, "");
    const struct fl_roster *r = &f.roster;
    CHECK_TEXT(r->federation, "test");
    CHECK(r->n == 5 && r->m == 0 && r->party_count == 5 && r->replay_count == 0);
    CHECK(r->epoch == 1 && r->first_round == 0 && !r->psk && !memcmp(r->model, f.model, 32));
    CHECK(r->apply == FL_APPLY_SGD && r->lr == 1 && r->momentum == 0 && r->min_sum == 5);
    CHECK(r->protection == FL_PROTECTION_PAIRWISE && r->weights.rule == FL_WEIGHT_UNIFORM);
    CHECK(r->weights.floor == 1 && r->weights.cap == 1 && !r->weights.hide);
    CHECK(r->steps == 64 && r->move == 1.0 / 64);
    CHECK(r->max_open == 4 && r->max_skip == 1024 && r->max_age == 1000);
    CHECK(r->rule_count == 1 && r->rules[0].scale == 0x1p29); /* 5 * 2^28 < 2^31 */
    fed_end(&f);
}

static void
check_values(const struct federation *f, const struct fl_roster *r)
{
    CHECK(r->n == 4 && r->m == 2 && r->party_count == 5 && r->first_round == 9 && r->psk);
    CHECK(r->apply == FL_APPLY_NESTEROV && r->lr == 0.7 && r->momentum == 0.9);
    CHECK(r->protection == FL_PROTECTION_HELPERS && r->helpers[0] == 1 && r->helpers[1] == 4);
    CHECK_TEXT(r->parties[4].name, "aux");
    CHECK(!memcmp(r->parties[4].sign, f->key[FED_AUX]->public, 32));
    CHECK(r->replay_count == 2 && r->replay[0] == 4 && r->replay[1] == 2 && r->min_sum == 3);
    CHECK(r->weights.rule == FL_WEIGHT_DYNAMIC && r->weights.floor == 0.5 && r->weights.cap == 1);
    CHECK(r->weights.alpha == 0.5 && r->weights.tokens == 1e6 && r->weights.mbit == 100);
    CHECK(r->weights.unit == 1000 && r->weights.hide && r->rule_count == 4);
    CHECK(r->rules[0].protect == FL_PROTECT_MASK && r->rules[0].bits == 32);
    CHECK(r->rules[0].clip == 0.05 && r->rules[0].scale == 8589934592.0);
    CHECK(r->rules[1].protect == FL_PROTECT_FROZEN && r->rules[1].bits == 0);
    CHECK(r->rules[2].protect == FL_PROTECT_PLAIN && r->rules[2].scale == 0x1p57);
    CHECK(r->rules[3].scale == 1048576.0);
    CHECK(r->steps == 100 && r->move == 0);
    CHECK(r->max_open == 2 && r->max_skip == 64 && r->max_age == 12);
}

/* A recipe is items of its own; where none is agreed, the form is as long as without. */
static void
check_recipe(const struct fl_roster *r)
{
    CHECK(r->recipe.steps == 9 && r->recipe.length == 8 && r->recipe.lr == 0.5);
    CHECK(r->recipe.epochs == -1 && r->recipe.clip == -1 && r->recipe.document_mask);
    CHECK_TEXT(r->recipe.schedule, "wsd");
}

static void
test_recipe(void)
{
    struct federation f;
    struct fl_roster again;

    fed_start(&f, 4, recipe_line);
    check_recipe(&f.roster);
    CHECK(!fl_roster_decode(&again, f.roster.canonical.data, f.roster.canonical.len));
    check_recipe(&again);
    CHECK(!memcmp(again.digest, f.roster.digest, 32));
    fl_roster_release(&again);
    fed_end(&f);
}

/* All that can be written is there, also when only the canonical form is read. */
static void
test_values(void)
{
    struct federation f;
    struct fl_roster again;

    fed_start(&f, 4, all_lines);
    check_values(&f, &f.roster);
    const struct fl_roster *r = &f.roster;
    CHECK(!fl_roster_decode(&again, r->canonical.data, r->canonical.len));
    check_values(&f, &again);
    CHECK(!memcmp(again.digest, r->digest, 32) && again.canonical.len == r->canonical.len);
    fl_roster_release(&again);

    CHECK(fl_roster_find(r, "c") == 2 && fl_roster_find(r, "aux") == 4);
    CHECK(fl_roster_find(r, "hub") == (int64_t)FL_SIGNER_HUB && fl_roster_find(r, "x") == -1);
    CHECK(fl_roster_find_key(r, f.key[3]->public) == 3 && fl_roster_find_key(r, r->digest) == -1);
    CHECK(fl_roster_find_key(r, f.key[FED_AUX]->public) == 4);
    CHECK(fl_roster_find_key(r, f.key[FED_HUB]->public) == (int64_t)FL_SIGNER_HUB);
    CHECK(fl_roster_line(r, 4) == &r->parties[4] && fl_roster_line(r, 5) == NULL);
    CHECK(fl_roster_line(r, FL_SIGNER_HUB) == &r->hub);
    CHECK(fl_roster_helper(r, 1) == 0 && fl_roster_helper(r, 4) == 1);
    CHECK(fl_roster_helper(r, 0) == -1 && fl_roster_helper(r, FL_SIGNER_HUB) == -1);
    CHECK_REFUSED(fl_roster_no_party(r, "auy"), FL_USAGE,
                  "sites and helpers; did you mean \"aux\"?");

    CHECK(fl_roster_rule(r, "layer.norm.weight") == &r->rules[0]); /* the first that matches */
    CHECK(fl_roster_rule(r, "embed") == &r->rules[1] && fl_roster_rule(r, "head") == &r->rules[2]);
    CHECK(fl_roster_rule(r, "x") == &r->rules[3]);
    fed_end(&f);
}

static void
key_of(struct fl_key *key, unsigned char sign, unsigned char dh)
{
    key->epoch = 3;
    memset(key->seed, sign, 32);
    fl_sign_pair(key->seed, key->public, key->secret);
    memset(key->dh, dh, 32);
}

/* Of "secagg.py vectors", which takes the same keys. */
static void
test_vectors(void)
{
    static const struct {
        const char *more, *digest, *words;
        size_t len;
    } vectors[] = {
        {"tensors: [{match: \"*\", protect: mask, bits: 16, clip: 0.2}]\n",
         "5406ed73c5409a6109ed52f692a8b3cbb80d5265248be56ddec9a483a4b6e938",
         "busig kotar hapuv tabid midal duzup vikuv sotuh dobav luvos rogip tikom", 2030},
        {all_lines, "071d3fc3d6715f224e9afefd93114a42108c6fb791ce66ba02ca9c42b55b4963",
         "pogal muras gamon jagat zavup hagih nugan bomab hagav gurof zonar vuvov", 2426},
    };
    struct federation f;

    fed_start(&f, 4, "");
    for (unsigned char i = 0; i < 4; i++)
        key_of(f.key[i], i + 1, i + 65);
    key_of(f.key[FED_AUX], 5, 69);
    key_of(f.key[FED_HUB], 6, 70);
    f.epoch = 3;
    memset(f.model, 0x0f, 32);
    for (size_t i = 0; i < 2; i++) {
        char more[1000], digest[65], words[FL_FINGERPRINT_TEXT];
        snprintf(more, sizeof more, "federation: vectors\n%s", vectors[i].more);
        CHECK(!fed_roster(&f, more));
        fl_hex(digest, f.roster.digest, 32);
        CHECK_TEXT(digest, vectors[i].digest);
        fl_fingerprint_text(words, f.roster.digest);
        CHECK_TEXT(words, vectors[i].words);
        CHECK(f.roster.canonical.len == vectors[i].len);
    }
    fed_end(&f);
}

/* What people may write in two ways is one roster; whatever they agree on otherwise is another. */
static void
test_digest(void)
{
    static const char *const same[] = {
        "first_round: 0\npsk: false\n",
        "apply: {rule: sgd, lr: 1, momentum: 0}\nprotection: pairwise\nhelpers: []\nreplay: []\n",
        "min_sum: 4\nweights: {rule: uniform, floor: 1, cap: 1, alpha: 0.5, hide: false}\n",
        "steps: 64\nmove: 0.015625\nnoise: none\nmax_open: 4\nmax_skip: 1024\nmax_age: 1000\n",
        "tensors:\n- match: '*'\n  protect: mask\n  bits: 32\n  clip: 5e-1\n",
        "delay: 0\nstale: 0\n",
        "hub: \"  @hub \"\n", /* spaces around a line */
    };
    static const char *const others[] = {
        "federation: other\n",
        "first_round: 1\n",
        "psk: true\n",
        "model: 0000000000000000000000000000000000000000000000000000000000000000\n",
        "apply: {lr: 0.5}\n",
        "apply: {rule: momentum}\n",
        "apply: {rule: nesterov}\n",
        "apply: {rule: nesterov, momentum: 0.5}\n",
        "sites: [\"@b\", \"@a\", \"@c\", \"@d\"]\n", /* another order */
        "sites: [\"@a\", \"@b\", \"@c\"]\n",
        "hub: \"@aux\"\n",
        "protection: helpers\nhelpers: [a, b]\nmin_sum: 4\n",
        "protection: helpers\nhelpers: [b, a]\nmin_sum: 4\n",
        "protection: helpers\nhelpers: [a, \"@aux\"]\nmin_sum: 4\n",
        "protection: helpers\nhelpers: [a, b]\nmin_sum: 3\n",
        "protection: helpers\nhelpers: [a, b]\nreplay: [c]\nmin_sum: 4\n",
        "weights: {rule: loss, floor: 1, cap: 1}\n",
        "weights: {rule: loss, floor: 0.5, cap: 1}\n",
        "weights: {rule: loss, floor: 1, cap: 2}\n",
        "weights: {rule: examples, floor: 1, cap: 1}\n",
        "weights: {alpha: 1}\n",
        "weights: {tokens: 1}\n",
        "weights: {mbit: 1}\n",
        "weights: {unit: 1}\n",
        "weights: {hide: true}\n",
        "tensors: [{match: \"**\", protect: mask, bits: 32, clip: 0.5}]\n",
        "tensors: [{match: \"*\", protect: mask, bits: 31, clip: 0.5}]\n",
        "tensors: [{match: \"*\", protect: mask, bits: 32, clip: 0.25}]\n",
        "tensors: [{match: \"*\", protect: mask, bits: 32, clip: 0.5}, {match: a, protect: "
        "frozen}]\n",
        "tensors: [{match: a, protect: frozen}, {match: \"*\", protect: mask, bits: 32, clip: "
        "0.5}]\n",
        "tensors: [{match: a, protect: plain, bits: 8, clip: 1}, {match: \"*\", protect: mask, "
        "bits: "
        "32, clip: 0.5}]\nsteps: 16\n",
        "steps: 65\n",
        "move: 0.25\n",
        "max_open: 5\n",
        "max_skip: 1023\n",
        "max_age: 999\n",
        "delay: 1\n",
        "recipe: {steps: 1}\n",
        "recipe: {steps: 2}\n",
        "recipe: {steps: 2, schedule: wsd}\n",
        "recipe: {steps: 2, lr: 0.5}\n",
        "recipe: {steps: 2, document_mask: true}\n",
    };
    enum { OTHERS = sizeof others / sizeof *others };
    unsigned char digests[OTHERS + 1][32];
    struct federation f;

    fed_start(&f, 4, "");
    memcpy(digests[OTHERS], f.roster.digest, 32);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        CHECK(!fed_roster(&f, same[i]) && !memcmp(f.roster.digest, digests[OTHERS], 32));
    for (size_t i = 0; i < OTHERS; i++) {
        CHECK(!fed_roster(&f, others[i]));
        memcpy(digests[i], f.roster.digest, 32);
    }
    for (size_t i = 0; i <= OTHERS; i++)
        for (size_t k = 0; k < i; k++)
            CHECK(memcmp(digests[i], digests[k], 32));
    fed_end(&f);
}

/* One bit anywhere in the canonical form: refused, or another fingerprint. Cut: refused. */
static void
test_every_bit(void)
{
    struct federation f;
    struct fl_roster other;

    fed_start(&f, 3, FED_HELPERS "min_sum: 3\nreplay: [c]\n");
    unsigned char *bytes = f.roster.canonical.data;
    size_t more = test_under_valgrind() ? 80 : 0; /* fewer bytes */
    for (size_t bit = 0; bit < 8 * f.roster.canonical.len; bit += more + (bit % 8 == 5 ? 3 : 5)) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        fl_error_clear();
        if (!fl_roster_decode(&other, bytes, f.roster.canonical.len)) {
            CHECK(memcmp(other.digest, f.roster.digest, 32));
            fl_roster_release(&other);
        } else {
            CHECK(fl_error_status() != FL_OK && !other.parties && !other.rules);
        }
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < f.roster.canonical.len; cut += 7)
        CHECK(fl_roster_decode(&other, bytes, cut) == -1);
    fed_end(&f);
}

/* The canonical form with one item as it should not be. */
static void
test_canonical_items(void)
{
    static const char *const unknown[] = {"noise.scale", "he.bits", "delays",  "recipe",
                                          "contracts",   "budget",  "params",  "policy.vary",
                                          "vary",        "Epoch",   "tensors", "zzz"};
    struct federation f;
    struct fl_roster r;
    struct fl_meta meta = {0}, changed;
    struct fl_buf bytes = {0};
    size_t at = 0;

    fed_start(&f, 3, FED_HELPERS "min_sum: 3\nreplay: [c]\n");
    CHECK(!fl_meta_decode(&meta, f.roster.canonical.data, f.roster.canonical.len, &at));
    CHECK(meta.count == 32);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) { /* what it cannot keep to */
        changed = (struct fl_meta){0};
        fl_buf_clear(&bytes);
        CHECK(!fl_meta_copy(&changed, &meta) && !fl_meta_set_i64(&changed, unknown[i], 1) &&
              !fl_meta_encode(&changed, &bytes));
        CHECK_REFUSED(fl_roster_decode(&r, bytes.data, bytes.len), FL_USAGE,
                      "has 33 values where this version knows 32");
        fl_meta_release(&changed);
    }
    for (size_t i = 0; i < meta.count;
         i++) { /* each one missing, in another's place, of another type */
        const struct fl_meta_item *item = &meta.items[i];
        for (int how = 0; how < 3; how++) {
            changed = (struct fl_meta){0};
            fl_buf_clear(&bytes);
            CHECK(!fl_meta_copy(&changed, &meta));
            fl_meta_remove(&changed, item->key);
            if (how == 1)
                CHECK(!fl_meta_set_i64(&changed, "zzz", 1));
            if (how == 2 && item->type == FL_META_I64)
                CHECK(!fl_meta_set_f64(&changed, item->key, 3));
            else if (how == 2)
                CHECK(!fl_meta_set_i64(&changed, item->key, 3));
            CHECK(!fl_meta_encode(&changed, &bytes));
            CHECK_REFUSED(fl_roster_decode(&r, bytes.data, bytes.len), fl_error_status(), "");
            CHECK(fl_error_status() == FL_USAGE || fl_error_status() == FL_FAILED);
            CHECK(how == 0 || fed_says(item->key));
            fl_meta_release(&changed);
        }
    }
    fl_meta_release(&meta);
    fl_buf_release(&bytes);
    fed_end(&f);
}

/* Values that only a canonical form can hold, which YAML does not let through. */
static void
test_canonical_values(void)
{
    static const struct {
        const char *key, *text;
        int64_t number;
        double real;
        const char *words;
    } cases[] = {
        {"protection", "nothing", 0, 0, "\"nothing\" is not known"},
        {"noise", "gauss", 0, 0, "\"gauss\" is not known"},
        {"apply.rule", "adam", 0, 0, "\"adam\" is not known"},
        {"weights.rule", "size", 0, 0, "\"size\" is not known"},
        {"federation", "a b", 0, 0, "federation"},
        {"hub", "hub", 0, 0, "hub"},
        {"epoch", NULL, -1, 0, "epoch"},
        {"epoch", NULL, 2, 0, "epoch"}, /* lines are for epoch 1 */
        {"first_round", NULL, -1, 0, "first_round"},
        {"psk", NULL, 2, 0, "psk"},
        {"recipe.length", NULL, 9, 0, "needed are steps"},
        {"recipe.steps", NULL, -1, 0, "recipe.steps"},
        {"recipe.colour", NULL, 1, 0, "has 33 values where this version knows 32"},
        {"min_sum", NULL, 0, 0, "min_sum"},
        {"max_open", NULL, 17, 0, "max_open"},
        {"max_open", NULL, 0, 0, "max_open"},
        {"max_skip", NULL, 4097, 0, "max_skip"},
        {"max_age", NULL, 0, 0, "max_age"},
        {"delay", NULL, 0, 0, "delay"}, /* 0 is written by leaving it out */
        {"delay", NULL, 2, 0, "delay"},
        {"stale", NULL, 0, 0, "stale"},
        {"stale", NULL, 64, 0, "stale"},
        {"stale", NULL, 3, 0, "belongs to protection none"},
        {"protection", "none", 0, 0, "travel as they are"},
        {"weights.hide", NULL, 2, 0, "weights.hide"},
        {"apply.lr", NULL, 0, NAN, "apply.lr"},
        {"apply.lr", NULL, 0, 2e6, "apply"},
        {"apply.momentum", NULL, 0, -0.5, "apply"},
        {"weights.floor", NULL, 0, INFINITY, "weights.floor"},
        {"weights.alpha", NULL, 0, 4.5, "alpha"},
        {"weights.tokens", NULL, 0, 0.5, "tokens"},
        {"weights.mbit", NULL, 0, 1e-9, "mbit"},
        {"weights.unit", NULL, 0, 0.5, "unit"},
        {"steps", NULL, 0, 15.5, "steps"},
        {"steps", NULL, 0, -64, "steps"},
        {"move", NULL, 0, -1e-9, "move"},
        {"move", NULL, 0, NAN, "move"},
    };
    struct federation f;
    struct fl_roster r;
    struct fl_meta meta = {0};
    struct fl_buf bytes = {0};

    fed_start(&f, 3, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at = 0;
        fl_meta_release(&meta);
        meta = (struct fl_meta){0};
        fl_buf_clear(&bytes);
        CHECK(!fl_meta_decode(&meta, f.roster.canonical.data, f.roster.canonical.len, &at));
        CHECK(!(cases[i].text        ? fl_meta_set_text(&meta, cases[i].key, cases[i].text)
                : cases[i].real != 0 ? fl_meta_set_f64(&meta, cases[i].key, cases[i].real)
                                     : fl_meta_set_i64(&meta, cases[i].key, cases[i].number)));
        CHECK(!fl_meta_encode(&meta, &bytes));
        CHECK_REFUSED(fl_roster_decode(&r, bytes.data, bytes.len), fl_error_status(),
                      cases[i].words);
    }
    fl_meta_release(&meta);
    fl_buf_release(&bytes);
    fed_end(&f);
}

/* Bytes behind the canonical form, and more of them than there may be. */
static void
test_sizes(void)
{
    struct federation f;
    struct fl_roster r;
    struct fl_buf bytes = {0};

    fed_start(&f, 3, "");
    CHECK(!fl_buf_add(&bytes, f.roster.canonical.data, f.roster.canonical.len) &&
          !fl_buf_add(&bytes, "", 1));
    CHECK_REFUSED(fl_roster_decode(&r, bytes.data, bytes.len), FL_USAGE, "canonical");
    CHECK_REFUSED(fl_roster_decode(&r, bytes.data, FL_ROSTER_MAX + 1), FL_USAGE, "at most 8388608");
    fl_buf_release(&bytes);
    fed_end(&f);
}

/* A file: its name stands in front of what is wrong with it. */
static void
test_read(void)
{
    struct federation f;
    struct fl_roster r;
    struct fl_buf yaml = {0};

    fed_start(&f, 3, "");
    fed_yaml(&f, "max_age: 7\n", &yaml);
    CHECK(!fl_output_write_file(fed_path(&f, "roster.yaml"), yaml.data, yaml.len, 0));
    CHECK(!fl_roster_read(&r, fed_path(&f, "roster.yaml")) && r.max_age == 7);
    fl_roster_release(&r);
    fed_yaml(&f, "min_sum: 2\n", &yaml);
    CHECK(!fl_output_write_file(fed_path(&f, "roster.yaml"), yaml.data, yaml.len, 0));
    CHECK_REFUSED(fl_roster_read(&r, fed_path(&f, "roster.yaml")), FL_USAGE,
                  "roster.yaml: min_sum: ");
    CHECK_REFUSED(fl_roster_read(&r, fed_path(&f, "none.yaml")), FL_FAILED, "none.yaml");
    fl_buf_release(&yaml);
    fed_end(&f);
}

static void
test_signatures(void)
{
    struct federation f;
    struct fl_sign sign, other;
    unsigned char digest[32] = {1};

    fed_start(&f, 3, FED_HELPERS "min_sum: 3\n");
    fl_roster_sign(&f.roster, 1, f.key[1], "masked", digest, &sign);
    CHECK(!fl_roster_check_sign(&f.roster, "masked", digest, &sign));
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "update", digest, &sign), FL_REFUSED, "\"b\"");
    digest[5] = 1;
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &sign), FL_REFUSED, "\"b\"");
    digest[5] = 0;
    other = sign; /* b's signature in a's place, then as the hub's, and as nobody's */
    other.signer = 0;
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &other), FL_REFUSED, "its own");
    other.signer = FL_SIGNER_HUB;
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &other), FL_REFUSED, "its own");
    other.signer = 4;
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &other), FL_REFUSED, "its own");
    other = sign; /* a's name and key, b's signature */
    other.signer = 0;
    memcpy(other.key, f.key[0]->public, 32);
    memcpy(other.name, "a", 2);
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &other), FL_REFUSED, "hold");
    other = sign; /* a good signature beside a key that is not b's */
    other.key[0] ^= 1;
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &other), FL_REFUSED, "its own");
    other = sign;
    other.roster[0] ^= 1;
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &other), FL_REFUSED, "another");
    for (int bit = 0; bit < 512; bit += test_under_valgrind() ? 41 : 3) {
        other = sign;
        other.signature[bit / 8] ^= (unsigned char)(1 << bit % 8);
        CHECK(fl_roster_check_sign(&f.roster, "masked", digest, &other) == -1);
    }
    fl_roster_sign(&f.roster, 3, f.key[FED_AUX], "answer", digest, &sign);
    CHECK(!fl_roster_check_sign(&f.roster, "answer", digest, &sign));
    fl_roster_sign(&f.roster, FL_SIGNER_HUB, f.key[FED_HUB], "plan", digest, &sign);
    CHECK(!fl_roster_check_sign(&f.roster, "plan", digest, &sign));
    fed_end(&f);
}

/* Signatures of one object as a reader hands them out. */
static void
test_verifier(void)
{
    struct federation f;
    struct fl_sign sign;

    fed_start(&f, 3, "");
    struct fl_verifier v = {.roster = &f.roster, .kind = "model"}, any = {.kind = "model"};
    CHECK_REFUSED(fl_verifier_end(&v, "x.flt"), FL_REFUSED, "x.flt: is not signed");
    CHECK(!fl_verifier_end(&any, "x.flt"));
    fl_roster_sign(&f.roster, 2, f.key[2], "model", v.digest, &sign);
    CHECK(!fl_verifier_check(&v, &sign) && v.count == 1 && !fl_verifier_end(&v, "x.flt"));
    sign.signature[0] ^= 1;
    CHECK(fl_verifier_check(&v, &sign) == -1 && v.count == 1);
    CHECK(!fl_verifier_check(&any, &sign) && any.count == 1);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_defaults);
    RUN(test_values);
    RUN(test_recipe);
    RUN(test_vectors);
    RUN(test_digest);
    RUN(test_every_bit);
    RUN(test_canonical_items);
    RUN(test_canonical_values);
    RUN(test_sizes);
    RUN(test_read);
    RUN(test_signatures);
    RUN(test_verifier);
    return test_end();
}
