/*
 * Identifiers one by one: what is replaced, what is left, equal values, own patterns, what people
 * write to hide an address from programs, and texts that would be slow if anything went back.
 */
#include "data/identifier.h"

#include "base/buf.h"
#include "os/clock.h"
#include "test.h"

static struct fl_id_rules *rules;
static struct fl_id_scan scan;

/* TEXT with placeholders; valid until the next call. */
static const char *
clean(const struct fl_id_rules *r, const char *text, size_t len)
{
    static struct fl_buf out;

    fl_buf_clear(&out);
    CHECK(!fl_id_find(r, &scan, text, len));
    CHECK(!fl_id_replace(r, &scan, text, len, &out));
    for (size_t i = 0; i < scan.count; i++) {
        CHECK(scan.spans[i].len && scan.spans[i].at + scan.spans[i].len <= len);
        CHECK(!i || scan.spans[i].at >= scan.spans[i - 1].at + scan.spans[i - 1].len);
    }
    return fl_buf_text(&out);
}

struct line {
    const char *text, *want; /* NULL: the same */
};

/* Each line at every place of a block: what is found does not depend on what else stands near. */
static void
check_lines(const struct line *lines, size_t count)
{
    char moved[1024], want[1024];

    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < 33; k++) {
            snprintf(moved, sizeof moved, "%*s%s", k, "", lines[i].text);
            snprintf(want, sizeof want, "%*s%s", k, "",
                     lines[i].want ? lines[i].want : lines[i].text);
            CHECK_TEXT(clean(rules, moved, strlen(moved)), want);
        }
}
#define CHECK_LINES(lines) check_lines(lines, sizeof(lines) / sizeof *(lines))

static void
test_email(void)
{
    static const struct line lines[] = {
        {"to o'brien.x+y_z@mail-1.example.co.uk.", "to [EMAIL_1]."},
        {"<a@b.de>,'c@d.fr' mailto:e@f.it", "<[EMAIL_1]>,'[EMAIL_2]' mailto:[EMAIL_3]"},
        {"m\xc3\xbcller@b\xc3\xbc"
         "cher.de "
         "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd@\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0."
         "\xd1\x80\xd1\x84",
         "[EMAIL_1] [EMAIL_2]"},
        {"\xe6\x88\x91\xe7\x9a\x84zhang@qq.com\xe5\x90\xa7",
         "\xe6\x88\x91\xe7\x9a\x84[EMAIL_1]\xe5\x90\xa7"},
        {"root@[192.168.0.1] x@xn--p1ai.xn--p1ai", "[EMAIL_1] [EMAIL_2]"},
        {"john (at) host (dot) org", "[EMAIL_1]"},
        {"john[at]host.org, john{AT}host[.]org", "[EMAIL_1], [EMAIL_1]"},
        {"john at host dot co dot uk!", "[EMAIL_1]!"},
        {"anna [ arroba ] correo punto es y", "[EMAIL_1] y"},
        {"(x) karl (\xc3\xa4t) praxis.de", "(x) [EMAIL_1]"},
        {"luc (chez) cabinet (point) fr", "[EMAIL_1]"},
        {"john\xef\xbc\xa0host\xef\xbc\x8eorg", "[EMAIL_1]"},
        {"jo\xe2\x80\x8bhn@ho\xc2\xadst.org john@host.org", "[EMAIL_1] [EMAIL_1]"},
        {"at home (at least) he is @home, a@b, @name, x@y.z", NULL},
        {"icon@2x.png", NULL},
        {"meet me at noon dot", NULL},
        {"read at the point at which, at any point in time, look at the dot in the middle", NULL},
        {"max \xc3\xa4t web punkt de, anna arobase orange point fr y", "[EMAIL_1], [EMAIL_2] y"},
        {"a@b@c.de", "a@[EMAIL_1]"},
    };
    CHECK_LINES(lines);
}

static void
test_hosts(void)
{
    static const struct line lines[] = {
        {"see https://user:pw@x.example:8080/a(b)?q=1#f).", "see [URL_1])."},
        {"ftp://h/ www.Example.se/x, (http://[::1]/)", "[URL_1] [URL_2], ([URL_3])"},
        {"clinic.com and a.b.org/x but std.h, e.g. file.py, finito.it, Node.js, 1.5.x",
         "[URL_1] and [URL_2] but std.h, e.g. file.py, finito.it, Node.js, 1.5.x"},
        {"my website is rossi.it now, shop.co.uk, praxis-lindau.de",
         "my website is [URL_1] now, [URL_2], [URL_3]"},
        {"http:// x://", NULL},
        {"from 192.168.1.254:80 and 10.0.0.0/8 not 1.2.3 1.2.3.4.5 256.1.1.1 version 1.2.3.4",
         "from [IP_1]:80 and [IP_2]/8 not 1.2.3 1.2.3.4.5 256.1.1.1 version 1.2.3.4"},
        {"2001:db8::1, fe80::1%eth0, [::1]:80? ::ffff:10.1.2.3 1:2:3:4:5:6:7:8",
         "[IP_1], [IP_2]%eth0, [::1]:80? [IP_3] [IP_4]"},
        {"std::vector a::b 12:30:45 1::2::3 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 dead::beef", NULL},
        {"00:1A:2b:3c:4d:5e 00-1a-2B-3C-4D-5E 001a.2b3c.4d5e 01:23:45:67:89:ab:cd:ef",
         "[MAC_1] [MAC_1] [MAC_1] [MAC_2]"},
        {"00:1A:2b:3c:4d 00:1A:2b:3c:4d:5e:6f 46-16-89-51-67-12 00:1A:2b:3c:4d:5g", NULL},
    };
    CHECK_LINES(lines);
}

/* Numbers of the standards and of the banks' own examples. */
static void
test_bank(void)
{
    static const struct line lines[] = {
        {"GB82WEST12345698765432 GB82 WEST 1234 5698 7654 32 gb82-west-1234-5698-7654-32",
         "[IBAN_1] [IBAN_1] [IBAN_1]"},
        {"DE89\xc2\xa0"
         "3704\xc2\xa0"
         "0044\xc2\xa0"
         "0532\xc2\xa0"
         "0130\xc2\xa0"
         "00.",
         "[IBAN_1]."},
        {"DE 89 3704 0044 0532 0130 00", "[IBAN_1]"},
        {"GB83WEST12345698765432 GB82WEST1234569876543", NULL}, /* wrong sum; too short */
        {"me 87 default normally and, it 36 node See 6394 more Item", NULL}, /* right sums */
        {"GB82 WEST 123456 98765432, LV 08LAQOS4565FJ1BY2XE", "[IBAN_1], [IBAN_2]"},
        {"IBAN: GB83WEST12345698765432", "IBAN: [IBAN_1]"},
        {"4111111111111111 4111-1111-1111-1111 4111\xe2\x80\x91"
         "1111\xe2\x80\x91"
         "1111\xe2\x80\x91"
         "1111",
         "[CARD_1] [CARD_1] [CARD_1]"},
        {"3782 822463 10005, 30569309025904, 6011111111111117, 4222222222222",
         "[CARD_1], [CARD_2], [CARD_3], [CARD_4]"},
        {"4111111111111112 4111 1111 111 11111 9111111111111111", NULL},
        {"630461215380, (5018-1554-6947), 3519506286199736, order 630461215380",
         "[CARD_1], ([CARD_2]), [CARD_3], order 630461215380"},
        {"my card 4111111111111112", "my card [CARD_1]"},
        {"9123456789012348", NULL}, /* no issuer has these */
        {"my card, order 4111111111111112; call about invoice 5551234", NULL},
        {"order 4111111111111112 of a card, 0.4111111111111111", NULL},
        {"\xef\xbc\x94\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91"
         "111111111111",
         "[CARD_1]"},
    };
    CHECK_LINES(lines);
}

/* Numbers from python-stdnum's documentation and the authorities' pages. */
static void
test_national(void)
{
    static const struct line lines[] = {
        {"536-90-4399 and 219099999", "[NATIONAL_1] and 219099999"},
        {"000-12-3456 666-12-3456 123-00-4567 123-45-0000", NULL},
        {"SSN 536904399, ssn: 536 90 4399", "SSN [NATIONAL_1], ssn: [NATIONAL_1]"},
        {"AB 12 34 56 C, AB123456C; QQ123456C", "[NATIONAL_1], [NATIONAL_1]; QQ123456C"},
        {"we saw HP 37 48 58 B, NIE X-0159085-V", "we saw [NATIONAL_1], NIE [NATIONAL_2]"},
        {"NHS 943 476 5919", "NHS [NATIONAL_1]"},
        {"36 574 261 809, Steuer-ID 36574261809", "[NATIONAL_1], Steuer-ID [NATIONAL_1]"},
        {"15 070649 C 103, 15070649C103", "[NATIONAL_1], [NATIONAL_1]"},
        {"2 95 10 99 126 111 93, 295109912611193", "[NATIONAL_1], [NATIONAL_1]"},
        {"295109912611194", NULL},
        {"54362315K 54362315-K X2482300W 54362315Z",
         "[NATIONAL_1] [NATIONAL_1] [NATIONAL_2] 54362315Z"},
        {"DNI: 54362315Z", "DNI: [NATIONAL_1]"},
        {"RCCMNL83S18D969H, rccmnl83s18d969h, RCCMNL83S18D969I",
         "[NATIONAL_1], [NATIONAL_1], RCCMNL83S18D969I"},
        {"BSN 1112.22.333 bsn 111222333", "BSN [NATIONAL_1] bsn [NATIONAL_1]"},
        {"44051401359 44051401358", "[NATIONAL_1] 44051401358"},
        {"880320-0016 198803200016 880320-0017", "[NATIONAL_1] [NATIONAL_2] 880320-0017"},
        {"211062-5629", "[NATIONAL_1]"},
        {"2341 2341 2346, 2341 2341 2347", "[NATIONAL_1], 2341 2341 2347"},
        {"ACUPA7085R, acupa7085r, ACUXA7085R", "[NATIONAL_1], acupa7085r, ACUXA7085R"},
        {"390.533.447-05, 390.533.447-06, CPF 39053344706",
         "[NATIONAL_1], 390.533.447-06, CPF [NATIONAL_2]"},
        {"MRN: 0012345, NHC: 37081634/985.", "MRN: [NATIONAL_1], NHC: [NATIONAL_2]."},
        {"license 2014-2020, passport on 12.03.2015", NULL},
        {"License: LGPL-2+ Files: camlibs/ax203/ax203.h, licence gost28147.c", NULL},
        {"licence ab123456, passport: C01X00T47", "licence [NATIONAL_1], passport: [NATIONAL_2]"},
    };
    CHECK_LINES(lines);
}

static void
test_phone(void)
{
    static const struct line lines[] = {
        {"+49 (0)171/1234567, +1-984-182-0190x5, +447700900123", "[PHONE_1], [PHONE_2], [PHONE_3]"},
        {"668.381.8870x3562, (632)730-6168 x0118, 555-123-4567, ext. 89; 555-123-4567x1234567",
         "[PHONE_1], [PHONE_2], [PHONE_3]; 555-123-4567x1234567"},
        {"8x3562 555 1234x3 555-123x4567", NULL}, /* sizes, and too short */
        {"1-217-354-6903, 1 (800) 555-0100, 08-218 526 02, 036-20 45 87",
         "[PHONE_1], [PHONE_2], [PHONE_3], [PHONE_4]"},
        {"+(371) 63677419 or +39 2667 19897226 or (030 1234567)",
         "[PHONE_1] or [PHONE_2] or ([PHONE_3])"},
        {"+5 12 30, +1234567890123456", NULL},
        {"+44 20 7946 0958 12 people", "[PHONE_1] 12 people"},
        {"0044 20 7946 0958 and 00447700900123", "[PHONE_1] and 00447700900123"},
        {"(555) 123-4567 555.123.4567 555-123-4567", "[PHONE_1] [PHONE_1] [PHONE_1]"},
        {"06 12 34 56 78; 0171-1234567; 07700 900 123", "[PHONE_1]; [PHONE_2]; [PHONE_3]"},
        {"Tel. 5551234, call 99 668472; 78 651 450 (office)",
         "Tel. [PHONE_1], call [PHONE_2]; [PHONE_3] (office)"},
        {"5551234, 99 668472, 78 651 450", NULL},
        {"2015-03-12 12:20:39, 12.03.2015, 1,234,567 0.555123 v1.555.123.4567", NULL},
        {"order 555 1234 5678, page 12-34, 2014-2020, $555 123 4567", NULL},
        {"600 000 000 people, 0400 6261 7365", NULL},
        {"phone on 12.03.2015 or 2015", NULL},
        {"tel +49 30 1234567 (90 mg/dL)", "tel [PHONE_1] (90 mg/dL)"}, /* only opens */
        {"my number is 416 60 039", "my number is [PHONE_1]"},
    };
    CHECK_LINES(lines);
}

static void
test_birth_and_age(void)
{
    static const struct line lines[] = {
        {"born 12/03/1956, seen 13/03/2020 again later on in the ward",
         "born [DATE_1], seen 13/03/2020 again later on in the ward"},
        {"DOB: 1956-03-12", "DOB: [DATE_1]"},
        {"geb. am 12. M\xc3\xa4rz 1956 in Wien", "geb. am [DATE_1] in Wien"},
        {"n\xc3\xa9"
         "e le 1er ao\xc3\xbbt 1956; ne le 12/03/2020 pas",
         "n\xc3\xa9"
         "e le [DATE_1]; ne le 12/03/2020 pas"},
        {"Fecha de nacimiento: 12 de marzo de 1956", "Fecha de nacimiento: [DATE_1]"},
        {"nata il 12 marzo 1956, nato nel 1956", "nata il [DATE_1], nato nel [DATE_2]"},
        {"geboren op March 12, 1956 * 12.03.56", "geboren op [DATE_1] * [DATE_2]"},
        {"D.O.B. 12/03/1956, F. Nac.: 3 febrero 1928, O.B. 12/03/1956",
         "D.O.B. [DATE_1], F. Nac.: [DATE_2], O.B. 12/03/1956"},
        {"*1956-03-12", "*[DATE_1]"},
        {"* 12.03.56", "* [DATE_1]"},
        {" 3 30 1949", NULL}, /* a blank with nothing before it: found by fuzz_fields */
        {"patient de 93 ans", "patient de [AGE_1] ans"},
        {"negli anni 90, 93 answers, 95yours", NULL},
        {"seen on 12/03/1956, born free 31/31/1956", NULL},
        {"aged 91, 93 years old, a 103-year-old, 92 yo.",
         "aged [AGE_1], [AGE_2] years old, a [AGE_3]-year-old, [AGE_4] yo."},
        {"aged 89, 89 years old, 95 years ago, aged 131, age 94%", NULL},
        {"hace 93 a\xc3\xb1os; Edad: 93 a\xc3\xb1os; il y a 93 ans.",
         "hace 93 a\xc3\xb1os; Edad: [AGE_1] a\xc3\xb1os; il y a 93 ans."},
    };
    CHECK_LINES(lines);
}

/* Offsets are those of the original, whatever was folded before them. */
static void
test_offsets(void)
{
    const char *text = "\xe2\x80\x8b\xe2\x80\x8b\xef\xbc\xa1 \xc2\xa0 \xef\xbb\xbf"
                       "a\xe2\x80\x8b@b.de\xe2\x80\x8b \xe2\x80\x8b"
                       "c@d.de";

    CHECK_TEXT(clean(rules, text, strlen(text)),
               "\xe2\x80\x8b\xe2\x80\x8b\xef\xbc\xa1 \xc2\xa0 \xef\xbb\xbf"
               "[EMAIL_1]\xe2\x80\x8b \xe2\x80\x8b"
               "[EMAIL_2]");
    CHECK(scan.spans[0].at == 16 && scan.spans[0].len == 9 && scan.spans[1].len == 6);
    const char *wide = "x a@b.d\xef\xbd\x85 y"; /* the last letter is a wide one */
    CHECK_TEXT(clean(rules, wide, strlen(wide)), "x [EMAIL_1] y");
    CHECK_TEXT(clean(rules, "\0a@b.de\0", 8), "");
    CHECK(scan.count == 1 && scan.spans[0].at == 1 && scan.spans[0].len == 6);
    CHECK_TEXT(clean(rules, "a@b.\xc3", 5), "a@b.\xc3");
}

/* A longer find takes the bytes of a shorter; a type that is kept hides nothing. */
static void
test_overlaps(void)
{
    const char *text = "http://x.org/?mail=a@b.org&ip=10.1.2.3";

    CHECK_TEXT(clean(rules, text, strlen(text)), "[URL_1]");
    fl_id_set(rules, FL_ID_URL, FL_ID_KEEP);
    CHECK_TEXT(clean(rules, text, strlen(text)), "http://x.org/?mail=[EMAIL_1]&ip=[IP_1]");
    fl_id_set(rules, FL_ID_EMAIL, FL_ID_DROP);
    CHECK(!fl_id_find(rules, &scan, text, strlen(text)) && scan.drop);
    CHECK(!fl_id_find(rules, &scan, "x", 1) && !scan.drop);
    for (unsigned t = 0; t < FL_ID_TYPES; t++)
        fl_id_set(rules, t, FL_ID_KEEP);
    CHECK_TEXT(clean(rules, text, strlen(text)), text);
    for (unsigned t = 0; t < FL_ID_TYPES; t++) {
        fl_id_set(rules, t, FL_ID_PLACEHOLDER);
        CHECK(fl_id_type_of(rules, fl_id_name(rules, t)) == (int)t);
    }
}

static void
test_own_patterns(void)
{
    struct fl_id_rules *own = fl_id_rules_new();
    fl_id_set(own, FL_ID_NATIONAL, FL_ID_KEEP);
    static const struct {
        const char *name, *pattern, *why;
    } bad[] = {
        {"email", "x-9", "built-in"},
        {"Bad", "x-9", "name"},
        {"x", "9*70", "without a number"},
        {"x", "*3", "follows"},
        {"x", "9*40-9*30", "places"},
        {"x", "9*5", "single"},
        {"x", "9", "single"},
        {"x", "9\xff", "UTF-8"},
        {"x", "((0(\xe0", "UTF-8"},
        {"x", "ab", NULL},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!bad[i].why == !fl_id_rules_pattern(own, bad[i].name, bad[i].pattern) &&
              (!bad[i].why ||
               (strstr(fl_error_text(), bad[i].why) && fl_error_status() == FL_USAGE)));
    CHECK(!fl_id_rules_pattern(own, "mrn", "MRN-9999999"));
    CHECK(!fl_id_rules_pattern(own, "ward", "A*3-9*2"));
    CHECK(!fl_id_rules_pattern(own, "ward", "\\A9/9"));
    CHECK(!fl_id_rules_pattern(own, "name", "Anna Sm\xc3\xadth"));
    CHECK(!fl_id_rules_literal(own, "name", "Anna", 4) &&
          !fl_id_rules_literal(own, "name", "\xe5\xb1\xb1\xe7\x94\xb0", 6));
    CHECK(fl_id_rules_literal(own, "name", "An", 2) == -1);
    CHECK(fl_id_types(own) == FL_ID_TYPES + 4 && fl_id_type_of(own, "ward") == FL_ID_OWN + 2);
    static const struct line lines[] = {
        {"MRN-1234567, MRN-12345678, XMRN-1234567 MRN\xe2\x80\x91"
         "1234567",
         "[MRN_1], MRN-12345678, XMRN-1234567 [MRN_1]"},
        {"A-1 ABC-12 ABCD-12 ABC-123 a-1 A9/3 B9/3",
         "[WARD_1] [WARD_2] ABCD-12 ABC-123 a-1 [WARD_3] B9/3"},
        {"Anna, Anna Sm\xc3\xadth. Annabel Anna Smi "
         "\xe6\x98\xaf\xe5\xb1\xb1\xe7\x94\xb0\xe6\xa7\x98 anna",
         "[NAME_1], [NAME_2]. Annabel [NAME_1] Smi \xe6\x98\xaf[NAME_3]\xe6\xa7\x98 anna"},
        {"ab abc", "[X_1] abc"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        CHECK_TEXT(clean(own, lines[i].text, strlen(lines[i].text)), lines[i].want);
    fl_id_set(own, FL_ID_OWN + 3, FL_ID_KEEP);
    CHECK_TEXT(clean(own, "Anna a@b.de", 11), "Anna [EMAIL_1]");
    CHECK(!fl_id_rules_literal(own, "x", "one two", 7) &&
          !fl_id_rules_literal(own, "y", "two three", 9));
    CHECK_TEXT(clean(own, "one two three", 13), "[Y_1]"); /* nothing of either stays */
    CHECK_TEXT(clean(own, "one", 3), "one");
    fl_id_rules_free(own);
}

/* A hundred thousand names: each is found, and a name that is the start of another one. */
static void
test_many_literals(void)
{
    struct fl_id_rules *own = fl_id_rules_new();
    char name[32];

    for (unsigned i = 0; i < 100000; i++) {
        int n = snprintf(name, sizeof name, "N%05x v%05x", i * 7919 & 0xfffff, i);
        CHECK(!fl_id_rules_literal(own, "n", name, (size_t)n));
    }
    for (unsigned i = 0; i < 100000; i += 997) {
        snprintf(name, sizeof name, "N%05x v%05x", i * 7919 & 0xfffff, i);
        CHECK_TEXT(clean(own, name, strlen(name)), "[N_1]");
        CHECK_TEXT(clean(own, name, strlen(name) - 6), (name[strlen(name) - 6] = '\0', name));
    }
    fl_id_rules_free(own);
}

/* Millions of anchors of each kind: the time for a byte has a bound, whatever the text is. */
static void
test_hostile(void)
{
    static const char *const units[] = {
        "@",
        "a@",
        "a@b.",
        "1",
        "1-",
        "1 ",
        "12 ",
        "1.",
        "12.",
        "(1) ",
        "+1 ",
        "00 ",
        "a1",
        "DE89 ",
        "1234 ",
        "4111 1111 1111 111 ",
        ":",
        "a:",
        "1:",
        "ab:",
        "::",
        "://",
        "a://b",
        "h://",
        "www.a.",
        "a.b",
        ".a",
        "(at)",
        "a (at) b",
        " at x dot ",
        " dot ",
        "phone ",
        "phone 1 ",
        "born 1 ",
        "aged 99 ",
        "AB 12 34 56 ",
        "DNI 1 ",
        "NHC 12-",
        "\xe2\x80\x8b",
        "\xef\xbc\x91",
        "\xc2\xa0"
        "1",
        "A",
        "aaaaaaaaaaaaaaaa9",
        "06-16-89-",
        "1/2/",
        "2015-01-01 ",
        "a_",
        "[",
        "[a",
        "\xcc\x81",
        "\xff",
        "Geburtsdatum 12 ",
    };
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE);
    double worst = 0;

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = strlen(units[i]);
        for (size_t at = 0; at < SIZE; at++)
            text[at] = units[i][at % n];
        double from = fl_seconds();
        CHECK(!fl_id_find(rules, &scan, text, SIZE));
        double time = fl_seconds() - from;
        if (getenv("LABELLED"))
            printf("# %7.1f MB/s %s\n", 1 / time, units[i]);
        worst = time > worst ? time : worst;
    }
    printf("# the slowest of %zu hostile texts: %.1f MB/s\n", sizeof units / sizeof *units,
           1 / worst);
    CHECK(worst < 30 || test_under_valgrind()); /* going back would take hours */
    free(text);
}

int
main(void)
{
    rules = fl_id_rules_new();
    RUN(test_email);
    RUN(test_hosts);
    RUN(test_bank);
    RUN(test_national);
    RUN(test_phone);
    RUN(test_birth_and_age);
    RUN(test_offsets);
    RUN(test_overlaps);
    RUN(test_own_patterns);
    RUN(test_many_literals);
    RUN(test_hostile);
    fl_id_scan_release(&scan);
    fl_id_rules_free(rules);
    return test_end();
}
