#include "data/kind.h"

#include <stdint.h>

#include "test.h"

#define BYTES(text) text, sizeof(text) - 1

/* The start of a file of each kind, and a word of what is said of it. */
static void
test_marks(void)
{
    static const struct {
        const char *data;
        size_t len;
        const char *says;
    } cases[] = {
        {BYTES("FLT1\x01\0\0\0"), "an FLT stream, not text"},
        {BYTES("fl-key-v1\n"), "a secret key of format 1, not text"},
        {BYTES("\x1f\x8b\x08"), "zcat FILE |"},
        {BYTES("\x28\xb5\x2f\xfd..."), "zstdcat FILE |"},
        {BYTES("\x50\x2a\x4d\x18\x04\0\0\0"), "zstdcat FILE |"},
        {BYTES("\xfd"
               "7zXZ\0"),
         "xzcat FILE |"},
        {BYTES("BZh91AY&SY"), "bzcat FILE |"},
        {BYTES("\x04\x22\x4d\x18"), "lz4cat FILE |"},
        {BYTES("%PDF-1.7\n"), "pdftotext FILE - |"},
        {BYTES("PK\3\4\x14\0\0\0\0\0name.txt"), "unzip -p FILE |"},
        {BYTES("PK\3\4\x14\0\0\0\0\0word/document.xml"), "pandoc -f docx"},
        {BYTES("PK\3\4\x14\0\0\0\0\0mimetypeapplication/epub+zip"), "pandoc -f epub"},
        {BYTES("PK\3\4\x14\0\0\0\0\0xl/workbook.xml"), "read_excel"},
        {BYTES("PK\3\4\x14\0\0\0\0\0archive/data.pkl"), "weights"},
        {BYTES("7z\xbc\xaf\x27\x1c\0\4"), "7z archive"},
        {BYTES("SQLite format 3\0\x10\0"), "sqlite3 -json"},
        {BYTES("PAR1\x15\x04\x15\x10"), "read_parquet"},
        {BYTES("ARROW1\0\0\xff\xff\xff\xff"), "read_feather"},
        {BYTES("\x89HDF\r\n\x1a\n\0\0"), "HDF5"},
        {BYTES("\x93NUMPY\1\0v\0"), "NumPy"},
        {BYTES("\x80\x04\x95\x0a\0\0\0"), "pickle"},
        {BYTES("\x80\x02}q\0."), "pickle"},
        {BYTES("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"), "image"},
        {BYTES("\xff\xd8\xff\xe0\0\x10JFIF"), "image"},
        {BYTES("GIF89a\1\0\1\0\x80\0\0"), "image"},
        {BYTES("\x7f"
               "ELF\2\1\1\0"),
         "compiled program"},
        {BYTES("MZ\x90\0\3\0\0\0"), "compiled program"},
        {BYTES("RIFF\x24\0\0\0WAVEfmt "), "sound"},
        {BYTES("OggS\0\2\0\0"), "sound"},
        {BYTES("ID3\3\0\0\0\0"), "sound"},
        {BYTES("GGUF\3\0\0\0"), "weights"},
        {BYTES("\x40\0\0\0\0\0\0\0{\"a\":1}"), "weights"},
        {BYTES("{\\rtf1\\ansi x}"), "RTF"},
        {BYTES("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "old Office"},
        {BYTES("\xff\xfe"
               "a\0"),
         "iconv -f UTF-16 "},
        {BYTES("\xfe\xff\0a"), "iconv -f UTF-16 "},
        {BYTES("\xff\xfe\0\0a\0\0\0"), "iconv -f UTF-32 "},
        {BYTES("\0\0\xfe\xff\0\0\0a"), "iconv -f UTF-32 "},
        {BYTES("a\0b\0c\0 \0d\0"), "iconv -f UTF-16LE "},
        {BYTES("\0a\0b\0c\0 \0d"), "iconv -f UTF-16BE "},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (enum fl_kind_as as = FL_KIND_AS_IS; as <= FL_KIND_AS_LINES; as++) {
            int got = fl_kind_check("x", cases[i].data, cases[i].len, true, as);
            if (got != -1 || !strstr(fl_error_text(), cases[i].says))
                printf("# %zu: %s\n", i, cases[i].says);
            CHECK(got == -1 && fl_error_status() == FL_FAILED);
            CHECK(!strncmp(fl_error_text(), "x: is ", 6));
            CHECK(strstr(fl_error_text(), cases[i].says) && !strchr(fl_error_text(), '\n'));
        }
}

/* Texts that begin as some mark does. */
static void
test_texts(void)
{
    static const struct {
        const char *data;
        size_t len;
    } cases[] = {
        {BYTES("")},
        {BYTES("x")},
        {BYTES("GGUF is a format of files for models.\n")},
        {BYTES("PAR1SH and P4RISH\n")},
        {BYTES("MZ is a mark of programs, MM* one of images, BM another.\n")},
        {BYTES("BZh9 is how bzip2 begins.\n")},
        {BYTES("ORCHARDS in spring\n")},
        {BYTES("Objects and classes\n")},
        {BYTES("ID3 tags are described below.\n")},
        {BYTES("GIF89a is a format of images with a palette.\n")},
        {BYTES("%PDF-friendly LaTeX\n")},
        {BYTES("RIFF, or a tune\n")},
        {BYTES("OggSquish was a codec.\n")},
        {BYTES("DONALD! DUCKS are birds.\n")},
        {BYTES("PK stands for primary key.\n")},
        {BYTES("FEA1: first requirement\n")},
        {BYTES("#!/bin/sh\necho PK\n")},
        {BYTES("<?xml version=\"1.0\"?>\n<a/>\n")},
        {BYTES("\xef\xbb\xbfText with a byte order mark.\n")},
        {BYTES("a\0b\n")},
        {BYTES("caf\xe9 au lait\n")}, /* Latin-1 is seen by what would be replaced */
        {BYTES("\x1b[1mbold\x1b[0m\n")},
        {BYTES("[1] A list of references\n[2] and another\n")},
        {BYTES("{ braces }\n")},
        {BYTES("One, two, three\nFour, five, six\nSeven, eight, nine\n")},
    };
    char tar[600];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (enum fl_kind_as as = FL_KIND_AS_IS; as <= FL_KIND_AS_LINES; as++) {
            int got = fl_kind_check("x.txt", cases[i].data, cases[i].len, true, as);
            if (got)
                printf("# %zu: %s\n", i, cases[i].data);
            CHECK(!got);
        }
    memset(tar, 'x', sizeof tar);
    memcpy(tar + 257, "ustar", 5);
    CHECK(!fl_kind_check("x", tar, sizeof tar, true, FL_KIND_AS_TEXT));
    tar[262] = 0;
    CHECK(fl_kind_check("x", tar, sizeof tar, true, FL_KIND_AS_IS) == -1);
    CHECK(strstr(fl_error_text(), "tar archive") != NULL);
}

/* Guesses depend on what the file is to be. */
static void
test_guesses(void)
{
    static const struct {
        const char *name, *text, *as_text, *as_lines;
    } cases[] = {
        {"x.txt", "[{\"text\": \"a\"}]\n", "one JSON array", "one JSON array"},
        {"x.json", "{\n \"text\": \"a\"\n}\n", "JSON over several lines",
         "JSON over several lines"},
        {"x.txt", "{\"text\": \"a\"}\n", "--format jsonl reads them", NULL},
        {"x.txt", "id,text\n1,a\n2,b\n", "divided by commas", NULL},
        {"x.txt", "id;text\n1;a\n2;b\n", "delimiter: \";\" reads it", NULL},
        {"x.txt", "id\ttext\n1\ta\n2\tb\n", "--format tsv --field COLUMN", NULL},
        {"x.csv", "", NULL, NULL},
        {".csv", "one\n", NULL, NULL},
    };

    CHECK(!fl_kind_check("x", "\0\0\0\0a", 5, true, FL_KIND_AS_IS));
    CHECK(fl_kind_check("x", "\0\0\0\0a", 5, true, FL_KIND_AS_TEXT) == -1);
    CHECK(strstr(fl_error_text(), "is binary data, not text: 4 of its first 5 bytes are NUL"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i].text;
        size_t len = strlen(text);
        CHECK(!fl_kind_check(cases[i].name, text, len, true, FL_KIND_AS_IS));
        int got = fl_kind_check(cases[i].name, text, len, true, FL_KIND_AS_TEXT);
        CHECK(got == (cases[i].as_text ? -1 : 0));
        CHECK(!got || (strstr(fl_error_text(), cases[i].as_text) &&
                       strstr(fl_error_text(), "--format text takes it as it is")));
        got = fl_kind_check(cases[i].name, text, len, true, FL_KIND_AS_LINES);
        CHECK(got == (cases[i].as_lines ? -1 : 0));
        CHECK(!got || (strstr(fl_error_text(), cases[i].as_lines) &&
                       !strstr(fl_error_text(), "--format text")));
    }
}

int
main(void)
{
    RUN(test_marks);
    RUN(test_texts);
    RUN(test_guesses);
    return test_end();
}
