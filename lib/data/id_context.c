/*
 * Words that say what the number after them is, in English, German, French, Spanish, Italian, Dutch
 * and some of Portuguese, Polish and the Nordic languages. Words are read only before a candidate,
 * each once, from left to right, so that a text without numbers costs nothing here.
 */
#include "data/id_parts.h"

#include <assert.h>
#include <string.h>

enum {
    PHONE = 1 << FL_ID_ON_PHONE,
    CARD = 1 << FL_ID_ON_CARD,
    IBAN = 1 << FL_ID_ON_IBAN,
    NATIONAL = 1 << FL_ID_ON_NATIONAL,
    RECORD = 1 << FL_ID_ON_RECORD,
    BIRTH = 1 << FL_ID_ON_BIRTH,
    AGE = 1 << FL_ID_ON_AGE,
    NUMBER = 1 << FL_ID_ON_NUMBER,
    WEB = 1 << FL_ID_ON_WEB,
    OTHER = 1 << FL_ID_ON_OTHER,
    STEM = 1 << 15, /* the beginning of a word is enough */
    LONGEST = 32    /* bytes of a word, once it is plain */
};

/*
 * In lower case; an upper case letter is one with any accent ("nE": né, not ne). Ordered by the
 * first letter without regard to case.
 */
static const struct word {
    char text[22];
    uint16_t topics;
} words[] = {
    {"AgE", AGE},
    {"AgEe", AGE},
    {"Age", AGE},
    {"Alder", AGE},
    {"aadhaar", NATIONAL},
    {"aadhar", NATIONAL},
    {"abschnitt", OTHER},
    {"account", IBAN},
    {"age", AGE},
    {"aged", AGE},
    {"aktenzeichen", OTHER},
    {"alter", AGE},
    {"amex", CARD},
    {"amount", OTHER},
    {"anrufen", PHONE},
    {"answering", PHONE},
    {"appeler", PHONE},
    {"appelez", PHONE},
    {"appelle", PHONE},
    {"apt", OTHER},
    {"artikelnummer", OTHER},
    {"ausweis", STEM | NATIONAL},
    {"bankverbindung", IBAN},
    {"bellen", PHONE},
    {"bestellnummer", OTHER},
    {"bestellung", OTHER},
    {"birth", BIRTH},
    {"birthdate", BIRTH},
    {"birthday", BIRTH},
    {"blog", WEB},
    {"bonifico", IBAN},
    {"born", BIRTH},
    {"box", OTHER},
    {"bsn", NATIONAL},
    {"build", OTHER},
    {"burgerservicenummer", NATIONAL},
    {"cEdula", NATIONAL},
    {"call", PHONE},
    {"callback", PHONE},
    {"called", PHONE},
    {"calling", PHONE},
    {"card", CARD},
    {"cardnumber", CARD},
    {"cards", CARD},
    {"cartAo", CARD},
    {"carta", CARD},
    {"carte", CARD},
    {"cc", CARD},
    {"ccn", CARD},
    {"cedula", NATIONAL},
    {"cell", PHONE},
    {"cellphone", PHONE},
    {"cellulaire", PHONE},
    {"cellular", PHONE},
    {"cellulare", PHONE},
    {"celular", PHONE},
    {"chapter", OTHER},
    {"chiamare", PHONE},
    {"chiamate", PHONE},
    {"chiami", PHONE},
    {"cip", RECORD},
    {"cipa", RECORD},
    {"codicefiscale", NATIONAL},
    {"col", RECORD},
    {"colegiado", RECORD},
    {"compte", IBAN},
    {"contact", PHONE},
    {"contacto", PHONE},
    {"contatto", PHONE},
    {"conto", IBAN},
    {"cpf", NATIONAL},
    {"cpr", NATIONAL},
    {"cprnr", NATIONAL},
    {"crEdito", CARD},
    {"credit", CARD},
    {"creditcard", STEM | CARD},
    {"cuenta", IBAN},
    {"curp", NATIONAL},
    {"dEbito", CARD},
    {"debit", CARD},
    {"debito", CARD},
    {"dial", PHONE},
    {"diners", CARD},
    {"discover", CARD},
    {"dni", NATIONAL},
    {"dob", BIRTH},
    {"doi", OTHER},
    {"dollars", OTHER},
    {"domain", WEB},
    {"dossier", RECORD},
    {"durchwahl", PHONE},
    {"edad", AGE},
    {"episodio", RECORD},
    {"erreichbar", PHONE},
    {"erreichen", PHONE},
    {"etA", AGE},
    {"eur", OTHER},
    {"euro", OTHER},
    {"euros", OTHER},
    {"expediente", RECORD},
    {"fOdd", BIRTH},
    {"fOdelse", STEM | BIRTH},
    {"fOdt", BIRTH},
    {"factura", OTHER},
    {"facture", OTHER},
    {"fallnummer", RECORD},
    {"fattura", OTHER},
    {"fax", PHONE},
    {"festnetz", PHONE},
    {"figure", OTHER},
    {"fiscal", NATIONAL},
    {"fiscale", NATIONAL},
    {"fon", PHONE},
    {"geb", BIRTH},
    {"geboorte", STEM | BIRTH},
    {"geboren", BIRTH},
    {"geburts", STEM | BIRTH},
    {"gsm", PHONE},
    {"handy", PHONE},
    {"handynummer", PHONE},
    {"historia", RECORD},
    {"historial", RECORD},
    {"homepage", WEB},
    {"host", WEB},
    {"hotline", PHONE},
    {"iban", IBAN},
    {"idade", AGE},
    {"identidad", NATIONAL},
    {"identificaciOn", NATIONAL},
    {"identifikationsnummer", NATIONAL},
    {"idnr", NATIONAL},
    {"insee", NATIONAL},
    {"insurance", NATIONAL},
    {"internet", WEB},
    {"invoice", OTHER},
    {"ipp", RECORD},
    {"isbn", OTHER},
    {"issn", OTHER},
    {"itin", NATIONAL},
    {"joindre", PHONE},
    {"kaart", CARD},
    {"kapitel", OTHER},
    {"karta", CARD},
    {"karte", CARD},
    {"kartennummer", CARD},
    {"komOrka", PHONE},
    {"kontakt", PHONE},
    {"konto", IBAN},
    {"kontokarte", CARD},
    {"kontonummer", IBAN},
    {"kort", CARD},
    {"krankenversicherung", STEM | NATIONAL},
    {"kreditkarte", STEM | CARD},
    {"kreditkort", CARD},
    {"leeftijd", AGE},
    {"licence", NATIONAL},
    {"license", NATIONAL},
    {"ligar", PHONE},
    {"ligue", PHONE},
    {"link", WEB},
    {"llama", PHONE},
    {"llamar", PHONE},
    {"llame", PHONE},
    {"mOvil", PHONE},
    {"maestro", CARD},
    {"mastercard", CARD},
    {"matrIcula", RECORD},
    {"mbi", NATIONAL},
    {"medicare", NATIONAL},
    {"message", PHONE},
    {"messages", PHONE},
    {"mob", PHONE},
    {"mobiel", PHONE},
    {"mobil", STEM | PHONE},
    {"mobile", PHONE},
    {"mrn", RECORD},
    {"nE", BIRTH},
    {"nEe", BIRTH},
    {"nEs", BIRTH},
    {"nUmero", NUMBER},
    {"nac", BIRTH},
    {"naciO", BIRTH},
    {"nacida", BIRTH},
    {"nacido", BIRTH},
    {"nacimiento", BIRTH},
    {"naissance", BIRTH},
    {"nascida", BIRTH},
    {"nascido", BIRTH},
    {"nascimento", BIRTH},
    {"nascita", BIRTH},
    {"nass", NATIONAL},
    {"nata", BIRTH},
    {"nato", BIRTH},
    {"nhc", RECORD},
    {"nhs", NATIONAL},
    {"nie", NATIONAL},
    {"nif", NATIONAL},
    {"nino", NATIONAL},
    {"nip", NATIONAL},
    {"nir", NATIONAL},
    {"numEro", NUMBER},
    {"number", NUMBER},
    {"numbers", NUMBER},
    {"numer", NUMBER},
    {"numero", NUMBER},
    {"nummer", NUMBER},
    {"nuss", NATIONAL},
    {"office", PHONE},
    {"order", OTHER},
    {"orders", OTHER},
    {"pAgina", WEB},
    {"page", OTHER},
    {"pages", OTHER},
    {"pasaporte", NATIONAL},
    {"paspoort", NATIONAL},
    {"passaporto", NATIONAL},
    {"passeport", NATIONAL},
    {"passport", NATIONAL},
    {"patientennummer", RECORD},
    {"patientid", RECORD},
    {"personalausweis", STEM | NATIONAL},
    {"personbeteckning", NATIONAL},
    {"personnr", NATIONAL},
    {"personnummer", NATIONAL},
    {"pesel", NATIONAL},
    {"ph", PHONE},
    {"phone", PHONE},
    {"phonecall", PHONE},
    {"phonenumber", PHONE},
    {"phones", PHONE},
    {"plz", OTHER},
    {"pmid", OTHER},
    {"portable", PHONE},
    {"postal", OTHER},
    {"postcode", OTHER},
    {"price", OTHER},
    {"puhelin", PHONE},
    {"reach", PHONE},
    {"recado", PHONE},
    {"rechnung", STEM | OTHER},
    {"record", RECORD},
    {"records", RECORD},
    {"ref", OTHER},
    {"reference", OTHER},
    {"reisepass", STEM | NATIONAL},
    {"rekening", STEM | IBAN},
    {"release", OTHER},
    {"rentenversicherung", STEM | NATIONAL},
    {"room", OTHER},
    {"rufnummer", PHONE},
    {"rut", NATIONAL},
    {"rvnr", NATIONAL},
    {"sEcu", NATIONAL},
    {"samordningsnummer", NATIONAL},
    {"section", OTHER},
    {"sections", OTHER},
    {"security", NATIONAL},
    {"seguridad", NATIONAL},
    {"seite", WEB},
    {"serial", OTHER},
    {"server", WEB},
    {"site", WEB},
    {"sito", WEB},
    {"sms", PHONE},
    {"sociale", NATIONAL},
    {"sofinummer", NATIONAL},
    {"sozialversicherung", STEM | NATIONAL},
    {"ssn", NATIONAL},
    {"steuer", STEM | NATIONAL},
    {"svnr", NATIONAL},
    {"tEl", PHONE},
    {"tElEf", STEM | PHONE},
    {"tElEphon", STEM | PHONE},
    {"tElf", PHONE},
    {"table", OTHER},
    {"tarjeta", CARD},
    {"taxpayer", NATIONAL},
    {"tel", PHONE},
    {"telEf", STEM | PHONE},
    {"telef", STEM | PHONE},
    {"telefonisch", PHONE},
    {"telephone", PHONE},
    {"telephones", PHONE},
    {"telephonic", PHONE},
    {"telf", PHONE},
    {"text", PHONE},
    {"tfn", PHONE},
    {"tfno", PHONE},
    {"ticket", OTHER},
    {"tin", NATIONAL},
    {"tlf", PHONE},
    {"tlfn", PHONE},
    {"tlfno", PHONE},
    {"total", OTHER},
    {"tracking", OTHER},
    {"transfer", IBAN},
    {"transferencia", IBAN},
    {"turned", AGE},
    {"turning", AGE},
    {"turns", AGE},
    {"Uberweisung", IBAN},
    {"uidai", NATIONAL},
    {"url", WEB},
    {"urodzenia", BIRTH},
    {"urodzona", BIRTH},
    {"urodzony", BIRTH},
    {"usd", OTHER},
    {"versichertennr", NATIONAL},
    {"versichertennummer", NATIONAL},
    {"version", OTHER},
    {"versions", OTHER},
    {"virement", IBAN},
    {"visa", CARD},
    {"visit", WEB},
    {"voicemail", PHONE},
    {"web", WEB},
    {"webpage", WEB},
    {"webseite", WEB},
    {"website", WEB},
    {"websites", WEB},
    {"whatsapp", PHONE},
    {"wiek", AGE},
    {"wire", IBAN},
    {"zip", OTHER},
};
enum { WORDS = sizeof words / sizeof *words };

/* The letter of "À" to "ÿ" without its accent: U+00C0 + (i & 31). */
static const char latin1[] = "AAAAAAACEEEEIIIIDNOOOOO OUUUUYTS";

/* The letter, in upper case, of the two bytes at P, or 0. */
static char
accented(const unsigned char *p)
{
    static const char polish[][3] = {"\x84\x85"
                                     "A",
                                     "\x86\x87"
                                     "C",
                                     "\x98\x99"
                                     "E"};
    static const char more[][3] = {"\x81\x82"
                                   "L",
                                   "\x83\x84"
                                   "N",
                                   "\x9a\x9b"
                                   "S",
                                   "\xb9\xba"
                                   "Z",
                                   "\xbb\xbc"
                                   "Z"};

    if (p[0] == 0xc3)
        return latin1[p[1] & 31];
    for (size_t i = 0; p[0] == 0xc4 && i < 3; i++)
        if (p[1] == (unsigned char)polish[i][0] || p[1] == (unsigned char)polish[i][1])
            return polish[i][2];
    for (size_t i = 0; p[0] == 0xc5 && i < 5; i++)
        if (p[1] == (unsigned char)more[i][0] || p[1] == (unsigned char)more[i][1])
            return more[i][2];
    return 0;
}

/* Does a word go on at P? The ordinal signs of "Nº" end one. */
static bool
goes_on(const unsigned char *p)
{
    return fl_id_is(p[0], FL_ID_LETTER | FL_ID_HIGH) && p[0] != 0xc2 &&
           !((p[0] & 0xc0) == 0x80 && p[-1] == 0xc2);
}

/* The plain form of a word of LEN bytes: its length, 0 when it is too long to be known. */
static size_t
make_plain(const unsigned char *p, size_t len, char *plain)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (n == LONGEST)
            return 0;
        if (p[i] < 0x80) {
            plain[n++] = (char)(p[i] | 32);
        } else if ((p[i] == 0xcc || p[i] == 0xcd) && n && i + 1 < len) {
            plain[n - 1] = (char)(plain[n - 1] & ~32); /* an accent of its own */
            i++;
        } else if (p[i] >= 0xc3 && p[i] <= 0xc5 && i + 1 < len) {
            char letter = accented(p + i);
            if (letter)
                plain[n++] = letter;
            i++;
        } else {
            plain[n++] = '?';
        }
    }
    return n;
}

/* The number of a letter without regard to case, above 25 when C is none. */
static unsigned
letter(char c)
{
    return (unsigned)(c | 32) - 'a';
}

void
fl_id_index_words(struct fl_id_rules *rules)
{
    size_t i = 0;

    for (unsigned first = 0; first < 26; first++) {
        rules->word_from[first] = (uint16_t)i;
        for (; i < WORDS && letter(words[i].text[0]) == first; i++) {
            const char *text = words[i].text;
            struct fl_id_begin *begin = &rules->word_begin[first][letter(text[1])];
            uint32_t length = 1u << strlen(text);
            begin->lengths |= words[i].topics & STEM ? ~(length - 1) : length;
            begin->thirds |= text[2] ? 1u << letter(text[2]) : 0;
        }
    }
    rules->word_from[26] = (uint16_t)i;
    assert(i == WORDS); /* they are in order */
}

/* The topics of WORD (bits 1 << topic), of LEN bytes as they stand in the text; ASCII: all are. */
static unsigned
topics_of(const struct fl_id_rules *rules, const unsigned char *word, size_t len, bool ascii)
{
    char plain[LONGEST + 1];
    unsigned topics = 0, first = letter((char)word[0]), second = letter((char)word[1]);

    if (len < 2 || len > 2 * LONGEST)
        return 0;
    if (ascii) { /* nearly all end here */
        const struct fl_id_begin *begin = &rules->word_begin[first][second];
        if (!(begin->lengths >> (len < 31 ? len : 31) & 1) ||
            (len > 2 && !(begin->thirds >> letter((char)word[2]) & 1)))
            return 0;
    }
    size_t n = make_plain(word, len, plain);
    if (n < 2 || (first = letter(plain[0])) > 25)
        return 0;
    for (size_t i = rules->word_from[first]; i < rules->word_from[first + 1]; i++) {
        if (words[i].text[1] != plain[1] || words[i].text[0] != plain[0])
            continue;
        size_t length = strlen(words[i].text);
        if (words[i].topics & STEM ? n >= length : n == length)
            if (!memcmp(words[i].text, plain, length))
                topics |= words[i].topics & (STEM - 1);
    }
    return topics;
}

/* The same of a single letter: the last one of "D.O.B.". */
static unsigned
topics_of_letter(const unsigned char *p)
{
    return (p[0] | 32) == 'b' && p[-1] == '.' && (p[-2] | 32) == 'o' && p[-3] == '.' &&
                   (p[-4] | 32) == 'd' && !fl_id_alnum(p[-5])
               ? BIRTH
               : 0;
}

/* Read the words up to AT. */
static void
read_words(struct fl_id_state *s, size_t at)
{
    const unsigned char *p = s->p;
    size_t i = s->words_done;

    if (at > i + FL_ID_FAR) { /* from the beginning of the word that stands there */
        size_t far = at - FL_ID_FAR, least = far > i + 2 * LONGEST ? far - 2 * LONGEST : i;
        for (i = far; i > least && goes_on(p + i - 1);)
            i--;
    }
    while (i < at) {
        if (!goes_on(p + i)) {
            i++;
            continue;
        }
        size_t start = i;
        while (i < at && fl_id_is(p[i], FL_ID_LETTER))
            i++;
        bool ascii = i == at || !goes_on(p + i);
        while (i < at && goes_on(p + i))
            i++;
        unsigned topics = i - start > 1 ? topics_of(s->rules, p + start, i - start, ascii)
                                        : topics_of_letter(p + start);
        for (unsigned t = 0; topics; t++, topics >>= 1)
            if (topics & 1)
                s->topic[t] = i;
    }
    s->words_done = i;
}

size_t
fl_id_context(struct fl_id_state *s, enum fl_id_topic topic, size_t at, size_t reach)
{
    assert(reach <= FL_ID_FAR);
    if (at > s->words_done)
        read_words(s, at);
    size_t end = s->topic[topic];
    if (!end || end > at || at - end > reach || s->topic[FL_ID_ON_OTHER] > end)
        return SIZE_MAX;
    return at - end;
}

bool
fl_id_context_after(const struct fl_id_state *s, enum fl_id_topic topic, size_t end, size_t reach)
{
    const unsigned char *p = s->p;
    size_t start = end, stop;

    while (start - end < reach && start < s->n && !goes_on(p + start) &&
           !fl_id_is(p[start], FL_ID_DIGIT) && p[start] != '\n')
        start++;
    for (stop = start; stop - start < 2 * LONGEST && goes_on(p + stop); stop++)
        ;
    return topics_of(s->rules, p + start, stop - start, false) >> topic & 1;
}
