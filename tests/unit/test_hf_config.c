/* config.json: what each says, or the words of its refusal; and what is written reads back the same. */
#include "port/hf_config.h"

#include "nn/preset.h"
#include "test.h"

#define LLAMA_SIZES                                                                                \
    "'vocab_size':100,'hidden_size':24,'intermediate_size':20,'num_hidden_layers':2,"              \
    "'num_attention_heads':4"
#define LLAMA   "'model_type':'llama'," LLAMA_SIZES
#define MISTRAL "'model_type':'mistral','num_key_value_heads':2," LLAMA_SIZES
#define QWEN2   "'model_type':'qwen2','num_key_value_heads':2," LLAMA_SIZES
#define QWEN3   "'model_type':'qwen3','num_key_value_heads':2," LLAMA_SIZES
#define GPT2    "'model_type':'gpt2','vocab_size':100,'n_embd':24,'n_layer':2,'n_head':4"
#define LLAMA3                                                                                     \
    "'rope_type':'llama3','factor':8,'low_freq_factor':1,'high_freq_factor':4,"                    \
    "'original_max_position_embeddings':16"

/* The object {TEXT}, with ' for ". */
static json_t *
object(const char *text)
{
    char json[2048];

    snprintf(json, sizeof json, "{%s}", text);
    for (char *p = json; *p; p++)
        if (*p == '\'')
            *p = '"';
    json_t *o = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    if (!o)
        printf("# no JSON: %s\n", json);
    CHECK(o != NULL);
    return o;
}

static int
read_config(const char *text, const struct fl_family **family, struct fl_config *c,
            struct fl_buf *notes)
{
    json_t *file = object(text);
    int result = fl_hf_config(family, c, file, "config.json", notes);

    json_decref(file);
    return result;
}

/* What a plain one of each family is, with TEXT in addition, and one member of it that is VALUE. */
static const struct {
    const char *text;
    size_t member;
    double value;
} said[] = {
#define IS(text, member, value)                                                                    \
    {                                                                                              \
        text, offsetof(struct fl_config, member), value                                            \
    }
    IS(LLAMA, vocab, 100),
    IS(LLAMA, ctx, 2048),
    IS(LLAMA, layers, 2),
    IS(LLAMA, channels, 24),
    IS(LLAMA, heads, 4),
    IS(LLAMA, kv_heads, 4),
    IS(LLAMA, head_dim, 6),
    IS(LLAMA, ffn, 20),
    IS(LLAMA, norm_eps, 1e-6),
    IS(LLAMA, rope_base, 10000),
    IS(LLAMA, window, 0),
    IS(LLAMA, rope_dim, 0),
    IS(LLAMA, bias, 0),
    IS(LLAMA ",'num_key_value_heads':null", kv_heads, 4),
    IS(LLAMA ",'head_dim':10", head_dim, 10),
    IS(LLAMA ",'attention_bias':true", bias, FL_BIAS_QKV | FL_BIAS_O),
    IS(LLAMA ",'mlp_bias':true", bias, FL_BIAS_FFN),
    IS(LLAMA ",'rope_theta':5e5", rope_base, 5e5),
    IS(LLAMA ",'rope_theta':null,'rope_parameters':{'rope_theta':7e5}", rope_base, 7e5),
    IS(LLAMA ",'partial_rotary_factor':0.5,'head_dim':8", rope_dim, 4),
    IS(LLAMA ",'head_dim':44,'partial_rotary_factor':0.6818181818181819", rope_dim, 30),
    IS(LLAMA ",'rope_scaling':{'type':'linear','factor':3}", rope_scaling.kind, FL_ROPE_LINEAR),
    IS(LLAMA ",'rope_scaling':{'type':'linear','factor':3}", rope_scaling.factor, 3),
    IS(LLAMA ",'rope_scaling':{" LLAMA3 "}", rope_scaling.kind, FL_ROPE_LLAMA3),
    IS(LLAMA ",'rope_scaling':{" LLAMA3 "}", rope_scaling.low, 1),
    IS(LLAMA ",'rope_scaling':{" LLAMA3 "}", rope_scaling.high, 4),
    IS(LLAMA ",'rope_scaling':{" LLAMA3 "}", rope_scaling.ctx, 16),
    IS(LLAMA ",'rope_parameters':{" LLAMA3 ",'rope_theta':9}", rope_scaling.factor, 8),
    IS(LLAMA ",'original_max_position_embeddings':32,'rope_scaling':{'rope_type':'llama3',"
             "'factor':8,'low_freq_factor':1,'high_freq_factor':4}",
       rope_scaling.ctx, 32),
    IS(MISTRAL, ctx, 131072),
    IS(MISTRAL, window, 4096),
    IS(MISTRAL ",'sliding_window':null", window, 0),
    IS(MISTRAL ",'sliding_window':9", window, 9),
    IS("'model_type':'mistral'," LLAMA_SIZES ",'num_key_value_heads':null", kv_heads, 4),
    IS(QWEN2, ctx, 32768),
    IS(QWEN2, bias, FL_BIAS_QKV),
    IS(QWEN2, window, 0),
    IS(QWEN2 ",'sliding_window':9", window, 0),
    IS(QWEN2 ",'use_sliding_window':true,'max_window_layers':0", window, 4096),
    IS(QWEN2 ",'use_sliding_window':true,'sliding_window':9,'max_window_layers':0", window, 9),
    IS(QWEN2 ",'use_sliding_window':true,'sliding_window':9,'max_window_layers':2", window, 0),
    IS(QWEN2 ",'use_sliding_window':true,'sliding_window':9", window, 0), /* 28 when missing */
    IS(QWEN3, head_dim, 128),
    IS(QWEN3, bias, 0),
    IS(QWEN3 ",'attention_bias':true", bias, FL_BIAS_QKV | FL_BIAS_O),
    IS(QWEN3 ",'head_dim':10", head_dim, 10),
    IS(GPT2, ctx, 1024),
    IS(GPT2, ffn, 96),
    IS(GPT2, kv_heads, 4),
    IS(GPT2, head_dim, 6),
    IS(GPT2, norm, FL_NORM_LAYER),
    IS(GPT2, act, FL_ACT_GELU_TANH),
    IS(GPT2, positions, FL_POSITIONS_LEARNED),
    IS(GPT2, bias, FL_BIAS_ALL),
    IS(GPT2, norm_eps, 1e-5),
    IS(GPT2, rope_base, 0),
    IS(GPT2 ",'n_inner':31", ffn, 31),
    IS(GPT2 ",'activation_function':'gelu'", act, FL_ACT_GELU),
    IS(GPT2 ",'activation_function':'gelu_pytorch_tanh'", act, FL_ACT_GELU_TANH),
};

#define NUMBER(member) offsetof(struct fl_config, member)

/* Members are doubles or of 32 bits. */
static double
member(const struct fl_config *c, size_t offset)
{
    uint32_t whole;
    double real;

    if (offset == NUMBER(norm_eps) || offset == NUMBER(rope_base) ||
        offset == NUMBER(rope_scaling.factor) || offset == NUMBER(rope_scaling.low) ||
        offset == NUMBER(rope_scaling.high)) {
        memcpy(&real, (const char *)c + offset, sizeof real);
        return real;
    }
    memcpy(&whole, (const char *)c + offset, sizeof whole);
    return whole;
}

static void
test_said(void)
{
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        const struct fl_family *family;
        struct fl_config c;
        struct fl_buf notes = {0};
        int result = read_config(said[i].text, &family, &c, &notes);

        if (result || member(&c, said[i].member) != said[i].value)
            printf("# %s: %g, not %g\n", said[i].text, result ? -1 : member(&c, said[i].member),
                   said[i].value);
        CHECK(!result && member(&c, said[i].member) == said[i].value);
        fl_buf_release(&notes);
    }
}

static void
test_flags(void)
{
    static const struct {
        const char *text;
        bool tied, qk_norm;
    } cases[] = {{LLAMA, false, false},
                 {LLAMA ",'tie_word_embeddings':true", true, false},
                 {QWEN3, false, true},
                 {GPT2, true, false},
                 {GPT2 ",'tie_word_embeddings':null", true, false},
                 {GPT2 ",'tie_word_embeddings':false", false, false}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fl_family *family;
        struct fl_config c;
        struct fl_buf notes = {0};

        CHECK(!read_config(cases[i].text, &family, &c, &notes));
        CHECK(c.tied == cases[i].tied && c.qk_norm == cases[i].qk_norm);
        CHECK(!notes.len);
        fl_buf_release(&notes);
    }
}

static const struct {
    const char *text, *words;
} refused[] = {
    {"", "\"model_type\" is missing"},
    {"'model_type':7", "\"model_type\" is no text"},
    {"'model_type':'gemma'", "\"model_type\" is \"gemma\"; only \"llama\""},
    {"'model_type':'llama'", "\"vocab_size\" is not a positive whole number"},
    {LLAMA ",'hidden_act':'gelu'", "\"hidden_act\" is not \"silu\""},
    {LLAMA ",'hidden_act':'-'", "\"hidden_act\" is not \"silu\""},
    {GPT2 ",'activation_function':'silu'", "\"activation_function\" is not \"gelu_new\""},
    {LLAMA ",'rms_norm_eps':0", "\"rms_norm_eps\" is not a number above 0"},
    {LLAMA ",'rms_norm_eps':2", "norm_eps"},
    {LLAMA ",'rms_norm_eps':'1e-5'", "\"rms_norm_eps\" is not a number"},
    {LLAMA ",'tie_word_embeddings':0", "\"tie_word_embeddings\" is neither true nor false"},
    {LLAMA ",'attention_bias':1", "\"attention_bias\" is neither true nor false"},
    {QWEN2 ",'attention_bias':true", "\"attention_bias\" is not supported"},
    {LLAMA ",'max_position_embeddings':null", "\"max_position_embeddings\" is not a positive"},
    {LLAMA ",'max_position_embeddings':4294967295", "\"max_position_embeddings\""},
    {LLAMA ",'max_position_embeddings':2147483647", "ctx"},
    {LLAMA ",'head_dim':7", "head_dim: 7 is odd"},
    {LLAMA ",'num_key_value_heads':3", "kv_heads: 3"},
    {"'model_type':'qwen2'," LLAMA_SIZES, "kv_heads: 32"},
    {LLAMA ",'rope_scaling':{'type':'linear'}", "\"factor\" is not a number above 0"},
    {LLAMA ",'rope_scaling':{'type':'linear','factor':-1}", "\"factor\" is not a number above 0"},
    {LLAMA ",'rope_scaling':{'type':'linear','factor':1e300}", "rope_factor"},
    {LLAMA ",'rope_scaling':{'type':'yarn','factor':2}", "\"rope_scaling\" is not of type"},
    {LLAMA ",'rope_scaling':[]", "\"rope_scaling\" is not of type"},
    {LLAMA ",'rope_parameters':{'rope_type':'dynamic','factor':2}",
     "\"rope_parameters\" is not of"},
    {LLAMA ",'rope_parameters':{'full_attention':{'rope_type':'default'}}",
     "\"rope_parameters\" is"},
    {LLAMA ",'rope_theta':1e4,'rope_parameters':{'rope_theta':1e5}", "\"rope_theta\" is another"},
    {LLAMA ",'rope_theta':0.5", "rope_base: 0.5 is out of range"},
    {LLAMA ",'partial_rotary_factor':2", "\"partial_rotary_factor\" is above 1"},
    {LLAMA ",'partial_rotary_factor':0.01", "\"partial_rotary_factor\" leaves no channel"},
    {LLAMA ",'sliding_window':9", "\"sliding_window\" is not supported in models of this family"},
    {MISTRAL ",'layer_types':['full_attention','full_attention']",
     "\"layer_types\" has no windows"},
    {MISTRAL ",'layer_types':['full_attention']", "\"layer_types\" is not a list"},
    {MISTRAL ",'sliding_window':2000000", "window"},
    {QWEN2 ",'layer_types':['sliding_attention','sliding_attention']",
     "\"layer_types\" has windows, and \"use_sliding_window\""},
    {QWEN2 ",'layer_types':['full_attention','sliding_attention']",
     "\"layer_types\" is not the same"},
    {QWEN2 ",'use_sliding_window':true,'max_window_layers':1", "\"max_window_layers\" gives"},
    {QWEN2 ",'max_window_layers':-1", "\"max_window_layers\" is not a whole number"},
    {GPT2 ",'scale_attn_weights':false", "\"scale_attn_weights\" is false"},
    {GPT2 ",'scale_attn_weights':'no'", "\"scale_attn_weights\" is neither"},
    {"'model_type':'gpt2','vocab_size':100,'n_embd':24,'n_layer':2,'n_head':5",
     "24 channels are no multiple of the 5"},
    {GPT2 ",'n_inner':0", "\"n_inner\" is not a positive"},
    {LLAMA ",'num_local_experts':8", "\"num_local_experts\" is not supported"},
};

/* Each refusal is one of the file's content, and begins with its name. */
static void
test_refused(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct fl_family *family;
        struct fl_config c;
        struct fl_buf notes = {0};
        json_t *file = object(refused[i].text);

        fl_error_clear();
        int result = fl_hf_config(&family, &c, file, "x.json", &notes);
        if (!result || !strstr(fl_error_text(), refused[i].words))
            printf("# %s: %s\n", refused[i].text, result ? fl_error_text() : "read");
        CHECK(result == -1 && strstr(fl_error_text(), refused[i].words));
        CHECK(fl_error_status() == FL_FAILED && !strncmp(fl_error_text(), "x.json: ", 8));
        json_decref(file);
        fl_buf_release(&notes);
    }
}

static void
test_notes(void)
{
    const struct fl_family *family;
    struct fl_config c;
    struct fl_buf notes = {0};

    CHECK(!read_config(GPT2 ",'resid_pdrop':0.1,'n_ctx':7,'new':{},'summary_type':'x'", &family, &c,
                       &notes));
    CHECK_TEXT(fl_buf_text(&notes), "config.json: not known here and not applied: resid_pdrop\n");
    fl_buf_clear(&notes);
    CHECK(!read_config(LLAMA ",'n_ctx':7,'bos_token_id':1", &family, &c, &notes));
    CHECK_TEXT(fl_buf_text(&notes), "config.json: not known here and not applied: n_ctx\n");
    fl_buf_release(&notes);
}

/* C, as FAMILY writes it in text, reads back as C. */
static bool
comes_back(const struct fl_family *family, const struct fl_config *c)
{
    json_t *file = fl_hf_config_write(family, c);
    char *text = file ? json_dumps(file, JSON_REAL_PRECISION(17)) : NULL;
    json_t *again = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const struct fl_family *got;
    struct fl_config says;
    struct fl_buf notes = {0};
    bool same = again && !fl_hf_config(&got, &says, again, "x", &notes) && got == family &&
                fl_config_same(&says, c) && !notes.len;

    fl_buf_release(&notes);
    json_decref(again);
    free(text);
    json_decref(file);
    return same;
}

/* Of all that is said above. */
static void
test_written(void)
{
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        const struct fl_family *family;
        struct fl_config c;
        struct fl_buf notes = {0};

        CHECK(!read_config(said[i].text, &family, &c, &notes) && comes_back(family, &c));
        fl_buf_release(&notes);
    }
}

/* Every even number of turned channels: the share of a head is no whole number of bits. */
static void
test_shares(void)
{
    struct fl_config c = {100, 16, 2, 24, 4, 2, 0, 20, .norm_eps = 1e-5, .rope_base = 1e4};
    const struct fl_family *llama = fl_family_find("llama");

    for (c.head_dim = 4; c.head_dim <= 256; c.head_dim++)
        for (c.rope_dim = 2; c.rope_dim < c.head_dim; c.rope_dim += 2)
            if (!comes_back(llama, &c)) {
                printf("# %u of %u\n", (unsigned)c.rope_dim, (unsigned)c.head_dim);
                CHECK(0);
            }
}

/* Which families can say a configuration: a letter for each, in the order of the table. */
static void
test_families(void)
{
    static const struct {
        struct fl_config c;
        const char *families;
    } cases[] = {
#define PLAIN 100, 16, 2, 24, 4, 2, 6, 20, .norm_eps = 1e-5, .rope_base = 1e4
        {{PLAIN}, "lm"},
        {{PLAIN, .bias = FL_BIAS_QKV}, "2"},
        {{PLAIN, .bias = FL_BIAS_QKV | FL_BIAS_O}, "l"},
        {{PLAIN, .bias = FL_BIAS_O}, ""},
        {{PLAIN, .bias = FL_BIAS_FFN}, "l"},
        {{PLAIN, .qk_norm = true}, "3"},
        {{PLAIN, .qk_norm = true, .bias = FL_BIAS_QKV | FL_BIAS_O}, "3"},
        {{PLAIN, .qk_norm = true, .bias = FL_BIAS_QKV}, ""},
        {{PLAIN, .window = 5}, "m"},
        {{PLAIN, .window = 5, .bias = FL_BIAS_QKV}, "2"},
        {{PLAIN, .window = 5, .qk_norm = true}, "3"},
        {{PLAIN, .window = 5, .bias = FL_BIAS_FFN}, ""},
        {{PLAIN, .norm = FL_NORM_LAYER}, ""},
        {{PLAIN, .act = FL_ACT_GELU}, ""},
#define LEARNED                                                                                    \
    100, 16, 2, 24, 4, 4, 6, 20, .norm_eps = 1e-5, .norm = FL_NORM_LAYER,                          \
                                 .positions = FL_POSITIONS_LEARNED
        {{LEARNED, .bias = FL_BIAS_ALL, .act = FL_ACT_GELU}, "g"},
        {{LEARNED, .bias = FL_BIAS_ALL, .act = FL_ACT_GELU_TANH}, "g"},
        {{LEARNED, .bias = FL_BIAS_ALL, .act = FL_ACT_SWIGLU}, ""},
        {{LEARNED, .act = FL_ACT_GELU}, ""},
        {{100, 16, 2, 24, 4, 2, 6, 20, .norm_eps = 1e-5, .norm = FL_NORM_LAYER,
          .positions = FL_POSITIONS_LEARNED, .bias = FL_BIAS_ALL, .act = FL_ACT_GELU},
         ""}, /* shared keys */
        {{100, 16, 2, 24, 4, 4, 8, 20, .norm_eps = 1e-5, .norm = FL_NORM_LAYER,
          .positions = FL_POSITIONS_LEARNED, .bias = FL_BIAS_ALL, .act = FL_ACT_GELU},
         ""}, /* heads of another size */
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char can[8] = "";
        CHECK(!fl_config_check(&cases[i].c));
        for (size_t k = 0; fl_family(k); k++) {
            fl_error_clear();
            if (comes_back(fl_family(k), &cases[i].c))
                can[strlen(can)] = "lm23g"[k];
            else
                CHECK(strstr(fl_error_text(), "have no such configuration"));
        }
        CHECK_TEXT(can, cases[i].families);
    }
}

static void
test_presets(void)
{
    const char *name;

    for (unsigned i = 0; (name = fl_preset_name(i)); i++) {
        struct fl_config c = {.vocab = 1000};
        bool any = false;
        CHECK(!fl_config_preset(&c, name));
        for (size_t k = 0; fl_family(k); k++)
            any |= comes_back(fl_family(k), &c);
        CHECK(any);
    }
}

int
main(void)
{
    RUN(test_said);
    RUN(test_flags);
    RUN(test_refused);
    RUN(test_notes);
    RUN(test_written);
    RUN(test_shares);
    RUN(test_families);
    RUN(test_presets);
    return test_end();
}
