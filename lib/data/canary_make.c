/*
 * How canaries are written: for each type eight ways, in six locales where they differ. Numbers are
 * drawn until their checks hold, so what is made is what such numbers are; reserved ranges, which
 * scanners rightly reject, are left out.
 */
#include "data/canary.h"

#include <string.h>

#include "data/id_parts.h"
#include "math/random.h"

enum { EN, DE, FR, ES, IT, NL, DRAWS = 4096 };

struct maker {
    struct fl_canary *c;
    struct fl_random r;
    unsigned form, locale;
};

static unsigned
draw(struct maker *m, unsigned n)
{
    return (unsigned)fl_random_below(&m->r, n);
}

static void
put(struct maker *m, const char *text)
{
    size_t len = strlen(text);

    memcpy(m->c->text + m->c->len, text, len);
    m->c->len += len;
}

/* What follows is the identifier; what follows is not any more. */
static void
begin(struct maker *m)
{
    m->c->at = m->c->len;
}

static void
end(struct maker *m)
{
    m->c->size = m->c->len - m->c->at;
}

/* TEXT, the whole of it the identifier. */
static void
put_all(struct maker *m, const char *text)
{
    begin(m);
    put(m, text);
    end(m);
}

/* Characters of SHAPE into TEXT: 9 a digit, A a letter, others as they are. */
static void
fill(struct maker *m, const char *shape, char *text)
{
    size_t i;

    for (i = 0; shape[i]; i++)
        text[i] = shape[i] == '9'   ? (char)('0' + draw(m, 10))
                  : shape[i] == 'A' ? (char)('A' + draw(m, 26))
                                    : shape[i];
    text[i] = '\0';
}

/* TEXT in groups of the sizes in FORM, SIGN between them; what is left is the last group. */
static void
group(const char *text, const char *form, const char *sign, char *out)
{
    size_t n = strlen(text), i = 0;

    while (i < n) {
        size_t size = *form ? (size_t)(*form++ - '0') : n - i;
        size = size < n - i ? size : n - i;
        memcpy(out, text + i, size);
        out += size;
        i += size;
        if (i < n) {
            memcpy(out, sign, strlen(sign));
            out += strlen(sign);
        }
    }
    *out = '\0';
}

/* ASCII digits and letters of TEXT as full-width ones. */
static void
widen(const char *text, char *out)
{
    for (; *text; text++)
        if (fl_id_alnum((unsigned char)*text)) {
            unsigned c = (unsigned)(unsigned char)*text - '!' + 0xff01;
            *out++ = (char)0xef;
            *out++ = (char)(0x80 | (c >> 6 & 0x3f));
            *out++ = (char)(0x80 | (c & 0x3f));
        } else {
            *out++ = *text;
        }
    *out = '\0';
}

static void
lower(char *text)
{
    for (; *text; text++)
        if (fl_id_is((unsigned char)*text, FL_ID_UPPER))
            *text = (char)(*text | 32);
}

static const char *const first_names[6][3] = {
    {"mary", "john", "alice"}, {"anna", "jens", "karl"},   {"marie", "luc", "chloe"},
    {"lucia", "jorge", "ana"}, {"paolo", "giulia", "ugo"}, {"sanne", "joris", "daan"},
};
static const char *const hosts[6][2] = {
    {"northfield-clinic", "mailbox"}, {"praxis-lindau", "posteo"}, {"cabinet-durand", "laposte"},
    {"clinica-sol", "correo"},        {"studio-rossi", "libero"},  {"huisarts-vecht", "ziggo"},
};
static const char *const tops[6] = {"com", "de", "fr", "es", "it", "nl"};

static void
make_email(struct maker *m)
{
    static const char *const signs[8] = {"@", "@", "@", " (at) ", "[at]", "@", "@", "\xef\xbc\xa0"};
    static const char *const seconds[8] = {".", "", "+", "_", ".", ".", "-", "."};
    char digits[4];

    fill(m, "999", digits);
    put(m, m->form == 5 ? "<" : m->form == 6 ? "mailto:" : "");
    begin(m);
    put(m, first_names[m->locale][draw(m, 3)]);
    put(m, seconds[m->form]);
    put(m, digits);
    put(m, signs[m->form]);
    put(m, hosts[m->locale][draw(m, 2)]);
    put(m, m->form == 4 ? "[dot]" : ".");
    put(m, tops[m->locale]);
    if (m->form == 1)
        for (size_t i = m->c->at; i < m->c->len; i++)
            if (fl_id_is((unsigned char)m->c->text[i], FL_ID_LETTER))
                m->c->text[i] = (char)(m->c->text[i] & ~32);
    end(m);
    put(m, m->form == 5 ? ">" : "");
}

static void
make_url(struct maker *m)
{
    static const char *const before[8] = {"http://",  "https://", "www.",     "https://www.",
                                          "(http://", "ftp://",   "https://", "HTTPS://"};
    static const char *const after[8] = {"",       "/",     "",         "/patient/",
                                         "/a?id=", "/pub/", ":8443/x#", "/"};
    char digits[6];

    fill(m, "99999", digits);
    put(m, m->form == 4 ? "(" : "");
    begin(m);
    put(m, before[m->form] + (m->form == 4));
    put(m, hosts[m->locale][draw(m, 2)]);
    put(m, ".");
    put(m, tops[m->locale]);
    put(m, after[m->form]);
    if (m->form >= 3)
        put(m, digits);
    end(m);
    put(m, m->form == 4 ? ")" : "");
}

static void
put_number(struct maker *m, unsigned v)
{
    char text[12];
    size_t i = sizeof text - 1;

    text[i] = '\0';
    do
        text[--i] = (char)('0' + v % 10);
    while (v /= 10);
    put(m, text + i);
}

/* N hexadecimal digits, a numeral first, and then a letter when LETTER. */
static void
put_hex(struct maker *m, unsigned n, bool upper, bool letter)
{
    char text[9] = "";

    for (unsigned i = 0; i < n; i++) {
        unsigned v = !i ? 1 + draw(m, 9) : i == 1 && letter ? 10 + draw(m, 6) : draw(m, 16);
        text[i] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[v];
    }
    put(m, text);
}

static void
put_net4(struct maker *m)
{
    put_number(m, 11 + draw(m, 100));
    for (unsigned i = 0; i < 3; i++) {
        put(m, ".");
        put_number(m, draw(m, 256));
    }
}

static void
make_ip(struct maker *m)
{
    unsigned groups = m->form == 5 ? 3 : 8;

    put(m, m->form == 2 ? "[" : "");
    begin(m);
    if (m->form < 4) {
        put_net4(m);
    } else if (m->form == 7) {
        put(m, "::ffff:");
        put_net4(m);
    } else {
        for (unsigned i = 0; i < groups; i++) {
            put(m, !i ? "" : i == 2 && groups == 3 ? "::" : ":");
            put_hex(m, 1 + draw(m, 4), m->form == 6, false);
        }
    }
    end(m);
    put(m, m->form == 1 ? ":8080" : m->form == 2 ? "]" : m->form == 3 ? "/24" : "");
}

static void
make_mac(struct maker *m)
{
    bool wide = m->form == 5 || m->form == 6, fours = m->form == 4;
    unsigned groups = fours ? 3 : wide ? 8 : 6;
    const char *sign = fours ? "." : m->form == 2 || m->form == 3 || m->form == 6 ? "-" : ":";

    begin(m);
    for (unsigned i = 0; i < groups; i++) {
        put(m, i ? sign : "");
        put_hex(m, fours ? 4 : 2, m->form & 1, !i);
    }
    end(m);
}

static void
make_iban(struct maker *m)
{
    static const char *const shapes[6] = {"GB00AAAA99999999999999",      "DE00999999999999999999",
                                          "FR0099999999999999999999999", "ES0099999999999999999999",
                                          "IT00A9999999999999999999999", "NL00AAAA9999999999"};
    static const char *const signs[8] = {"", " ", "", "-", "\xc2\xa0", "", "", "\xe2\x80\x91"};
    char text[40], turned[40], out[160];

    fill(m, shapes[m->locale], text);
    size_t n = strlen(text);
    memcpy(turned, text + 4, n - 4);
    memcpy(turned + n - 4, text, 4);
    unsigned check = 98 - fl_id_mod97(turned, n);
    text[2] = (char)('0' + check / 10);
    text[3] = (char)('0' + check % 10);
    if (m->form == 2)
        lower(text);
    if (m->form == 6)
        widen(text, out);
    else
        group(text, *signs[m->form] ? "44444444" : "", signs[m->form], out);
    put(m, m->form == 5 ? "IBAN: " : "");
    put_all(m, out);
}

static void
make_card(struct maker *m)
{
    static const char *const shapes[8] = {"4999999999999999", "5399999999999999",
                                          "4999999999999999", "5199999999999999",
                                          "4599999999999999", "6011999999999999",
                                          "379999999999999",  "4999999999999999999"};
    static const char *const forms[8] = {"", "444", "444", "444", "444", "", "46", ""};
    static const char *const signs[8] = {"", " ", "-", "\xc2\xa0", "\xe2\x80\x91", "", " ", ""};
    char text[24], out[80];

    fill(m, shapes[m->form], text);
    size_t n = strlen(text);
    for (int last = '0'; last <= '9'; last++) {
        text[n - 1] = (char)last;
        if (fl_id_luhn(text, n))
            break;
    }
    if (m->form == 5)
        widen(text, out);
    else
        group(text, forms[m->form], signs[m->form], out);
    put_all(m, out);
}

static const struct sort {
    enum fl_id_number number;
    const char *shape, *form, *sign, *words;
} sorts[] = {
    /* two a locale, and five of others */
    {FL_ID_US_SSN, "999999999", "32", "-", "social security number"},
    {FL_ID_UK_NINO, "AA999999A", "2222", " ", "National Insurance"},
    {FL_ID_DE_TAX, "99999999999", "233", " ", "Steuer-ID"},
    {FL_ID_DE_PENSION, "99999999A999", "2613", " ", "Rentenversicherungsnummer"},
    {FL_ID_FR_NIR, "199999999999999", "122233", " ",
     "num\xc3\xa9ro de s\xc3\xa9"
     "curit\xc3\xa9 sociale"},
    {FL_ID_FR_NIR, "299999999999999", "122233", " ", "NIR"},
    {FL_ID_ES_DNI, "99999999A", "8", "-", "DNI"},
    {FL_ID_ES_NASS, "999999999999", "28", " ", "NASS"},
    {FL_ID_IT_FISCAL, "AAAAAA99A99A999A", "3355", " ", "codice fiscale"},
    {FL_ID_IT_FISCAL, "AAAAAA99A99A999A", "3355", " ", "C.F. (codice fiscale)"},
    {FL_ID_NL_BSN, "999999999", "42", ".", "BSN"},
    {FL_ID_NL_BSN, "999999999", "333", " ", "burgerservicenummer"},
    {FL_ID_PL_PESEL, "99999999999", "6", " ", "PESEL"},
    {FL_ID_SE_NUMBER, "9999999999", "6", "-", "personnummer"},
    {FL_ID_DK_CPR, "9999999999", "6", "-", "CPR"},
    {FL_ID_IN_AADHAAR, "999999999999", "44", " ", "Aadhaar"},
    {FL_ID_BR_CPF, "99999999999", "333", "-", "CPF"},
};

/* A number of SORT whose check holds. */
static void
draw_number(struct maker *m, const struct sort *sort, char *text)
{
    static const char months[] = "ABCDEHLMPRST";

    for (unsigned i = 0; i < 64 * DRAWS; i++) {
        fill(m, sort->shape, text);
        if (sort->number == FL_ID_FR_NIR || sort->number == FL_ID_DE_PENSION)
            text[3 + (sort->number == FL_ID_DE_PENSION)] = '0';
        if (sort->number == FL_ID_IT_FISCAL) {
            text[8] = months[draw(m, 12)];
            text[9] = (char)('0' + draw(m, 3));
        }
        if (sort->number == FL_ID_DE_TAX)
            text[5] = text[2];
        if (fl_id_number_holds(sort->number, text))
            return;
    }
}

static void
make_national(struct maker *m)
{
    static const char *const joints[8] = {" ", ": ", " ", " ", ": ", ": ", " ", " = "};
    const struct sort *sort = m->form == 6 ? &sorts[12 + draw(m, 5)]
                                           : &sorts[2 * m->locale + draw(m, 2)];
    char text[24], out[80];

    draw_number(m, sort, text);
    if (m->form == 1 || m->form == 2 || m->form == 6)
        group(text, sort->form, sort->sign, out);
    else if (m->form == 3)
        group(text, sort->form, "\xc2\xa0", out);
    else if (m->form == 5)
        widen(text, out);
    else
        memcpy(out, text, sizeof text);
    if (m->form == 4)
        lower(out);
    put(m, sort->words);
    put(m, joints[m->form]);
    put_all(m, out);
}

static void
make_phone(struct maker *m)
{
    static const struct {
        const char *code, *shape, *words;
    } plans[6] = {
        {"1", "2129999999", "phone"},
        {"49", "17199999999", "Telefon"},
        {"33", "699999999", "t\xc3\xa9l\xc3\xa9phone"},
        {"34", "699999999",
         "tel\xc3\xa9"
         "fono"},
        {"39", "3399999999", "cellulare"},
        {"31", "699999999", "tel."},
    };
    static const char *const forms[6] = {"33", "34", "12222", "3222", "33", "1222"};
    static const char *const signs[8] = {" ", "", " ", " ", "-", " ", "\xc2\xa0", "."};
    char text[16] = "", rest[64];
    bool abroad = m->form < 3 || m->form == 6;

    fill(m, plans[m->locale].shape, text);
    text[3] = text[3] < '2' ? '5' : text[3]; /* no exchange begins with 0 or 1 */
    group(text, m->form == 1 ? "" : forms[m->locale], signs[m->form], rest);
    if (!abroad) {
        put(m, plans[m->locale].words);
        put(m, ": ");
    }
    begin(m);
    if (abroad) {
        put(m, m->form == 2 ? "00" : "+");
        put(m, plans[m->locale].code);
        put(m, *signs[m->form] ? signs[m->form] : "");
    } else if (m->locale == DE || m->locale == FR || m->locale == NL) {
        put(m, "0");
    }
    put(m, rest);
    end(m);
}

static const char *const born[6][2] = {
    {"born", "date of birth:"},
    {"geboren am", "Geburtsdatum:"},
    {"n\xc3\xa9 le", "date de naissance :"},
    {"nacido el", "fecha de nacimiento:"},
    {"nato il", "data di nascita:"},
    {"geboren op", "geboortedatum:"},
};
static const char *const month_names[6][3] = {
    {"March", "July", "October"},   {"M\xc3\xa4rz", "Juli", "Oktober"},
    {"mars", "juillet", "octobre"}, {"marzo", "julio", "octubre"},
    {"marzo", "luglio", "ottobre"}, {"maart", "juli", "oktober"},
};

/* V with two digits. */
static void
put_two(struct maker *m, unsigned v)
{
    const char text[3] = {(char)('0' + v / 10), (char)('0' + v % 10), '\0'};

    put(m, text);
}

static void
make_date(struct maker *m)
{
    static const char *const signs[8] = {".", "/", "-", " ", ".", "-", "/", "."};
    unsigned day = 1 + draw(m, 28), month = 1 + draw(m, 12), year = 1925 + draw(m, 80);

    put(m, born[m->locale][m->form & 1]);
    put(m, m->form == 6 ? "\xc2\xa0" : " ");
    begin(m);
    if (m->form == 3) {
        put_number(m, day);
        put(m, m->locale == ES ? " de " : m->locale == DE ? ". " : " ");
        put(m, month_names[m->locale][draw(m, 3)]);
        put(m, m->locale == ES ? " de " : " ");
        put_number(m, year);
    } else if (m->form == 2) {
        put_number(m, year);
        put(m, "-");
        put_two(m, month);
        put(m, "-");
        put_two(m, day);
    } else {
        put_two(m, day);
        put(m, signs[m->form]);
        put_two(m, month);
        put(m, signs[m->form]);
        if (m->form == 7)
            put_two(m, year % 100);
        else
            put_number(m, year);
    }
    end(m);
}

static void
make_age(struct maker *m)
{
    static const char *const before[6][2] = {{"aged", "age:"},
                                             {"Alter", "Alter:"},
                                             {"\xc3\xa2g\xc3\xa9 de", "\xc3\xa2ge :"},
                                             {"edad", "Edad:"},
                                             {"et\xc3\xa0", "et\xc3\xa0:"},
                                             {"leeftijd", "leeftijd:"}};
    static const char *const after[6][2] = {{" years old", "-year-old"},
                                            {" Jahre alt", "-j\xc3\xa4hrig"},
                                            {" ans.", " ans,"},
                                            {" a\xc3\xb1os", " a\xc3\xb1os,"},
                                            {" anni", " anni,"},
                                            {" jaar oud", "-jarige"}};
    bool first = m->form < 4;

    if (first) {
        put(m, before[m->locale][m->form & 1]);
        put(m, m->form & 2 ? "\xc2\xa0" : " ");
    }
    begin(m);
    put_number(m, 90 + draw(m, 20));
    end(m);
    put(m, first ? m->form & 2 ? "," : "" : after[m->locale][m->form & 1]);
}

void
fl_canary_make(uint64_t seed, unsigned type, uint64_t index, struct fl_canary *canary)
{
    static void (*const makers[FL_ID_TYPES])(struct maker *) = {
        [FL_ID_EMAIL] = make_email,       [FL_ID_URL] = make_url,     [FL_ID_IP] = make_ip,
        [FL_ID_MAC] = make_mac,           [FL_ID_IBAN] = make_iban,   [FL_ID_CARD] = make_card,
        [FL_ID_NATIONAL] = make_national, [FL_ID_PHONE] = make_phone, [FL_ID_DATE] = make_date,
        [FL_ID_AGE] = make_age,
    };
    struct maker m = {.c = canary, .r = {seed, type, index << 24}};

    *canary = (struct fl_canary){.type = type};
    canary->form = m.form = (unsigned)(index % FL_CANARY_FORMS);
    canary->locale = m.locale = (unsigned)(index / FL_CANARY_FORMS % FL_CANARY_LOCALES);
    makers[type](&m);
}
